"""Exact deduplication: responses equal under the fixed normalisation of `record_id`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from data_curation.records import Record
from data_curation.step import StepResult
from data_curation.survivors import DedupSettings, line_up


class ExactDedupSettings(DedupSettings):
    """Settings of `ExactDedup`."""

    step: Literal["exact_dedup"] = "exact_dedup"


class ExactDedup:
    """Keeps one record of each `record_id`, and none that the reference holds.

    Instructions do not count: the unit is the response, so two instructions with one answer are one record.
    Leave this step out of a recipe that must keep every pair for instruction tuning.
    """

    name = "exact_dedup"

    def __init__(self, settings: ExactDedupSettings):
        self.settings = settings

    def apply(self, records: Sequence[Record], scratch: Path, reference: Sequence[Record] = ()) -> StepResult:
        """Drop all but one of every group of equal responses; `by` is the one that stays, the score 1."""
        line = line_up(records, self.settings, reference)
        stays: dict[str, int] = {}
        repeated = set()
        drops = []
        for place, record in enumerate(line.records):
            by = stays.get(record.record_id)
            if by is not None:
                repeated.add(record.record_id)
                drops.append(line.drop(place, by, "exact_duplicate", 1.0))
            elif line.may_drop(place):
                stays[record.record_id] = place
        return StepResult(drops=drops, measures={"repeated_texts": len(repeated)})
