"""One call a pair; the order is drawn prompt by prompt, and recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from artifacts.digests import digest_json
from paper_repro.annotate.guideline import preference_text
from paper_repro.judge.llm.parameters import Messages, PairParameters
from paper_repro.judge.llm.replies import verdict_line
from paper_repro.judge.schema import Opinion


class Parameters(PairParameters):
    """Prompt, model and the seed of the order; `{guideline}` in a prompt is what raters are told."""

    guideline: ClassVar = staticmethod(preference_text)


def shown_second(prompt_id: str, seed: int) -> bool:
    """Whether the judged reply stands second; a fair draw that depends on seed and prompt alone."""
    return int(digest_json([seed, prompt_id])[:8], 16) % 2 == 1


def ask(row: dict[str, Any], parameters: Parameters) -> list[Messages]:
    """The messages for one pair."""
    pair = [row["response"], row["against"]]
    if shown_second(row["prompt_id"], parameters.seed):
        pair.reverse()
    return [parameters.messages(instruction=row["prompt"], first=pair[0], second=pair[1])]


def read(row: dict[str, Any], replies: Sequence[str | None], parameters: Parameters) -> Opinion:
    """Win, tie or loss of the judged reply."""
    second = shown_second(row["prompt_id"], parameters.seed)
    better = verdict_line(replies[0], "better", ("1", "2", "equal"))
    if better is None:
        return Opinion("unclassified", raw=replies[0])
    own = "2" if second else "1"
    label = "tie" if better == "equal" else "win" if better == own else "loss"
    return Opinion("ok", label=label, raw=replies[0], aspects={"shown_second": int(second)})
