"""The filter `template_leak`."""

from __future__ import annotations

from datatrove.data import Document
from datatrove.pipeline.filters.base_filter import BaseFilter

from data_curation.filters.settings import TemplateLeakSettings
from data_curation.template_marks import HEADING, SPECIAL, has_loose_end


class TemplateLeakFilter(BaseFilter):
    """Drops responses with template marks inside (`special_mark`, `end_mark`, `role_heading`)."""

    name = "template_leak"

    def __init__(self, settings: TemplateLeakSettings | None = None):
        super().__init__()
        self.settings = settings or TemplateLeakSettings()

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        """True, or False with the reason."""
        if SPECIAL.search(doc.text):
            return False, "special_mark"
        if has_loose_end(doc.text):
            return False, "end_mark"
        if self.settings.headings and HEADING.search(doc.text):
            return False, "role_heading"
        return True
