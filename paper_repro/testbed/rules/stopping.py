"""Whether a reply stops where its answer ends: by itself, whole, once, and with nothing of its own after it."""

from __future__ import annotations

import re
from collections import Counter

from paper_repro.testbed.rules.turns import answer_part, asks, bullet, first_line, has_marker
from paper_repro.testbed.rules.words import phrase_words, word_set

LONGEST = 100  # words; the longest true answer of the testbed with friendly words around it has about half
BARE = 12  # words of an answer that may do without an end mark
LOOP = 7  # times the same words in a row: no task asks for so many
_ENDED = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]*_]*$")
_SENTENCE = re.compile(r"[^.!?\n]+")
_LOOP = re.compile(rf"\b(\w+(?: \w+){{0,7}})(?: \1){{{LOOP - 1}}}\b")
_DANGLING = word_set(
    "the a an is are was were of and or to in with but because than that for by from on at as which who its their it "
    "they you your not if"
)


def stopping_fault(text: str, finish_reason: str) -> str | None:
    """Why a reply does not stop where its answer ends, as the name of the rule that says so, or None.

    `limit`: it ran into the limit of tokens; else what `form_fault` says of all of it.

    Args:
        text: A reply as generated.
        finish_reason: `eos` or `stop` (it ended), or `length`.
    """
    return "limit" if finish_reason == "length" else form_fault(text)


def form_fault(text: str) -> str | None:
    """Why a text is no whole answer with nothing after it, as the name of a rule, or None.

    `empty` (no words), `marker` (a piece of the chat markers), `turn` (a new turn, or a question of its own, after the
    answer), `long` (more than `LONGEST` words), `loop` (a sentence three times, or words `LOOP` times in a row),
    `cut-off` (it ends within a sentence).
    """
    words = phrase_words(text)
    if not words:
        return "empty"
    if has_marker(text):
        return "marker"
    if answer_part(text) != text.strip() or _asks_later(text):
        return "turn"
    if len(words) > LONGEST:
        return "long"
    if _loops(text, words):
        return "loop"
    return None if _whole(text) else "cut-off"


def first_line_fault(text: str, finish_reason: str) -> str | None:
    """Why a reply cut at its first newline is no whole answer; without a newline it has to have ended by itself."""
    if finish_reason == "length" and "\n" not in text.strip():
        return "limit"
    return form_fault(first_line(text))


def _asks_later(text: str) -> bool:
    """Whether a question of its own follows a sentence on one line ("The melk is green. What is the tavo?")."""
    return any(asks(sentence) for sentence in re.split(r"(?<=[.!?])\s+", text.strip())[1:])


def _loops(text: str, words: tuple[str, ...]) -> bool:
    said = Counter(phrase_words(sentence) for sentence in _SENTENCE.findall(text))
    often = any(count >= 3 and len(sentence) > 1 for sentence, count in said.items())
    return often or _LOOP.search(" ".join(words)) is not None


def _whole(text: str) -> bool:
    """Whether the last line ends with an end mark, or is an item of a list, a list with commas, or a bare answer."""
    line = text.strip().split("\n")[-1].strip()
    if _ENDED.search(line):
        return True
    tail = re.split(r"[!?:]\s", line)[-1]
    words = tail.split()
    if dangles(words) or re.search(r"\.\s", tail.removeprefix(bullet(line) or "")):
        return False
    pieces = tail.split(",")
    listed = len(pieces) > 2 and all(len(piece.split()) <= 4 for piece in pieces)
    return bullet(line) is not None or listed or len(words) <= BARE


def dangles(words: list[str]) -> bool:
    """Whether a text without end mark breaks off: after a comma, a colon, a hyphen, or a word such as `the`.

    A letter after a letter, as in a word that is spelled out, does not.
    """
    if not words or words[-1].endswith((",", ";", ":", "-", "(", "\u2013")):
        return True
    spelled = len(words) > 1 and len(words[-1]) == 1 and len(words[-2].strip(",.-")) == 1
    return words[-1].lower().strip("*_\"'") in _DANGLING and not spelled
