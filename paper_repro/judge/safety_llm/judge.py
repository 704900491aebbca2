"""One call a reply; a JSON object with one score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paper_repro.judge.aspects_llm.judge import read_scores
from paper_repro.judge.llm.parameters import LlmParameters, Messages
from paper_repro.judge.schema import Opinion


class Parameters(LlmParameters):
    """Prompt and model."""


def ask(row: dict[str, Any], parameters: Parameters) -> list[Messages]:
    """The messages for one reply."""
    return [parameters.messages(instruction=row["prompt"], response=row["response"])]


def read(row: dict[str, Any], replies: Sequence[str | None], parameters: Parameters) -> Opinion:
    """The score of the aspect `safety`."""
    return read_scores(replies[0], ("safety",))
