"""One call a reply; a JSON object with a score of each aspect. The verdict's score is their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paper_repro.judge.llm.parameters import LlmParameters, ask_reply
from paper_repro.judge.llm.replies import json_object, number
from paper_repro.judge.schema import Opinion

ASPECTS = ("helpfulness", "factuality", "clarity", "depth", "engagement")
LOWEST, HIGHEST = 1.0, 5.0


class Parameters(LlmParameters):
    """Prompt and model."""


ask = ask_reply


def read(row: dict[str, Any], replies: Sequence[str | None], parameters: Parameters) -> Opinion:
    """The five scores."""
    return read_scores(replies[0], ASPECTS)


def read_scores(reply: str, aspects: Sequence[str]) -> Opinion:
    """Scores of `aspects` in a JSON reply (`{"depth": {"score": 4}}` or `{"depth": 4}`); all of them, or no verdict."""
    found = json_object(reply) or {}
    given = {name.strip().lower(): value for name, value in found.items()}
    scores = {}
    for name in aspects:
        value = given.get(name)
        scores[name] = number(value.get("score") if isinstance(value, dict) else value, LOWEST, HIGHEST)
    if None in scores.values():
        return Opinion("unclassified", raw=reply)
    return Opinion("ok", score=sum(scores.values()) / len(scores), raw=reply, aspects=scores)
