"""Exact deduplication: responses equal under the fixed normalisation of `record_id`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from artifacts.settings import Settings
from data_curation.records import Record
from data_curation.step import Drop, StepResult
from data_curation.survivors import Survivor, survivor_order


class ExactDedupSettings(Settings):
    """Settings of `ExactDedup`; `survivor` says which of several equal responses stays."""

    step: Literal["exact_dedup"] = "exact_dedup"
    survivor: Survivor = "longest"


class ExactDedup:
    """Keeps one record of each `record_id`.

    Instructions do not count: the unit is the response, so two instructions with one answer are one record.
    Leave this step out of a recipe that must keep every pair for instruction tuning.
    """

    name = "exact_dedup"

    def __init__(self, settings: ExactDedupSettings):
        self.settings = settings

    def apply(self, records: Sequence[Record], scratch: Path) -> StepResult:
        """Drop all but one of every group of equal responses; `by` is the one that stays, the score 1."""
        survivors: dict[str, str] = {}
        repeated = set()
        drops = []
        for position in survivor_order(records, self.settings.survivor):
            record = records[position]
            survivor = survivors.setdefault(record.record_id, record.row_id)
            if survivor != record.row_id:
                repeated.add(record.record_id)
                drops.append(Drop(record.row_id, "exact_duplicate", by=survivor, score=1.0))
        return StepResult(drops=drops, measures={"repeated_texts": len(repeated)})
