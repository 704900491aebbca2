"""The filter `truncation`: responses that stop in mid-sentence or in mid-code."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import PositiveInt

from artifacts.settings import Settings
from data_curation.filters.fences import open_block
from data_curation.filters.outcome import Fault, Outcome

_ENDS = ".!?:;\u2026\u3002\uff01\uff1f\u0964\u061f"
# words that no English sentence ends with, even one that lacks its full stop ('to', 'for', 'with' can end one)
_DANGLING = re.compile(
    r"(?:the|an?|and|or|of|nor|because|although|whereas|whose|into|if|unless|their|its|my|your|our|every|than)"
)
# a last line of nothing but the beginning of a sentence
_BEGINNING = re.compile(r"(?:With|In|As|By|From|To|On|At|This|These|It|For|When|While|If|However|Additionally),?")
# 'November 3, 20', 'as of 20': a year cut in half
_HALF_YEAR = re.compile(
    r"(?:\bas of|\bsince|\b(?:Jan|Febr)uary|\bMarch|\bApril|\bMay|\bJune|\bJuly|\bAugust"
    r"|\b(?:Septem|Octo|Novem|Decem)ber)(?: \d{1,2},)? (?:19|20)\Z"
)
_LIST_MARK = re.compile(r"\A(?:[-*+\u2022\u2013]|\(?\d{1,4}[.)]|\(?[a-zA-Z][.)]|#{1,6})[ \t]+")
# an end mark (not of an initial or of 'e.g.') and a capital behind it
_SENTENCE_END = re.compile(r"(?<![ .(][A-Za-z])[.!?][\"'\u201d\u2019)\]]{0,2} +[\"'\u201c\u2018(\[]?[A-Z]")
# a word in plain letters: no link, tag, hashtag, number or bracket
_PLAIN_WORD = re.compile(
    r"[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff'\u2019-]*[A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff]"
)
_CODE_ASKS_FOR_MORE = tuple("([{,=+-*/\\&|<")
_BRACKETS = ("()", "[]", "{}")
CLAUSE = 8  # words of a line that a dangling mark may cut: a letter's 'Yours sincerely,' has fewer
LISTED = 5  # words a comma, at most, in a line that lists things


class TruncationSettings(Settings):
    """Drop responses that were cut off, as happens at a generator's token limit.

    Single words, numbers, titles, verses, closed code, and short answers without a full stop stay. So do list items
    that stop after a whole word: of texts cut at a random place about two in three are found.

    Attributes:
        unfinished: Also drop a long text whose last line begins with whole sentences and ends without an end mark.
        min_words: Fewest words of a text that `unfinished` looks at: people leave out the last full stop of short
            answers, token limits cut long ones.
    """

    step: Literal["truncation"] = "truncation"
    unfinished: bool = True
    min_words: PositiveInt = 250


def judge(text: str, settings: TruncationSettings) -> Outcome:
    """`mid_code`, `dangling_mark`, `dangling_word`, `half_year` or `unfinished`; the score is the number of words."""
    text = text.rstrip()
    lines = text.split("\n")
    words = text.split()
    block = open_block(lines) if "```" in text else None
    if block is not None:
        return Fault("mid_code", len(words)) if _code_goes_on(lines[block.first + 1 :]) else None
    last = lines[-1].strip()
    if last.startswith(("```", "~~~")) or len(words) < 5:
        return None
    if len(words) >= settings.min_words and _BEGINNING.fullmatch(last):
        return Fault("dangling_word", len(words))
    reason = _dangles(last) or (settings.unfinished and len(words) >= settings.min_words and _unfinished(last))
    return Fault(reason, len(words)) if reason else None


def _code_goes_on(code: list[str]) -> bool:
    """Whether the lines of an open block stop in the middle: an open bracket, or an end that asks for more."""
    text = "\n".join(code).rstrip()
    if not text or (text[-1] in ".!?" and len(text.rpartition("\n")[2].split()) >= CLAUSE):
        return False  # prose behind a fence that should have been closed
    return text.endswith(_CODE_ASKS_FOR_MORE) or any(text.count(a) > text.count(b) for a, b in _BRACKETS)


def _dangles(last: str) -> str | None:
    """What the last line ends with that nothing can end with."""
    words = last.split()
    if _DANGLING.fullmatch(words[-1].strip("*_")):
        return "dangling_word"
    if _HALF_YEAR.search(last[-24:]):
        return "half_year"
    if len(words) < CLAUSE:
        return None
    if last[-1] in "([{" or words[-1] in ("-", "\u2013", "\u2014"):
        return "dangling_mark"
    if last[-1] == "," and _PLAIN_WORD.fullmatch(words[-1][:-1]) and last.count(",") * LISTED <= len(words):
        return "dangling_mark"
    return None


def _unfinished(last: str) -> str | None:
    """Whether the last line has a whole sentence and then one without an end."""
    if last[-1] in _ENDS or not _PLAIN_WORD.fullmatch(last.rpartition(" ")[2]):
        return None
    body = _LIST_MARK.sub("", last)
    ends = list(_SENTENCE_END.finditer(body))
    return "unfinished" if ends and len(body[ends[-1].end() - 1 :].split()) > 1 else None
