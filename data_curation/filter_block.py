"""Any filter as a datatrove block."""

from __future__ import annotations

from datatrove.data import Document
from datatrove.pipeline.filters.base_filter import BaseFilter

from artifacts.settings import Settings
from data_curation.filters.catalogue import catalogue
from data_curation.filters.outcome import Masked


class FilterBlock(BaseFilter):
    """Judges each document by the filter that its settings name; datatrove counts `dropped_<reason>`.

    A dropped document's `metadata["score"]` is the measured value, if there is one. Of a document that stays with
    parts replaced, `text` is the new text, `metadata["masked"]` says how many of each kind, and the block counts
    `masked_<kind>`.
    """

    def __init__(self, settings: Settings):
        super().__init__()
        self.settings = settings
        self.name = settings.step

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        """True, or False with the reason."""
        # looked up here and not kept: executors send blocks to other processes
        outcome = catalogue()[self.name].judge(doc.text, self.settings)
        if outcome is None:
            return True
        if isinstance(outcome, Masked):
            doc.text = outcome.text
            doc.metadata["masked"] = dict(outcome.counts)
            for kind, count in outcome.counts.items():
                self.stat_update(f"masked_{kind}", value=count)
            return True
        if outcome.score is not None:
            doc.metadata["score"] = float(outcome.score)
        return False, outcome.reason
