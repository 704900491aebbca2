"""What a filter says about one response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """The response leaves.

    Attributes:
        reason: Short fixed words, countable (`few_words`).
        score: The measured value behind it (a length, a share), or None.
    """

    reason: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Masked:
    """The response stays, with parts of it replaced.

    Attributes:
        text: The new text.
        counts: Kind of part to how many were replaced.
    """

    text: str
    counts: Mapping[str, int]


Outcome = Fault | Masked | None
