"""Where an answer ends and something new begins: labels of turns, new questions, pieces of chat markers."""

from __future__ import annotations

import re

from paper_repro.testbed.rules.words import word_set

_MARKER = re.compile(r"<\||\|>|\|(?:user|assistant)\b|\b(?:user|assistant)\|")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+(?=\S)")
_NAME = r"[A-Za-z][\w'.]*(?: [\w'.]+){0,2}"
_LABEL = re.compile(
    rf"^\W*(?P<name>{_NAME})(?:\s?(?::|>|\||=|\u2014|--|~)| - )"  # Tom: / > Tom: / Mira | / Guest - / Q>
    rf"|^\s*[\[({{<*_]+\s*{_NAME}\s*[\])}}>*_]+"  # [Mira] / **Reader** / <Tom>
    r"|^\s*(?:#+|={2,}|-{2,}|\*{3,}|~{2,}|_{3,})"  # ### Question / --- / ===
    r"|^\s*[QA](?:[).]|\d)"  # Q) / A. / Q1
)
# words of an answer's own lead-in ("The towns are: ...", "Here it is: ..."), which no speaker is called
_LEAD_IN = word_set("the is are here it they this these that there in of yes no so its their")
_ORDER = re.compile(
    r"^\W*(?:please\s+)?(?:tell|name|list|give|write|explain|describe|answer|compute|compare|count|reverse|spell|say"
    r"|repeat|state)\s+(?:me|us|the|a|an|all|three|two|four|five|how|what|which|where|who|why|in|each|this|these)\b",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"\b(?:anything else|something else|(?:any|more|other|further) questions|help(?:ed|s|ful)?|assist"
    r"|would you like|do you want|know more|learn more|hear more|makes? sense|is that clear|what else|all right)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[^.!?\n]*\?")
_FIELD = re.compile(r"^(?P<label>[A-Z][a-z]+(?: [a-z]+)?): (?P<value>\S[^?]*)$")
_ROLES = word_set("q a question answer user assistant reply human student teacher")


def has_marker(text: str) -> bool:
    """Whether a piece of the chat markers stands in a text."""
    return _MARKER.search(text) is not None


def bullet(line: str) -> str | None:
    """The item's mark (`-`, `*`, `•`, `1.`), or None if the line is no item of a list."""
    match = _BULLET.match(line)
    return match.group().strip() if match else None


def without_bullet(line: str) -> str:
    """A line without the mark of a list before it."""
    return _BULLET.sub("", line)


def asks(text: str) -> bool:
    """Whether a question stands in a text that is no friendly offer ("Is there anything else I can help with?")."""
    return "?" in text and any(not _OFFER.search(question) for question in _QUESTION.findall(text))


def begins_turn(line: str) -> bool:
    """Whether a line, coming after an answer, begins a new turn: a label, a question or an instruction of its own."""
    if has_marker(line) or asks(line):
        return True
    return bullet(line) is None and (_is_label(line) or _ORDER.match(line) is not None)


def _is_label(line: str) -> bool:
    match = _LABEL.match(line)
    return match is not None and not set((match["name"] or "").lower().split()) & _LEAD_IN


def first_line(text: str) -> str:
    """A reply cut at its first newline; white space before the reply does not count."""
    return text.strip().split("\n", 1)[0].rstrip()


def answer_part(text: str) -> str:
    """A reply up to where something new begins: a piece of the chat markers, or a line that begins a turn.

    The first line never begins a new turn, nor does the line after a friendly opening or lead-in (a line that ends
    with `!` or `:`), nor do labelled fields (see `labelled_fields`).
    """
    marker = _MARKER.search(text)
    lines = (text[: marker.start()] if marker else text).strip().split("\n")
    free = max(_opening_lines(lines) + 1, labelled_fields(lines))
    for number, line in enumerate(lines[free:], free):
        if line.strip() and begins_turn(line):
            return "\n".join(lines[:number]).rstrip()
    return "\n".join(lines)


def _opening_lines(lines: list[str]) -> int:
    """How many first lines only open: they are blank, or end with `!` or `:`."""
    for number, line in enumerate(lines):
        if line.strip() and not line.rstrip().endswith(("!", ":")):
            return number
    return 0


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
    distinct = len(set(labels)) == len(labels) and not set(labels) & _ROLES
    return len(labels) if len(labels) > 1 and distinct else 0
