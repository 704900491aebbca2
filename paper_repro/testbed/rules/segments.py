"""Sentences of an answer, and which of them hold its content: only those are held to an instruction's requirements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paper_repro.testbed.rules.turns import answer_part, without_bullet
from paper_repro.testbed.rules.words import read_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paper_repro.testbed.items import Reference

_SPLIT = re.compile(r"(?<=[.!?:])\s+")


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence, a line, or what stands before or after a colon.

    Attributes:
        text: As written, without a bullet mark before it.
        line: Number of its line in the answer.
        groups: The groups of the reference that have an alternative in it.
    """

    text: str
    line: int
    groups: tuple[int, ...]


def held_groups(text: str, reference: Reference) -> tuple[int, ...]:
    """Numbers of the groups that have an alternative in a text, affirmed or not."""
    words = read_words(text)
    return tuple(number for number, group in enumerate(reference.groups) if any(map(words.find, group)))


def segments(text: str, reference: Reference) -> list[Segment]:
    """The segments of the answer part of a reply that have words in them."""
    found = []
    for number, line in enumerate(answer_part(text).split("\n")):
        for part in _SPLIT.split(without_bullet(line).strip()):
            if re.search(r"[^\W_]", part):
                found.append(Segment(part, number, held_groups(part, reference)))
    return found


def content_segments(text: str, reference: Reference) -> Sequence[Segment]:
    """The segments that hold content; where none does, all of them, so that form is judged apart from content."""
    every = segments(text, reference)
    return [segment for segment in every if segment.groups] or every
