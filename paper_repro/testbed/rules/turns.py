"""Where an answer ends and something new begins: labels of turns, new questions, pieces of chat markers."""

from __future__ import annotations

import re

_MARKER = re.compile(r"<\||\|>|\|(?:user|assistant)\b|\b(?:user|assistant)\|")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
# "Tom:", "[Mira]", "Q)", "### Question", "**Reader**", "> Tom", "Guest -"
_LABEL = re.compile(
    r"^\W*(?:[A-Za-z][\w'.]*)(?: [\w'.]+){0,2}\s?(?::|>|\||=|\u2014|--|~)(?:\s|$|[*_\])>]|\w)"
    r"|^\W*(?:[A-Za-z][\w'.]*)(?: [\w'.]+){0,2} - "
    r"|^\s*[\[({<*_]+\s*[A-Za-z][\w'.]*(?: [\w'.]+){0,2}\s*[\])}>*_]+"
    r"|^\s*(?:#+|=+|-{2,}|\*{3,}|~{2,}|_{3,})\s*"
    r"|^\s*[QA][).\d]"
)
_ORDER = re.compile(
    r"^\W*(?:please\s+)?(?:tell|name|list|give|write|explain|describe|answer|compute|compare|count|reverse|spell|say"
    r"|repeat|state)\s+(?:me|us|the|a|an|all|three|two|four|five|how|what|which|where|who|why|in|each|this|these)\b",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"\b(?:anything else|something else|(?:any |more )?(?:other |further )?questions|help(?:ed|s|ful)?|assist"
    r"|would you like|know more|learn more|hear more|makes? sense|is that clear|what else|all right|curious)\b",
    re.IGNORECASE,
)


def has_marker(text: str) -> bool:
    """Whether a piece of the chat markers stands in a text."""
    return _MARKER.search(text) is not None


def is_bullet(line: str) -> bool:
    """Whether a line is an item of a list: a bullet mark or a number with `.` or `)` before it."""
    return _BULLET.match(line) is not None


def begins_turn(line: str) -> bool:
    """Whether a line, coming after an answer, begins a new turn: a label, a question or an instruction of its own.

    A friendly offer ("Is there anything else I can help with?") is none, nor is an item of a list.
    """
    if has_marker(line):
        return True
    item = _BULLET.match(line)
    said = line[item.end() :] if item else line
    if said.rstrip(" \"')*_").endswith("?") and not _OFFER.search(said):
        return True
    return item is None and (_LABEL.match(line) is not None or _ORDER.match(line) is not None)


def first_line(text: str) -> str:
    """A reply cut at its first newline; white space before the reply does not count."""
    return text.strip().split("\n", 1)[0].rstrip()


def answer_part(text: str) -> str:
    """A reply up to where something new begins: a chat marker, or a line after the first that begins a turn.

    Labelled fields (see `labelled_fields`) are one answer.
    """
    marker = _MARKER.search(text)
    lines = (text[: marker.start()] if marker else text).strip().split("\n")
    fields = labelled_fields(lines)
    for number, line in enumerate(lines):
        if number >= fields and number > 0 and line.strip() and begins_turn(line):
            return "\n".join(lines[:number]).rstrip()
    return "\n".join(lines)


_FIELD = re.compile(r"^(?P<label>[A-Z][a-z]+(?: [a-z]+)?): (?P<value>\S[^?]*)$")
_TURN_LABELS = frozenset({"q", "a", "question", "answer", "user", "assistant", "reply", "human", "student", "teacher"})


def labelled_fields(lines: list[str]) -> int:
    """How many first lines are labelled fields of one answer, as in `Colour: green` and `Home: forest`.

    There are at least two, their labels differ, none names a speaker's role, and each value has at most three words.
    """
    labels: list[str] = []
    for line in lines:
        match = _FIELD.match(line.strip())
        if match is None or len(match["value"].split()) > 3:
            break
        labels.append(match["label"].lower())
    distinct = len(set(labels)) == len(labels) and not set(labels) & _TURN_LABELS
    return len(labels) if len(labels) > 1 and distinct else 0
