"""Exact deduplication over all shards, on ids alone: some 60 bytes a row, no text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_curation.decisions import Outcome
from data_curation.exact_dedup import ExactDedupSettings
from data_curation.quality import quality
from data_curation.shards.store import (
    DROPS,
    Kept,
    hexadecimal,
    ids,
    policy_columns,
    same_as_before,
    save_array,
    write_drops,
)

REASON = "exact_duplicate"


@dataclass(frozen=True)
class QualityTask:
    """Scores the texts of a shard, for the policy `quality` where no row brings a score; NaN: none."""

    kept: Kept
    phase: int

    def __call__(self, rank: int) -> dict[str, int]:
        """Do shard `rank`."""
        texts = self.kept.load(rank, ["response"])["response"].to_pylist()
        scores = [quality(text).score for text in texts]
        save_array(_scores_file(self.kept, self.phase, rank), np.array(scores, dtype=np.float64))
        return {"rows": len(texts)}


def _scores_file(kept: Kept, phase: int, shard: int) -> Path:
    return kept.file("scores", phase, shard, "npy")


@dataclass(frozen=True)
class ExactShards:
    """The step over all shards.

    Equal texts are equally long (`record_id` is a digest of the text that is measured), so of the policies only
    quality and place are left to order by, and the row_id, as everywhere.

    Attributes:
        settings: Of the step.
        phase: Number of the phase.
        kept: The set.
        reference: What it is compared with, or None.
        own_scores: Whether quality is that of the texts, by `QualityTask`.
    """

    settings: ExactDedupSettings
    phase: int
    kept: Kept
    reference: Kept | None
    own_scores: bool

    def outcome(self, position: int) -> Outcome:
        """Write what leaves each shard: of every text, all rows but the one that `survivors` would take first."""
        step = self.settings.step
        given = [] if self.reference is None else [self._ids(self.reference, at) for at in range(self.reference.shards)]
        own = [self._ids(self.kept, shard) for shard in range(self.kept.shards)]
        rows_in = sum(len(part[0]) for part in own)
        if not own:
            return Outcome(position, step, 0, 0, 0, {}, {"repeated_texts": 0.0})
        row_ids, texts = (np.concatenate(parts) for parts in zip(*given, *own, strict=True))
        first_own = len(row_ids) - rows_in
        by = _dropped_by(row_ids, texts, self._policy(), first_own, self.settings.within)
        at = first_own
        for shard, part in enumerate(own):
            drops = _drops(row_ids, by, at, at + len(part[0]), first_own, step)
            write_drops(self.kept, self.phase, shard, drops)
            at += len(part[0])
        left = by[first_own:] >= 0
        of_reference = int((left & (by[first_own:] < first_own)).sum())
        counts = {REASON: int(left.sum()) - of_reference, f"{REASON}_of_reference": of_reference}
        reasons = {name: count for name, count in sorted(counts.items()) if count}
        repeated = len(np.unique(texts[first_own:][left], axis=0))
        measures = {"repeated_texts": float(repeated)}
        return Outcome(position, step, rows_in, rows_in - int(left.sum()), 0, reasons, measures)

    @staticmethod
    def _ids(kept: Kept, shard: int) -> tuple[np.ndarray, np.ndarray]:
        """row_id and record_id of a shard."""
        table = kept.load(shard, ["record_id"])
        return ids(table["row_id"]), ids(table["record_id"])

    def _policy(self) -> list[np.ndarray]:
        """What to order equal texts of the set by before the row_id, the most important first; see `survivors`."""
        scores = None
        if self.own_scores:
            scores = [np.load(_scores_file(self.kept, self.phase, shard)) for shard in range(self.kept.shards)]
        return policy_columns(self.kept, self.settings.survivor, scores)


def _dropped_by(
    row_ids: np.ndarray, texts: np.ndarray, policy: list[np.ndarray], first_own: int, within: bool
) -> np.ndarray:
    """For each row the place of the one that drops it, -1 if it stays; int64, n. The reference comes first.

    `policy`: columns of the set's rows alone.
    """
    own = np.arange(len(row_ids)) >= first_own
    nothing = np.zeros(first_own)  # of the reference only the row_id counts
    policy = [np.concatenate([nothing, column]) for column in policy]
    order = np.lexsort((row_ids[:, 1], row_ids[:, 0], *reversed(policy), own, texts[:, 1], texts[:, 0]))
    same = same_as_before(texts[order, 0], texts[order, 1])
    firsts = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    best = order[firsts]
    by = np.full(len(row_ids), -1, dtype=np.int64)
    leaves = same & own[order] & (within | (best < first_own))
    by[order[leaves]] = best[leaves]
    return by


def _drops(row_ids: np.ndarray, by: np.ndarray, start: int, stop: int, first_own: int, step: str) -> pa.Table:
    """What leaves one shard, as a table of `DROPS`."""
    places = start + np.flatnonzero(by[start:stop] >= 0)
    of_reference = by[places] < first_own
    columns = {
        "row_id": [hexadecimal(row_ids[place]) for place in places],
        "step": [step] * len(places),
        "reason": [f"{REASON}_of_reference" if ref else REASON for ref in of_reference],
        "by": [hexadecimal(row_ids[place]) for place in by[places]],
        "by_set": ["reference" if ref else "input" for ref in of_reference],
        "score": [1.0] * len(places),
    }
    return pa.table(columns, schema=DROPS)
