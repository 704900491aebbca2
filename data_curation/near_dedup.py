"""Near deduplication: MinHash finds candidates, exact Jaccard over word 5-grams decides."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from artifacts.settings import Settings
from data_curation.optional import require
from data_curation.records import Record, normalise_for_id
from data_curation.step import Drop, StepResult
from data_curation.survivors import Survivor, survivor_order

# a word; one ideograph or kana (scripts without spaces); a sign that changes what a formula or a price says
_WORDS = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]|[^\W\u2e80-\u9fff\uf900-\ufaff]+|[<>=+/%^$€£]|-(?=\d)")
CHUNK = 10_000  # records signed together; bounds memory, decides nothing
SHINGLES_KEPT = 20_000  # shingle sets remembered while verifying; bounds memory, decides nothing
log = logging.getLogger("rt")


class NearDedupSettings(Settings):
    """Settings of `NearDedup`.

    Attributes:
        threshold: Jaccard similarity of two responses' word n-grams from which one of them leaves.
        ngram: Words in one n-gram. A response with fewer words has none: it takes no part and stays.
        short_ngrams: A response of fewer distinct n-grams leaves only for one with just the same n-grams: in a short
            answer one word more makes another answer (`1, 2, ... 9` and `0, 1, ... 9`).
        num_perm: Hash functions of a signature.
        recall: Least chance that a pair exactly at the threshold becomes a candidate; the banding follows from it.
        seed: Seed of the hash functions.
        survivor: Which of two near duplicates stays.
    """

    step: Literal["near_dedup"] = "near_dedup"
    threshold: float = Field(default=0.8, gt=0, le=1)
    ngram: int = Field(default=5, ge=1, le=20)
    short_ngrams: int = Field(default=10, ge=0)
    num_perm: int = Field(default=256, ge=16, le=1024)
    recall: float = Field(default=0.99, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)
    survivor: Survivor = "longest"

    @model_validator(mode="after")
    def _reachable(self) -> NearDedupSettings:
        banding(self.threshold, self.num_perm, self.recall)
        return self


def banding(threshold: float, num_perm: int, recall: float) -> tuple[int, int]:
    """Bands and rows of the signature: the longest rows that still reach `recall` at the threshold.

    A pair of similarity s shares at least one of b bands of r values with chance 1 - (1 - s^r)^b. Longer rows give
    fewer candidates; what they miss cannot be found again, while a wrong candidate costs one comparison.

    Raises:
        ValueError: not even rows of one value reach `recall`.
    """
    for rows in range(num_perm, 0, -1):
        bands = num_perm // rows
        if candidate_chance(threshold, bands, rows) >= recall:
            return bands, rows
    raise ValueError(f"{num_perm} hash functions cannot reach a recall of {recall} at similarity {threshold}")


def candidate_chance(similarity: float, bands: int, rows: int) -> float:
    """Chance that a pair of this Jaccard similarity becomes a candidate."""
    return 1 - (1 - similarity**rows) ** bands


def words(text: str) -> list[str]:
    """Words of a response: case and sentence punctuation do not count; signs of arithmetic, comparison and price do."""
    return _WORDS.findall(normalise_for_id(text).casefold())


def shingles(text: str, ngram: int) -> frozenset[str]:
    """Set of the text's word n-grams, empty if it has fewer than `ngram` words."""
    found = words(text)
    return frozenset(" ".join(found[start : start + ngram]) for start in range(len(found) - ngram + 1))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Shared elements over all elements of two sets, 0 if both are empty."""
    shared = len(left & right)
    union = len(left) + len(right) - shared
    return shared / union if union else 0.0


class NearDedup:
    """Drops responses that share most of their word n-grams with one that stays.

    Candidates come from MinHash signatures (rensa) and banding, against records already kept only; each is verified
    by the exact Jaccard similarity, so no drop rests on an estimate. Responses of fewer words than an n-gram (`Yes.`,
    `1945`) are never compared: exact deduplication alone decides on them.
    """

    name = "near_dedup"

    def __init__(self, settings: NearDedupSettings):
        self.settings = settings
        self.bands, self.rows = banding(settings.threshold, settings.num_perm, settings.recall)

    def apply(self, records: Sequence[Record], scratch: Path) -> StepResult:
        """Drop near duplicates; `by` is the most similar record that stays, the score their Jaccard similarity."""
        order = survivor_order(records, self.settings.survivor)

        @lru_cache(maxsize=SHINGLES_KEPT)
        def of(position: int) -> frozenset[str]:
            return shingles(records[position].response, self.settings.ngram)

        buckets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
        drops, candidates, compared = [], 0, 0
        for first in range(0, len(order), CHUNK):
            chunk = [position for position in order[first : first + CHUNK] if of(position)]
            compared += len(chunk)
            for position, keys in zip(chunk, self._band_keys(map(of, chunk)), strict=True):
                near = {other for key in keys for other in buckets.get(key, ())}
                candidates += len(near)
                best = self._closest(position, near, of, records)
                if best is None:
                    for key in keys:
                        buckets[key].append(position)
                else:
                    score, by = best
                    drops.append(Drop(records[position].row_id, "near_duplicate", records[by].row_id, score))
            if len(order) > CHUNK:
                log.info("near_dedup: %d of %d records", min(first + CHUNK, len(order)), len(order))
        return StepResult(drops=drops, measures=self._measures(len(records), compared, candidates))

    def _closest(self, position: int, near: Iterable[int], of, records: Sequence[Record]) -> tuple[float, int] | None:
        """Similarity and position of the most similar candidate at or above the threshold."""
        best: tuple[float, int] | None = None
        for other in sorted(near, key=lambda index: records[index].row_id):
            score = jaccard(of(position), of(other))
            short = min(len(of(position)), len(of(other))) < self.settings.short_ngrams
            needed = 1.0 if short else self.settings.threshold
            if score >= needed and (best is None or score > best[0]):
                best = score, other
        return best

    def _band_keys(self, shingle_sets: Iterable[frozenset[str]]) -> Iterable[list[tuple[int, bytes]]]:
        """Per record, the key of each band of its signature."""
        import numpy as np

        sketch = require("rensa").RMinHash
        sets = [list(shingle_set) for shingle_set in shingle_sets]
        if not sets:
            return
        matrix = sketch.digest_matrix_from_token_sets(sets, self.settings.num_perm, self.settings.seed)
        used = np.asarray(matrix.to_rows(), dtype=np.uint32)[:, : self.bands * self.rows]
        width = self.rows * used.itemsize
        for signature in used:
            data = signature.tobytes()
            yield [(band, data[band * width : (band + 1) * width]) for band in range(self.bands)]

    def _measures(self, records: int, compared: int, candidates: int) -> dict[str, float]:
        return {
            "compared": compared,
            "too_short": records - compared,
            "candidates_verified": candidates,
            "num_perm": self.settings.num_perm,
            "bands": self.bands,
            "rows": self.rows,
            "recall_at_threshold": round(candidate_chance(self.settings.threshold, self.bands, self.rows), 6),
        }
