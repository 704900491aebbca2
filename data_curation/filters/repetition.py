"""The filter `repetition`: responses stuck in a loop or in one character."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import PositiveInt

from artifacts.settings import Settings
from data_curation.filters.outcome import Fault, Outcome
from data_curation.filters.types import Share

# a character of a script without spaces, a word, or a run of one symbol
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|([^\w\s])\1*")
_RUN = re.compile(r"(.)\1+", re.DOTALL)


class RepetitionSettings(Settings):
    """Drop responses that got stuck in a loop.

    Short texts repeat themselves for good reasons (tables, verses, lists of labels), so nothing is measured below a
    minimum length, and a run of one symbol (a table's border) counts as one token.

    Attributes:
        ngram: Length, in tokens, of a stretch that counts as repeated when it has stood there before.
        max_share: Largest share of tokens inside repeated stretches.
        min_tokens: Shorter responses are not measured.
        max_run: Longest run of one character ...
        max_run_share: ... that may also make up this share of the text.
    """

    step: Literal["repetition"] = "repetition"
    ngram: PositiveInt = 16
    max_share: Share = 0.7
    min_tokens: PositiveInt = 200
    max_run: PositiveInt = 100
    max_run_share: Share = 0.5


def tokens(text: str) -> list[str]:
    """Words, single characters of unspaced scripts, and runs of one symbol."""
    return [match[0] for match in _TOKEN.finditer(text)]


def repeated_share(words: list[str], ngram: int) -> float:
    """Share of `words` that lie in a stretch of `ngram` words which has begun earlier in the text as well."""
    seen: set[tuple[str, ...]] = set()
    repeated = bytearray(len(words))
    for start in range(len(words) - ngram + 1):
        stretch = tuple(words[start : start + ngram])
        if stretch in seen:
            repeated[start : start + ngram] = b"\1" * ngram
        else:
            seen.add(stretch)
    return sum(repeated) / len(words) if words else 0.0


def longest_run(text: str) -> int:
    """Length of the longest run of one character."""
    return max((len(match[0]) for match in _RUN.finditer(text)), default=min(len(text), 1))


def judge(text: str, settings: RepetitionSettings) -> Outcome:
    """`one_character` or `repeated_stretches`, with the share that is repeated."""
    run = longest_run(text)
    if run > settings.max_run and run > settings.max_run_share * len(text):
        return Fault("one_character", run / len(text))
    words = tokens(text)
    if len(words) < settings.min_tokens:
        return None
    share = repeated_share(words, settings.ngram)
    return Fault("repeated_stretches", share) if share > settings.max_share else None
