"""Semantic deduplication: responses that say the same in other words, by sentence embeddings and exact neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from artifacts.stage import thread_count
from data_curation.embeddings import EncoderSettings, TextVectors, embed_windows
from data_curation.optional import require
from data_curation.records import Record
from data_curation.semantic_candidates import calibrated_sieve, worth_embedding
from data_curation.semantic_neighbours import Sieve
from data_curation.shingles import words
from data_curation.step import StepResult
from data_curation.survivors import DedupSettings, Lineup, line_up

BLOCK = 1_024  # records compared together; bounds memory, decides nothing
MARGIN = 1e-4  # neighbours are sought this far below the threshold, then measured again in double precision
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ANSWER = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


class SemanticDedupSettings(DedupSettings):
    """Settings of `SemanticDedup`.

    Attributes:
        threshold: Similarity (see `similarity`) from which one of two responses leaves.
        min_words: Shorter responses take no part: the vectors of `In 1945.` and `In 1946.` tell form, not content.
        contradictions: What becomes of a pair that `contradict` each other though their vectors are near.
        exhaustive: Whether the full encoder reads every response. If not, it reads those to which a static model, many
            times as fast, finds another that may be near; a pair of which either is not read is not found.
        radius: Least cosine of the whitened static vectors for that, whatever the lengths. None = as calibrated, by
            length (`semantic_candidates.SIEVES`: at least 99 % of Dolly's pairs were found). For another encoder,
            another window or a threshold below 0.8 there is none, and all are read, as in a set of less than 4,000.
        encoder: The sentence encoder. In `float32`, decisions do not depend on whether 16 bits were used on the way.
    """

    step: Literal["semantic_dedup"] = "semantic_dedup"
    threshold: float = Field(default=0.9, gt=0, lt=1)
    min_words: int = Field(default=10, ge=1)
    contradictions: Literal["keep", "ignore"] = "keep"
    exhaustive: bool = False
    radius: float | None = Field(default=None, ge=-1, le=1)
    encoder: EncoderSettings = EncoderSettings()


def sieve_of(settings: SemanticDedupSettings) -> Sieve | None:
    """The sieve of the static model, or None where there is none; in sets of fewer than `LEAST_TEXTS` it has no use."""
    if settings.radius is not None:
        return Sieve(settings.radius)
    return calibrated_sieve(settings.encoder, settings.threshold)


def similarity(vectors: TextVectors, left: int, right: int) -> float:
    """How much two texts say the same: the least of three cosines.

    Their pooled vectors' cosine, and in each direction the cosine of the window that finds the worst counterpart in
    the other text. Two texts that share a beginning and then part have a window without a counterpart; so they stay,
    however close their pooled vectors are. For texts of one window each this is the plain cosine.
    """
    pooled = float(vectors.pooled[left].astype(np.float64) @ vectors.pooled[right].astype(np.float64))
    table = vectors.of(left).astype(np.float64) @ vectors.of(right).astype(np.float64).T
    if table.size == 1:
        return pooled
    return min(pooled, float(table.max(axis=1).min()), float(table.max(axis=0).min()))


def contradict(left: str, right: str) -> bool:
    """Whether two texts give different answers, which embeddings hardly see.

    True if one opens with yes and the other with no, or if each holds a number that the other lacks (`300 mg` and
    `400 mg` are as close as two paraphrases). English, and a rule about words: it only ever keeps a record.
    """
    answers = [match and match[1].lower() for match in map(_ANSWER.match, (left, right))]
    if None not in answers and answers[0] != answers[1]:
        return True
    one, other = (set(_NUMBER.findall(_THOUSANDS.sub("", text))) for text in (left, right))
    return bool(one - other) and bool(other - one)


class SemanticDedup:
    """Drops responses whose meaning one that stays has too, by all of their parts.

    Responses that nothing else comes near leave the comparison early (`semantic_candidates`). The others are read by
    the full encoder and taken best first, in blocks; a block's neighbours come from an exact inner-product index
    (FAISS, float32) of the reference and of the records already kept, and from the block itself, without a limit on
    their number. So every drop rests on the full encoder's `similarity`.

    Memory: 4 * d * (W + 2 * T) bytes of vectors for T responses read and their W windows of an encoder of d dimensions,
    or before that 4 * 256 * N for all N; texts and libraries come on top. The 127,985 responses of the mirror's corpus
    have 1.88 windows each (of a sample), so that reading all of them takes 0.76 GB of vectors.
    """

    name = "semantic_dedup"
    takes_reference = True

    def __init__(self, settings: SemanticDedupSettings):
        self.settings = settings

    def apply(self, records: Sequence[Record], scratch: Path, reference: Sequence[Record] = ()) -> StepResult:
        """Drop semantic duplicates; `by` is the most similar record that stays, the score their similarity."""
        line = line_up(records, self.settings, reference)
        long = [place for place, record in enumerate(line.records) if self._takes_part(record)]
        compared = _part(line, long)
        coarse, near = self._candidates(compared, scratch)
        chosen = _part(compared, near)
        texts = [record.response for record in chosen.records]
        vectors = embed_windows(texts, self.settings.encoder, scratch, label=_label(chosen))
        parted = 0

        def apart(left: int, right: int) -> bool:
            nonlocal parted
            different = self.settings.contradictions == "keep" and contradict(texts[left], texts[right])
            parted += different
            return different

        decided, alike = decide(vectors, self.settings.threshold, chosen, apart)
        drops = [chosen.drop(place, by, "semantic_duplicate", round(score, 6)) for place, by, score in decided]
        measures = {
            "compared": len(long) - compared.given,
            "too_short": len(records) - len(long) + compared.given,
            "read_by_encoder": len(coarse) - int(np.searchsorted(coarse, compared.given)),
            "pairs_alike": alike,
            "pairs_contradicting": parted,
        }
        return StepResult(drops=drops, measures=measures)

    def _takes_part(self, record: Record) -> bool:
        return len(words(record.response)) >= self.settings.min_words

    def _candidates(self, compared: Lineup, scratch: Path) -> tuple[np.ndarray, np.ndarray]:
        """Places to be read by the full encoder, and those of them that are near another."""
        settings = self.settings
        if settings.exhaustive:
            everything = np.arange(len(compared.records))
            return everything, everything
        return worth_embedding(
            [record.response for record in compared.records],
            settings.encoder,
            settings.threshold,
            sieve_of(settings),
            given=compared.given,
            within=compared.within,
            scratch=scratch,
            label=_label(compared),
        )


def _part(line: Lineup, places: Sequence[int] | np.ndarray) -> Lineup:
    """The line-up of some places, ascending, alone."""
    given = sum(place < line.given for place in places)
    return Lineup([line.records[place] for place in places], int(given), line.within)


def _label(line: Lineup) -> Callable[[int], str]:
    """What an error calls the record at a place."""

    def name(place: int) -> str:
        record = line.records[place]
        return f"{record.source}, row {record.row} (row_id {record.row_id})"

    return name


def decide(
    vectors: TextVectors,
    threshold: float,
    line: Lineup,
    apart: Callable[[int, int], bool] = lambda left, right: False,
) -> tuple[list[tuple[int, int, float]], int]:
    """Which records leave.

    Args:
        vectors: Of the responses in `line`, place by place.
        threshold: Least `similarity` for a record to leave because of an earlier one that stays.
        line: The records.
        apart: Asked of each pair that similar; True keeps them apart.

    Returns:
        `(leaves, because_of, similarity)` per record that leaves, as places, and the number of pairs that similar.
    """
    drops, alike = [], 0
    kept: set[int] = set()
    for place, near in _kept_neighbours(vectors.pooled, threshold - MARGIN, line, kept):
        scored = ((similarity(vectors, place, other), other) for other in near)
        similar = [pair for pair in scored if pair[0] >= threshold]
        alike += len(similar)
        best = line.closest(pair for pair in similar if not apart(place, pair[1]))
        if best is not None:
            drops.append((place, best[1], best[0]))
        elif line.may_drop(place):
            kept.add(place)
    return drops, alike


def _kept_neighbours(
    pooled: np.ndarray, radius: float, line: Lineup, kept: set[int]
) -> Iterator[tuple[int, list[int]]]:
    """For each place that may leave, in turn, the earlier places with a cosine above `radius` that may drop it.

    Those are the places of the reference, and those in `kept`: the caller adds the place there, or not, before it
    asks for the next one.
    """
    if len(pooled) == line.given:
        return
    faiss = require("faiss")
    faiss.omp_set_num_threads(thread_count())
    index = faiss.IndexFlatIP(pooled.shape[1])
    index.add(np.ascontiguousarray(pooled[: line.given], dtype=np.float32))
    indexed = list(range(line.given))
    for first in range(line.given, len(pooled), BLOCK):
        block = np.ascontiguousarray(pooled[first : first + BLOCK], dtype=np.float32)
        limits, _, found = index.range_search(block, radius)
        inside = block @ block.T > radius
        for row in range(len(block)):
            before = [indexed[i] for i in found[limits[row] : limits[row + 1]]]
            within = [first + int(i) for i in np.flatnonzero(inside[row, :row]) if first + int(i) in kept]
            yield first + row, before + within
        stay = [row for row in range(len(block)) if first + row in kept]
        index.add(block[stay])
        indexed += [first + row for row in stay]
