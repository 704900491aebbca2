"""A filter as a curation step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from artifacts.settings import Settings
from data_curation.optional import require
from data_curation.records import Record
from data_curation.step import Drop, StepResult


class FilterStep:
    """Runs one filter's datatrove block over the records.

    Measures, where the filter masks: `masked.<kind>`, how many parts of that kind were replaced.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.name: str = settings.step

    def block(self):
        """The block, ready for a datatrove pipeline."""
        require("datatrove")
        from data_curation.filter_block import FilterBlock

        return FilterBlock(self.settings)

    def apply(self, records: Sequence[Record], scratch: Path) -> StepResult:
        """Drop what the block drops, change what it changes."""
        from datatrove.data import Document

        block = self.block()
        result = StepResult()
        masked: Counter[str] = Counter()
        for record in records:
            document = Document(text=record.response, id=record.row_id)
            outcome = block.filter(document)
            if outcome is not True:
                result.drops.append(Drop(record.row_id, outcome[1], score=document.metadata.get("score")))
            elif document.text != record.response:
                result.responses[record.row_id] = document.text
                masked.update(document.metadata["masked"])
        result.measures.update({f"masked.{kind}": count for kind, count in sorted(masked.items())})
        return result
