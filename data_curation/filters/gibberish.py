"""The filter `gibberish`: responses of broken characters or of letters in no order."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Literal

from pydantic import Field, PositiveInt

from artifacts.settings import Settings
from data_curation.filters.fences import without_code
from data_curation.filters.letter_pairs import PLACE, SURPRISE
from data_curation.filters.outcome import Fault, Outcome
from data_curation.filters.types import Share

READS = 20_000  # characters
_LATIN_WORD = re.compile(r"(?<![^\W_])[a-z]{2,}(?![^\W_])")
_NOT_PROSE = re.compile(r"https?://\S+|www\.\S+")
_BROKEN = frozenset(("Cn", "Co", "Cs", "Cc"))


class GibberishSettings(Settings):
    """Drop responses that are no text of any language.

    Letters are measured by how surprising each is after the one before it, in English (mean nats a pair); other
    languages in Latin letters are a little more surprising than English, random letters far more. Other scripts,
    code, links and short texts are not measured. Real words in no order (word salad) are not found, nor words whose
    letters are only shuffled.

    Attributes:
        max_broken: Largest share of characters that are U+FFFD, unassigned, private or controls.
        max_surprise: Largest mean surprise of a letter after the one before it.
        min_letters: Texts with fewer Latin letters in words are not measured.
    """

    step: Literal["gibberish"] = "gibberish"
    max_broken: Share = 0.02
    max_surprise: float = Field(default=4.0, gt=0)
    min_letters: PositiveInt = 60


def judge(text: str, settings: GibberishSettings) -> Outcome:
    """`broken_characters` with their share, or `letter_salad` with the mean surprise."""
    share = broken_share(text)
    if share > settings.max_broken:
        return Fault("broken_characters", share)
    measured = surprise(text, settings.min_letters)
    return Fault("letter_salad", measured) if measured is not None and measured > settings.max_surprise else None


def broken_share(text: str) -> float:
    """Share of the characters, white space not counted, that are no characters of a text."""
    if text.isascii() and text.isprintable():
        return 0.0
    broken = seen = 0
    for character in text:
        if character.isspace():
            continue
        seen += 1
        if not character.isprintable() or character == "\ufffd":
            broken += character == "\ufffd" or unicodedata.category(character) in _BROKEN
    return broken / seen if seen else 0.0


def surprise(text: str, min_letters: int = 1) -> float | None:
    """Mean surprise in nats of each letter (and each word's end) after the one before; None for too few letters."""
    prose = _NOT_PROSE.sub(" ", without_code(text[:READS]))
    folded = "".join(c for c in unicodedata.normalize("NFKD", prose.lower()) if not unicodedata.combining(c))
    words = _LATIN_WORD.findall(folded)
    if sum(map(len, words)) < min_letters:
        return None
    total = pairs = 0
    for word in words:
        places = [0, *(PLACE[letter] for letter in word), 0]
        total += sum(SURPRISE[one][two] for one, two in pairwise(places))
        pairs += len(places) - 1
    return total / pairs
