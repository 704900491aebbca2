"""Semantic deduplication: responses that say the same in other words, by sentence embeddings and exact neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from artifacts.settings import Settings
from artifacts.stage import thread_count
from data_curation.embeddings import EncoderSettings, TextVectors, embed_windows
from data_curation.near_dedup import words
from data_curation.optional import require
from data_curation.records import Record
from data_curation.step import Drop, StepResult
from data_curation.survivors import Survivor, survivor_order

BLOCK = 1_024  # records compared together; bounds memory, decides nothing
MARGIN = 1e-4  # neighbours are sought this far below the threshold, then measured again in double precision
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ANSWER = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


class SemanticDedupSettings(Settings):
    """Settings of `SemanticDedup`.

    Attributes:
        threshold: Similarity (see `similarity`) from which one of two responses leaves.
        min_words: Shorter responses take no part: the vectors of `In 1945.` and `In 1946.` tell form, not content.
        contradictions: What becomes of a pair that `contradict` each other though their vectors are near.
        survivor: Which of two duplicates stays.
        encoder: The sentence encoder.
    """

    step: Literal["semantic_dedup"] = "semantic_dedup"
    threshold: float = Field(default=0.9, gt=0, lt=1)
    min_words: int = Field(default=10, ge=1)
    contradictions: Literal["keep", "ignore"] = "keep"
    survivor: Survivor = "longest"
    encoder: EncoderSettings = EncoderSettings()


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

    Records are taken best first, in blocks; a block's neighbours come from an exact inner-product index (FAISS,
    float32) of the records already kept, and from the block itself, without a limit on their number. Memory is
    that of the vectors.
    """

    name = "semantic_dedup"

    def __init__(self, settings: SemanticDedupSettings):
        self.settings = settings

    def apply(self, records: Sequence[Record], scratch: Path) -> StepResult:
        """Drop semantic duplicates; `by` is the most similar record that stays, the score their similarity."""
        order = survivor_order(records, self.settings.survivor)
        compared = [position for position in order if len(words(records[position].response)) >= self.settings.min_words]
        texts = [records[position].response for position in compared]
        vectors = embed_windows(texts, self.settings.encoder, scratch)
        parted = 0

        def may_leave(left: int, right: int) -> bool:
            nonlocal parted
            different = self.settings.contradictions == "keep" and contradict(texts[left], texts[right])
            parted += different
            return not different

        decided, measured = decide(vectors, self.settings.threshold, may_leave)
        drops = [
            Drop(records[compared[left]].row_id, "semantic_duplicate", records[compared[by]].row_id, round(score, 6))
            for left, by, score in decided
        ]
        measures = {
            "compared": len(compared),
            "too_short": len(records) - len(compared),
            "windows": len(vectors.windows),
            "pairs_measured": measured,
            "pairs_contradicting": parted,
        }
        return StepResult(drops=drops, measures=measures)


def decide(
    vectors: TextVectors, threshold: float, may_leave: Callable[[int, int], bool] = lambda left, right: True
) -> tuple[list[tuple[int, int, float]], int]:
    """Which texts leave, texts being given best first.

    Args:
        vectors: Of all texts.
        threshold: Least `similarity` for a text to leave because of an earlier one that stays.
        may_leave: Asked of each pair that similar; False keeps them apart.

    Returns:
        `(leaves, because_of, similarity)` per text that leaves, and the number of pairs measured.
    """
    drops, measured = [], 0
    kept: set[int] = set()
    for text, near in _kept_neighbours(vectors.pooled, threshold - MARGIN, kept):
        measured += len(near)
        scored = [(similarity(vectors, text, other), -other) for other in near]
        close = [pair for pair in scored if pair[0] >= threshold and may_leave(text, -pair[1])]
        if close:
            score, other = max(close)
            drops.append((text, -other, score))
        else:
            kept.add(text)
    return drops, measured


def _kept_neighbours(pooled: np.ndarray, radius: float, kept: set[int]) -> Iterator[tuple[int, list[int]]]:
    """For each text in turn, the earlier texts in `kept` with a cosine above `radius`.

    The caller adds the text to `kept`, or not, before it asks for the next one.
    """
    if not len(pooled):
        return
    faiss = require("faiss")
    faiss.omp_set_num_threads(thread_count())
    index = faiss.IndexFlatIP(pooled.shape[1])
    indexed: list[int] = []
    for first in range(0, len(pooled), BLOCK):
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
