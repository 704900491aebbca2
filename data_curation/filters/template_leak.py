"""The filter `template_leak`: marks of a chat template inside a response."""

from __future__ import annotations

from typing import Literal

from artifacts.settings import Settings
from data_curation.filters.outcome import Fault, Outcome
from data_curation.template_marks import HEADING, SPECIAL, has_loose_end


class TemplateLeakSettings(Settings):
    """Drop responses with marks of a chat template inside: what follows them is another turn, or noise.

    Attributes:
        headings: Also drop on the heading lines of Alpaca-like templates (`### Response:` and its kin).
    """

    step: Literal["template_leak"] = "template_leak"
    headings: bool = True


def judge(text: str, settings: TemplateLeakSettings) -> Outcome:
    """`special_mark`, `end_mark` or `role_heading`."""
    if SPECIAL.search(text):
        return Fault("special_mark")
    if has_loose_end(text):
        return Fault("end_mark")
    if settings.headings and HEADING.search(text):
        return Fault("role_heading")
    return None
