"""The filter `broken_fence`: code fences that do not pair."""

from __future__ import annotations

from typing import Literal

from artifacts.settings import Settings
from data_curation.filters.fences import open_block
from data_curation.filters.outcome import Fault, Outcome


class BrokenFenceSettings(Settings):
    """Drop responses with a Markdown code fence that nothing closes, so that the rest reads as code."""

    step: Literal["broken_fence"] = "broken_fence"


def judge(text: str, settings: BrokenFenceSettings) -> Outcome:
    """`open_fence`, or `stray_fence` if nothing follows the fence; the score is the share of lines behind it."""
    if "```" not in text:
        return None
    lines = text.rstrip().split("\n")
    block = open_block(lines)
    if block is None:
        return None
    behind = len(lines) - block.first - 1
    return Fault("open_fence" if behind else "stray_fence", behind / len(lines))
