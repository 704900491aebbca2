"""The filter `near_empty`: blank responses, and those under a minimum."""

from __future__ import annotations

from typing import Literal

from pydantic import NonNegativeInt

from artifacts.settings import Settings
from data_curation.filters.outcome import Fault, Outcome


class NearEmptySettings(Settings):
    """Drop responses with next to nothing in them. The defaults drop blank ones only: one-word answers are answers.

    Attributes:
        min_words: Fewest words (runs of other than white space).
        min_characters: Fewest characters, white space not counted.
    """

    step: Literal["near_empty"] = "near_empty"
    min_words: NonNegativeInt = 1
    min_characters: NonNegativeInt = 1


def judge(text: str, settings: NearEmptySettings) -> Outcome:
    """`blank`, `few_words` or `few_characters`, with the number of words or characters."""
    words = text.split()
    characters = sum(map(len, words))
    if not words:
        return Fault("blank", 0)
    if len(words) < settings.min_words:
        return Fault("few_words", len(words))
    if characters < settings.min_characters:
        return Fault("few_characters", characters)
    return None
