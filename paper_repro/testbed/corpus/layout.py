"""A layout: how the turns of a conversation are set on a page, as text before and after each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

NUMBER, CLOCK, QUOTED = "\x01", "\x02", "\x03"  # stand for the turn's number, its time, and the question before it
HOURS = 24


class Frame(NamedTuple):
    """Text before and after a turn; NUMBER, CLOCK and QUOTED in it are filled in."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a conversation is set.

    Attributes:
        name: Of its kind, e.g. `labels`.
        question: Frame of a question.
        replies: Frames of the first, second ... reply to a question; the last one serves for all that follow.
        asker: Frame of what the asker says otherwise.
        replier: Frame of what the first replier says otherwise.
        head: Text before everything.
        tail: Text after everything.
        answers: Text between questions and answers where the answers follow together; None where they alternate.
        start: Minute of the day at which CLOCK begins.
        one_line: Whether a turn has to be one line.
    """

    name: str
    question: Frame
    replies: tuple[Frame, ...]
    asker: Frame
    replier: Frame
    head: str = ""
    tail: str = ""
    answers: str | None = None
    start: int = 0
    one_line: bool = False


class Turn(NamedTuple):
    """A turn: who speaks or what it is, its text, and its number in the numbering of the layout."""

    frame: Frame
    text: str
    number: int
    quoted: str = ""


Asked = tuple[str, Sequence[str], str | None]  # a question, its replies, and what the asker says then


def render(layout: Layout, opening: Sequence[str], asked: Iterable[Asked]) -> str:
    """The document's text, without blanks and newlines at its ends."""
    frames = (layout.asker, layout.replier)
    turns = [Turn(frame, text, 0) for frame, text in zip(frames, opening, strict=False)]
    questions, replies = [], []
    for number, (question, answers, remark) in enumerate(asked, start=1):
        group = [Turn(layout.question, question, number)]
        last = len(layout.replies) - 1
        said = [Turn(layout.replies[min(i, last)], text, number, question) for i, text in enumerate(answers)]
        if remark is not None:
            said.append(Turn(layout.asker, remark, number))
        if layout.answers is None:
            turns += group + said
        else:
            questions += group
            replies += said
    parts = [layout.head, *_filled(layout, turns)]
    if layout.answers is not None:
        parts += [*_filled(layout, questions), layout.answers, *_filled(layout, replies)]
    return "".join([*parts, layout.tail]).strip()


def until_reply(layout: Layout, question: str) -> tuple[str, str]:
    """The document of one question up to where the reply begins, and the text that tells that a reply has ended."""
    frame = layout.replies[0]
    parts = [layout.head, *_filled(layout, [Turn(layout.question, question, 1)]), layout.answers or ""]
    before = _fill(layout, frame.before, 1, 1, question)
    # words are tokens with their leading blank, so that a reply begins with the blank
    text = "".join([*parts, before]).lstrip().removesuffix(" ")
    # turns on one line end with a blank, which is an end only with the next label
    return text, frame.after.lstrip(" ")[:1] or f" {layout.question.before.strip()}"


def _filled(layout: Layout, turns: list[Turn]) -> list[str]:
    return [
        _fill(layout, frame.before, place, number, quoted) + text + _fill(layout, frame.after, place, number, quoted)
        for place, (frame, text, number, quoted) in enumerate(turns)
    ]


def _fill(layout: Layout, text: str, place: int, number: int, quoted: str) -> str:
    if text.isprintable() or not any(mark in text for mark in (NUMBER, CLOCK, QUOTED)):
        return text
    hour, minute = divmod(layout.start + place, 60)
    text = text.replace(CLOCK, f"{hour % HOURS:02}:{minute:02}").replace(NUMBER, str(number))
    return text.replace(QUOTED, quoted)
