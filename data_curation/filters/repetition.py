"""The filter `repetition`."""

from __future__ import annotations

import re

from datatrove.data import Document
from datatrove.pipeline.filters.base_filter import BaseFilter

from data_curation.filters.settings import RepetitionSettings

# a character of a script without spaces, a word, or a run of one symbol
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|([^\w\s])\1*")
_RUN = re.compile(r"(.)\1+", re.DOTALL)


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


class RepetitionFilter(BaseFilter):
    """Drops responses stuck in a loop (`repeated_stretches`) or in one character (`one_character`)."""

    name = "repetition"

    def __init__(self, settings: RepetitionSettings | None = None):
        super().__init__()
        self.settings = settings or RepetitionSettings()

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        """True, or False with the reason; `metadata["score"]` is the share that is repeated."""
        run = longest_run(doc.text)
        if run > self.settings.max_run and run > self.settings.max_run_share * len(doc.text):
            doc.metadata["score"] = run / len(doc.text)
            return False, "one_character"
        words = tokens(doc.text)
        if len(words) < self.settings.min_tokens:
            return True
        share = repeated_share(words, self.settings.ngram)
        if share > self.settings.max_share:
            doc.metadata["score"] = share
            return False, "repeated_stretches"
        return True
