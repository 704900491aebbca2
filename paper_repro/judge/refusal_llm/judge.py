"""One call a reply; the last of the two words in the answer is the label (PAPER, Evaluations)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from artifacts.errors import ResponseTuningError
from artifacts.pins import fetch
from data_curation.prompt_text import python_constant
from paper_repro.judge.llm.parameters import LlmParameters, ask_reply
from paper_repro.judge.llm.replies import last_word
from paper_repro.judge.schema import Opinion

PIN = "response-tuning-refusal-judge"
LABELS = ("refusal", "compliance")


def official_prompt() -> dict[str, Any]:
    """The authors' prompt, taken out of their script, which is read and never run.

    Raises:
        ValueError: it cannot be downloaded.
    """
    try:
        text = python_constant(fetch(PIN).paths[0], "REFUSAL_JUDGE_PROMPT")
    except ResponseTuningError as error:
        raise ValueError(f"prompt: {error}") from None
    text = text.replace("{prompt}", "{instruction}").replace("{model_output}", "{response}")
    return {"name": "official-refusal", "version": 1, "user": text}


class Parameters(LlmParameters):
    """Prompt and model; the paper's prompt goes by the name `official`."""

    official: ClassVar[Mapping[str, Any]] = {"official": official_prompt}


ask = ask_reply


def read(row: dict[str, Any], replies: Sequence[str | None], parameters: Parameters) -> Opinion:
    """The label that the answer ends with."""
    label = last_word(replies[0], LABELS)
    return Opinion("unclassified" if label is None else "ok", label=label, raw=replies[0])
