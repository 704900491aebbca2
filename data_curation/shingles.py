"""Words and word n-grams of one text: the sets that near deduplication decides by."""

from __future__ import annotations

import re
import unicodedata
from collections import OrderedDict

# one ideograph or kana: scripts without spaces have no words to split at
IDEOGRAPHS = "\u2e80-\u9fff\uf900-\ufaff"
# signs that change what a formula or a price says; a hyphen only before a digit, where it is a minus
SIGNS = "<>=+/%^$€£"
_WORDS = re.compile(rf"[{IDEOGRAPHS}]|[^\W{IDEOGRAPHS}]+|[{re.escape(SIGNS)}]|-(?=\d)")
CACHED_SHINGLES = 2_000_000  # n-grams that a `ShingleCache` remembers; bounds memory, decides nothing


def folded(text: str) -> str:
    """The text in which words are looked for: NFC, case folded."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def words(text: str) -> list[str]:
    """Words of a response: case and sentence punctuation do not count; signs of arithmetic, comparison and price do."""
    return _WORDS.findall(folded(text))


def shingles(text: str, ngram: int) -> frozenset[str]:
    """Set of the text's word n-grams, empty if it has fewer than `ngram` words."""
    found = words(text)
    return frozenset(" ".join(found[start : start + ngram]) for start in range(len(found) - ngram + 1))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Shared elements over all elements of two sets, 0 if both are empty."""
    shared = len(left & right)
    union = len(left) + len(right) - shared
    return shared / union if union else 0.0


class ShingleCache:
    """Shingle sets of texts, the least recently used ones forgotten beyond `CACHED_SHINGLES` n-grams in all."""

    def __init__(self, ngram: int):
        self._ngram = ngram
        self._sets: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._held = 0

    def of(self, key: str, text: str) -> frozenset[str]:
        """Shingles of `text`; equal keys promise equal words."""
        found = self._sets.get(key)
        if found is not None:
            self._sets.move_to_end(key)
            return found
        found = self._sets[key] = shingles(text, self._ngram)
        self._held += len(found)
        while self._held > CACHED_SHINGLES and len(self._sets) > 1:
            self._held -= len(self._sets.popitem(last=False)[1])
        return found
