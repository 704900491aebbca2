"""The filter `near_empty`."""

from __future__ import annotations

from datatrove.data import Document
from datatrove.pipeline.filters.base_filter import BaseFilter

from data_curation.filters.settings import NearEmptySettings


class NearEmptyFilter(BaseFilter):
    """Drops blank responses (`blank`) and those under a minimum (`few_words`, `few_characters`)."""

    name = "near_empty"

    def __init__(self, settings: NearEmptySettings | None = None):
        super().__init__()
        self.settings = settings or NearEmptySettings()

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        """True, or False with the reason; `metadata["score"]` is the number of words or characters."""
        words = doc.text.split()
        characters = sum(map(len, words))
        if not words:
            doc.metadata["score"] = 0
            return False, "blank"
        if len(words) < self.settings.min_words:
            doc.metadata["score"] = len(words)
            return False, "few_words"
        if characters < self.settings.min_characters:
            doc.metadata["score"] = characters
            return False, "few_characters"
        return True
