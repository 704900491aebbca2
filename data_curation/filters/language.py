"""The filter `language`: responses in other languages than those wanted."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, field_validator

from artifacts.errors import UserError
from artifacts.settings import Settings
from data_curation.filters.fences import without_code
from data_curation.filters.outcome import Fault, Outcome
from data_curation.filters.types import Share
from data_curation.optional import require

READS = 20_000  # characters; more would not make the detector surer
NO_LANGUAGE = "zxx"  # what the detector calls numbers, codes and the like
_NOT_PROSE = re.compile(r"https?://\S+|www\.\S+|\S{1,64}@\S+|[\ud800-\udfff]")
_LETTER = re.compile(r"[^\W\d_]")


class LanguageSettings(Settings):
    """Drop responses in another language.

    The detector is langid's naive Bayes over byte n-grams (py3langid; its model is part of the wheel). It reads
    prose: code, addresses and links are left out. Text with few letters and uncertain texts stay.

    Attributes:
        keep: Languages that stay (ISO 639 codes in lower case, as the detector names them: `en`, `de`, `pcm`).
        min_confidence: Least probability of the language found; under it the text stays.
        min_letters: Least number of letters; under it the text stays.
    """

    step: Literal["language"] = "language"
    keep: Annotated[tuple[str, ...], Field(min_length=1)] = ("en",)
    min_confidence: Share = 0.99
    min_letters: PositiveInt = 100

    @field_validator("keep")
    @classmethod
    def _codes(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [code for code in keep if not re.fullmatch("[a-z]{2,3}", code)]
        if wrong:
            raise ValueError(f"'{wrong[0]}' is no code of a language, such as 'en'")
        return keep


def judge(text: str, settings: LanguageSettings) -> Outcome:
    """`language_<code>`, with the detector's confidence.

    Raises:
        UserError: the detector never names one of the languages to keep, so that all its rows would be dropped.
    """
    _check_known(settings.keep)
    found = detect(text, settings.min_letters)
    if found is None or found[0] in settings.keep or found[1] < settings.min_confidence:
        return None
    return Fault(f"language_{found[0]}", found[1])


def detect(text: str, min_letters: int = 1) -> tuple[str, float] | None:
    """Language and confidence of a text's prose, or None: fewer than `min_letters` letters, or no language."""
    prose = _NOT_PROSE.sub(" ", without_code(text)[:READS])
    if sum(1 for _ in _LETTER.finditer(prose)) < min_letters:
        return None
    language, confidence = _detector().classify(prose)
    return None if language == NO_LANGUAGE else (language, float(confidence))


@cache
def _check_known(keep: tuple[str, ...]) -> None:
    known = sorted(str(code) for code in _detector().nb_classes)
    if wrong := [code for code in keep if code not in known]:
        close = get_close_matches(wrong[0], known, n=1, cutoff=0.5) or known[:1]
        fix = f"codes have two letters for most languages; did you mean '{close[0]}'?"
        raise UserError(f"the detector knows no language '{wrong[0]}'", where="language.keep", fix=fix)


@cache
def _detector():
    langid = require("py3langid").langid
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
