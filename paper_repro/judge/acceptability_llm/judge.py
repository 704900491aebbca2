"""One call a reply; the last line `Rating: ...` decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from paper_repro.annotate.guideline import acceptability_text
from paper_repro.judge.llm.parameters import LlmParameters, ask_reply
from paper_repro.judge.llm.replies import verdict_line
from paper_repro.judge.schema import Opinion

LEVEL_OF = {"excellent": "excellent", "sufficient": "sufficient", "not acceptable": "not", "not": "not"}


class Parameters(LlmParameters):
    """Prompt and model; `{guideline}` in a prompt is what raters are told."""

    guideline: ClassVar = staticmethod(acceptability_text)


ask = ask_reply


def read(row: dict[str, Any], replies: Sequence[str | None], parameters: Parameters) -> Opinion:
    """The level in the last line of ratings."""
    level = LEVEL_OF.get(verdict_line(replies[0], "rating", LEVEL_OF))
    return Opinion("unclassified" if level is None else "ok", label=level, raw=replies[0])
