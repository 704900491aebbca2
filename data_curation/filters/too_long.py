"""The filter `too_long`: responses over a maximum."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveInt

from artifacts.settings import Settings
from data_curation.filters.outcome import Fault, Outcome


class TooLongSettings(Settings):
    """Drop responses far beyond what training reads (2,048 tokens in the paper, about 8,000 characters of English).

    Attributes:
        max_words: Most words (runs of other than white space).
        max_characters: Most characters, white space included: the measure that holds for text without spaces.
    """

    step: Literal["too_long"] = "too_long"
    max_words: PositiveInt = 4_000
    max_characters: PositiveInt = 20_000


def judge(text: str, settings: TooLongSettings) -> Outcome:
    """`many_words` or `many_characters`, with their number."""
    if len(text) > settings.max_characters:
        return Fault("many_characters", len(text))
    words = len(text.split())
    if words > settings.max_words:
        return Fault("many_words", words)
    return None
