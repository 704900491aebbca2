"""A filter as a curation step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from artifacts.settings import Settings
from data_curation.optional import require
from data_curation.records import Record
from data_curation.step import Drop, StepResult

_BLOCKS = {
    "near_empty": "NearEmptyFilter",
    "too_long": "TooLongFilter",
    "repetition": "RepetitionFilter",
    "template_leak": "TemplateLeakFilter",
}


class FilterStep:
    """Runs one datatrove block over the records; `metadata["score"]` of a dropped document is the drop's score."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.name: str = settings.step

    def block(self):
        """The block, ready for a datatrove pipeline."""
        require("datatrove")
        module = require(f"data_curation.filters.{self.name}")
        return getattr(module, _BLOCKS[self.name])(self.settings)

    def apply(self, records: Sequence[Record], scratch: Path) -> StepResult:
        """Drop what the block drops."""
        from datatrove.data import Document

        block = self.block()
        result = StepResult()
        for record in records:
            document = Document(text=record.response, id=record.row_id)
            outcome = block.filter(document)
            if outcome is not True:
                score = document.metadata.get("score")
                result.drops.append(Drop(record.row_id, outcome[1], score=None if score is None else float(score)))
        return result
