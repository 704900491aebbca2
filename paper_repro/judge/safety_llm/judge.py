"""One call a reply; a JSON object with one score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paper_repro.judge.aspects_llm.judge import read_scores
from paper_repro.judge.llm.parameters import LlmParameters, ask_reply
from paper_repro.judge.schema import Opinion


class Parameters(LlmParameters):
    """Prompt and model."""


ask = ask_reply


def read(row: dict[str, Any], replies: Sequence[str | None], parameters: Parameters) -> Opinion:
    """The score of the aspect `safety`."""
    return read_scores(replies[0], ("safety",))
