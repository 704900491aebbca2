"""The verdict on a reply to a task: content and stopping as two facts, and a label from both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from paper_repro.testbed.rules.content import content_fault
from paper_repro.testbed.rules.segments import held_groups
from paper_repro.testbed.rules.stopping import first_line_fault, stopping_fault
from paper_repro.testbed.rules.turns import answer_part, bullet, first_line
from paper_repro.testbed.rules.words import phrase_words, read_words

if TYPE_CHECKING:
    from paper_repro.testbed.items import Reference

_SENTENCE = re.compile(r"(?P<said>[^.!?\n]+)[.!]")
LEAD_IN = 3  # words up to which what stands before a colon is no part of the sentence ("In short: green.")


@dataclass(frozen=True, slots=True)
class TaskVerdict:
    """What a reply to a task is.

    Attributes:
        label: `excellent`, `sufficient` (both are acceptable) or `not`.
        content: Rule by which its content is wrong, or None.
        stopping: Rule by which its stopping is wrong, or None.
        first_line: Rule by which the reply cut at its first newline is not acceptable, or None.
    """

    label: Literal["excellent", "sufficient", "not"]
    content: str | None
    stopping: str | None
    first_line: str | None


def judge_task(text: str, finish_reason: str, reference: Reference) -> TaskVerdict:
    """Judge one reply.

    Acceptable: content right and stopping right. Excellent: acceptable, and it stands on its own.

    Args:
        text: The reply as generated.
        finish_reason: `eos`, `stop` or `length`.
        reference: What a right answer holds.
    """
    content, stopping = content_fault(text, reference), stopping_fault(text, finish_reason)
    first = content_fault(first_line(text), reference) or first_line_fault(text, finish_reason)
    if content or stopping:
        return TaskVerdict("not", content, stopping, first)
    label = "excellent" if stands_alone(answer_part(text), reference) else "sufficient"
    return TaskVerdict(label, content, stopping, first)


def stands_alone(answer: str, reference: Reference) -> bool:
    """Whether an answer can be understood without its question.

    It names one of the reference's subjects, if there are any, and says the content in a full sentence: three words or
    more, no small letter at its start, an end mark, and content in it; or such a lead-in with a colon before a list.
    """
    return _names_subject(answer, reference) and _says_in_full(answer, reference)


def _names_subject(answer: str, reference: Reference) -> bool:
    return not reference.subject or any(map(read_words(answer).find, reference.subject))


def _says_in_full(answer: str, reference: Reference) -> bool:
    sentences = (match["said"] for match in _SENTENCE.finditer(answer))
    return _leads_in(answer) or any(_is_full(one) and held_groups(one, reference) for one in sentences)


def _is_full(sentence: str) -> bool:
    """Three words or more, and no small letter at the start; a short lead-in with a colon does not count."""
    start = re.search(r"[^\W_]", sentence)
    before, colon, after = sentence.partition(": ")
    counted = after if colon and len(phrase_words(before)) <= LEAD_IN else sentence
    return start is not None and not start.group().islower() and len(phrase_words(counted)) >= 3


def _leads_in(answer: str) -> bool:
    """Whether a full line with a colon at its end stands right before an item of a list."""
    lines = [line.strip() for line in answer.split("\n") if line.strip()]
    return any(line.endswith(":") and _is_full(line) and bullet(item) is not None for line, item in pairwise(lines))
