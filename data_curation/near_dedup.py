"""Near deduplication: MinHash finds candidates, exact Jaccard over word 5-grams decides."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from data_curation.minhash import BandIndex, banding, candidate_chance, meeting_rows, signatures
from data_curation.ngram_hashes import NgramHashes, hash_ngrams
from data_curation.records import Record
from data_curation.shingles import ShingleCache, jaccard, shingles, words
from data_curation.step import StepResult
from data_curation.survivors import DedupSettings, Lineup, line_up

__all__ = ["NearDedup", "NearDedupSettings", "banding", "candidate_chance", "jaccard", "shingles", "words"]
REPORTED = 10_000  # records between two lines of the log
log = logging.getLogger("rt")


class NearDedupSettings(DedupSettings):
    """Settings of `NearDedup`.

    Attributes:
        threshold: Jaccard similarity of two responses' word n-grams from which one of them leaves.
        ngram: Words in one n-gram. A response with fewer words has none: it takes no part and stays.
        short_ngrams: A response of fewer distinct n-grams leaves only for one with just the same n-grams: in a short
            answer one word more makes another answer (`1, 2, ... 9` and `0, 1, ... 9`).
        num_perm: Hash functions of a signature.
        recall: Least chance that a pair exactly at the threshold becomes a candidate; the banding follows from it.
        seed: Seed of the hash functions.
    """

    step: Literal["near_dedup"] = "near_dedup"
    threshold: float = Field(default=0.8, gt=0, le=1)
    ngram: int = Field(default=5, ge=1, le=20)
    short_ngrams: int = Field(default=10, ge=0)
    num_perm: int = Field(default=256, ge=16, le=1024)
    recall: float = Field(default=0.99, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _reachable(self) -> NearDedupSettings:
        banding(self.threshold, self.num_perm, self.recall)
        return self


class NearDedup:
    """Drops responses that share most of their word n-grams with one that stays.

    Candidates come from MinHash signatures (rensa) and banding, against rows of the reference and records already kept
    only; each is verified by the exact Jaccard similarity, so no drop rests on an estimate or on a hash. Responses of
    fewer words than an n-gram (`Yes.`, `1945`) are never compared: exact deduplication alone decides on them.
    """

    name = "near_dedup"

    def __init__(self, settings: NearDedupSettings):
        self.settings = settings
        self.bands, self.rows = banding(settings.threshold, settings.num_perm, settings.recall)

    def apply(self, records: Sequence[Record], scratch: Path, reference: Sequence[Record] = ()) -> StepResult:
        """Drop near duplicates; `by` is the most similar record that stays, the score their Jaccard similarity."""
        line = line_up(records, self.settings, reference)
        hashes = hash_ngrams([record.response for record in line.records], self.settings.ngram)
        compared = np.zeros(len(line.records), dtype=bool)
        compared[hashes.texts[np.diff(hashes.offsets) > 0]] = True
        compared = int(compared[line.given :].sum())
        finder = _Finder(hashes, self)
        del hashes  # the largest thing here; what is needed of it is in the finder
        drops, verified = [], 0
        cache = ShingleCache(self.settings.ngram)
        for done, place in enumerate(finder.places, 1):
            if line.may_leave(place):
                near = finder.near(place)
                verified += len(near)
                best = line.closest(self._similar(place, near, line, cache))
                if best is not None:
                    drops.append(line.drop(place, best[1], "near_duplicate", best[0]))
                    continue
            if line.may_drop(place):
                finder.add(place)
            if done % REPORTED == 0:
                log.info("near_dedup: %d of %d records that may have duplicates", done, len(finder.places))
        return StepResult(drops=drops, measures=self.measures(len(records), compared, verified))

    def _similar(self, place: int, near: Sequence[int], line: Lineup, cache: ShingleCache) -> list[tuple[float, int]]:
        """Exact similarity and place of the candidates that are near enough."""
        similar = []
        for other in near:
            records = line.records[place], line.records[other]
            pair = [cache.of(record.record_id, record.response) for record in records]
            score = jaccard(*pair)
            short = min(map(len, pair)) < self.settings.short_ngrams
            if score >= (1.0 if short else self.settings.threshold):
                similar.append((score, other))
        return similar

    def measures(self, records: int, compared: int, verified: int) -> dict[str, float]:
        """What the step reports of so many records, of which so many had n-grams, and of so many verified pairs."""
        return {
            "compared": compared,
            "too_short": records - compared,
            "candidates_verified": verified,
            "num_perm": self.settings.num_perm,
            "bands": self.bands,
            "rows": self.rows,
            "recall_at_threshold": round(candidate_chance(self.settings.threshold, self.bands, self.rows), 6),
        }


class _Finder:
    """Candidates of each place of a line-up among the places added so far.

    Most places share no band with any other and are left out from the start. Of those left, short responses are
    looked up by all of their n-grams together, the others by the bands of their signature.
    """

    def __init__(self, hashes: NgramHashes, step: NearDedup):
        settings = step.settings
        rows = meeting_rows(hashes, step.bands, step.rows, settings.seed)
        rows = rows[np.argsort(hashes.texts[rows])]
        self.places: list[int] = hashes.texts[rows].tolist()
        self._whole: dict[int, bytes] = {}  # place to the digest of its n-grams
        self._first: dict[bytes, int] = {}  # that digest to the first place added that has it
        long = []
        for place, row in zip(self.places, rows.tolist(), strict=True):
            distinct = hashes.distinct(row)
            self._whole[place] = blake2b(distinct, digest_size=16).digest()
            if len(distinct) >= settings.short_ngrams:
                long.append((place, row))
        self._place_of = [place for place, _ in long]
        self._signed = {place: number for number, place in enumerate(self._place_of)}
        matrix = signatures(hashes, [row for _, row in long], step.bands * step.rows, settings.seed)
        self._index = BandIndex(matrix, step.bands, settings.threshold)

    def near(self, place: int) -> list[int]:
        """Places added that may be near this one."""
        number = self._signed.get(place)
        if number is not None:
            return [self._place_of[found] for found in self._index.near(number)]
        first = self._first.get(self._whole[place])
        return [] if first is None else [first]

    def add(self, place: int) -> None:
        """Let a place be found from now on, unless one of the same n-grams can be found already."""
        if self._first.setdefault(self._whole[place], place) == place and place in self._signed:
            self._index.add(self._signed[place])
