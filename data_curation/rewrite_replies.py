"""What a reply of the rewriting model gives: a new text, or the reason why the original stays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from data_curation.llm_client import Outcome

# reasons for keeping the original although the model has answered, or was not asked
NO_MARKER, EMPTY, CUT, BLANK = "no_marker", "empty", "cut", "blank"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What became of one row.

    Attributes:
        outcome: `rewritten`; `unchanged` (the model gave the same text back); `original` (kept, for `reason`); `failed`
            (no answer could be had, for `reason`).
        reason: `no_marker`, `empty`, `cut`, `blank`, or the reason of a failure; None for the first two outcomes.
        text: The new text of a rewritten row, else None.
    """

    outcome: Literal["rewritten", "unchanged", "original", "failed"]
    reason: str | None = None
    text: str | None = None

    @property
    def extracted(self) -> bool:
        """Whether a text could be taken from the model's answer."""
        return self.outcome in ("rewritten", "unchanged")


def extract(reply: str, marker: str) -> str | None:
    """The text after the marker's first occurrence, in any letter case, without white space around; None without one.

    The paper's rule (appendix G). Models like to print the marker in bold: the stars that close behind it what opened
    before it belong to the marker, not to the text.
    """
    found = re.search(re.escape(marker), reply, re.IGNORECASE)
    if found is None:
        return None
    # what opens is looked for after the marker: one pattern for both takes quadratic time on a long run of stars
    before = reply[: found.start()]
    opened = before[len(before.rstrip("*_")) :]
    return reply[found.end() :].removeprefix(opened[::-1]).strip()


def read_rewrite(outcome: Outcome | None, marker: str, original: str, take_cut: bool) -> Rewrite:
    """Read the outcome of a row's request.

    Args:
        outcome: What the client gave; None for a row that was not asked about, because its response is blank.
        marker: The prompt's marker.
        original: The response as it was.
        take_cut: Whether a text that ends at the limit of tokens is taken all the same.
    """
    if outcome is None:
        return Rewrite("original", BLANK)
    if outcome.failure is not None:
        return Rewrite("failed", outcome.failure.reason)
    answer = outcome.answer
    text = extract(answer.text, marker)
    if text is None:
        return Rewrite("original", NO_MARKER)
    if not text:
        return Rewrite("original", EMPTY)
    if answer.finish_reason == "length" and not take_cut:
        return Rewrite("original", CUT)
    return Rewrite("unchanged") if text == original.strip() else Rewrite("rewritten", text=text)
