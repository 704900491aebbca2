"""What a curation step is: records in; drops, changes and measurements out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from data_curation.records import Record


@dataclass(frozen=True, slots=True)
class Drop:
    """Why one record leaves.

    Attributes:
        row_id: The record that leaves.
        reason: Short fixed word or words, countable (`near_duplicate`, `too_short`).
        by: `row_id` of the record that made it leave (duplicates), set and id of an evaluation prompt, else None.
        score: The measured value behind the reason (similarity, ratio, length), else None.
        by_set: Where `by` is: a row of the `input` or of the `reference` set, or one of the evaluation `prompts`.
    """

    row_id: str
    reason: str
    by: str | None = None
    score: float | None = None
    by_set: Literal["input", "reference", "prompts"] = "input"


@dataclass
class StepResult:
    """Outcome of one step.

    Attributes:
        drops: One entry per record that leaves; all others are kept.
        responses: `row_id` to new response text, for steps that change text.
        measures: Name to number: what the step counted (per kind of change, candidates, pairs).
        matches: Rows for matches.jsonl: what was found where, for steps that find more than one drop can tell.
    """

    drops: list[Drop] = field(default_factory=list)
    responses: dict[str, str] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)
    matches: list[dict[str, Any]] = field(default_factory=list)


class Step(Protocol):
    """A curation step, built from its settings."""

    name: str

    def apply(self, records: Sequence[Record], scratch: Path) -> StepResult:
        """Look at all records still kept, in order, and say which leave or change.

        `scratch` is a folder that survives a stop: costly parts (embeddings) are kept there, keyed by digest. A step
        whose settings are `survivors.DedupSettings` takes the rows of the reference set as a third argument."""
        ...
