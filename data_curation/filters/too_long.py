"""The filter `too_long`."""

from __future__ import annotations

from datatrove.data import Document
from datatrove.pipeline.filters.base_filter import BaseFilter

from data_curation.filters.settings import TooLongSettings


class TooLongFilter(BaseFilter):
    """Drops responses over a maximum (`many_words`, `many_characters`)."""

    name = "too_long"

    def __init__(self, settings: TooLongSettings | None = None):
        super().__init__()
        self.settings = settings or TooLongSettings()

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        """True, or False with the reason; `metadata["score"]` is the number of words or characters."""
        if len(doc.text) > self.settings.max_characters:
            doc.metadata["score"] = len(doc.text)
            return False, "many_characters"
        words = len(doc.text.split())
        if words > self.settings.max_words:
            doc.metadata["score"] = words
            return False, "many_words"
        return True
