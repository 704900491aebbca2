"""Near deduplication over all shards: band keys a shard, groups by array, groups resolved as in memory.

Rows that share no band of their signature never meet. So the rows fall into groups (connected by shared bands), what
becomes of a group depends on its rows alone, and each group is given to the same `NearDedup` as in memory. What
is held of all rows are one band's keys, their order, labels and batch numbers: some 50 bytes a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artifacts.files import atomic_path, read_json, write_json
from data_curation.decisions import Ledger, Outcome
from data_curation.minhash import band_keys, signatures
from data_curation.near_dedup import NearDedup, NearDedupSettings
from data_curation.ngram_hashes import hash_ngrams
from data_curation.optional import require
from data_curation.records import SCORED, Record, from_table
from data_curation.shards.store import DROPS, Kept, save_array, write_drops
from data_curation.tables import write_table

FOUND = pa.schema([pa.field("shard", pa.int32()), *DROPS])


@dataclass(frozen=True)
class Sets:
    """The shards of both sets, those of the reference first, under one numbering.

    Attributes:
        kept: The set.
        reference: What it is compared with, or None.
        folder: For what this step writes.
    """

    kept: Kept
    reference: Kept | None
    folder: Path

    @property
    def given(self) -> int:
        """Shards of the reference."""
        return 0 if self.reference is None else self.reference.shards

    @property
    def shards(self) -> int:
        """All shards."""
        return self.given + self.kept.shards

    def load(self, shard: int, columns: list[str] | None = None) -> pa.Table:
        """Rows of one of them."""
        of_reference = shard < self.given
        return self.reference.load(shard, columns) if of_reference else self.kept.load(shard - self.given, columns)

    def file(self, kind: str, number: int, suffix: str) -> Path:
        """Path of one file of this step."""
        return self.folder / kind / f"{number:05d}.{suffix}"


@dataclass(frozen=True)
class KeysTask:
    """The bands of a shard's signatures as 64-bit keys: uint64, bands x rows, zeros for a row without n-grams."""

    sets: Sets
    settings: NearDedupSettings

    def __call__(self, rank: int) -> dict[str, int]:
        """Do shard `rank`."""
        step = NearDedup(self.settings)
        texts = self.sets.load(rank, ["response"])["response"].to_pylist()
        hashes = hash_ngrams(texts, self.settings.ngram)
        lines = np.flatnonzero(np.diff(hashes.offsets) > 0)
        has = np.zeros(len(texts), dtype=bool)
        has[hashes.texts[lines]] = True
        keys = np.zeros((step.bands, len(texts)), dtype=np.uint64)
        matrix = signatures(hashes, lines.tolist(), step.bands * step.rows, self.settings.seed)
        keys[:, hashes.texts[lines]] = band_keys(matrix, step.bands).T
        save_array(self.sets.file("has", rank, "npy"), has)
        save_array(self.sets.file("keys", rank, "npy"), keys)
        return {"rows": len(texts), "compared": int(has.sum())}


def make_batches(sets: Sets, settings: NearDedupSettings, most: int) -> dict[str, int]:
    """Write for each shard which batch a row belongs to (int32, -1: none), and return how much there is of all.

    A batch is some groups, together about `most` rows; a group is never parted.
    """
    has = [np.load(sets.file("has", shard, "npy")) for shard in range(sets.shards)]
    counts = [len(part) for part in has]
    first_own = sum(counts[: sets.given])
    everywhere = np.concatenate([np.empty(0, dtype=bool), *has])
    batch = np.full(len(everywhere), -1, dtype=np.int32)
    members = np.flatnonzero(everywhere)
    labels = _labels(sets, has, NearDedup(settings).bands)
    sizes = np.bincount(labels, minlength=1)
    own = np.bincount(labels[members >= first_own], minlength=len(sizes))
    together = (sizes > 1) & (own > 0)  # groups in which something may leave
    chosen = together[labels]
    groups, firsts, which = np.unique(labels[chosen], return_index=True, return_inverse=True)
    turn = np.empty(len(groups), dtype=np.int64)
    turn[np.argsort(firsts, kind="stable")] = np.arange(len(groups))  # by first row, whatever number a label has
    in_turn = np.empty(len(groups), dtype=np.int64)
    in_turn[turn] = sizes[groups]
    begins = np.cumsum(in_turn) - in_turn
    numbers = np.unique(begins // most, return_inverse=True)[1]
    batch[members[chosen]] = numbers[turn[which]]
    at = 0
    for shard, count in enumerate(counts):
        save_array(sets.file("batch", shard, "npy"), batch[at : at + count])
        at += count
    return {
        "batches": int(batch.max(initial=-1)) + 1,
        "rows_in": len(everywhere) - first_own,
        "compared": int(everywhere[first_own:].sum()),
        "largest_group": int(in_turn.max(initial=0)),
    }


def _labels(sets: Sets, has: Sequence[np.ndarray], bands: int) -> np.ndarray:
    """A label for each row with n-grams, the same for rows that shared bands connect; one band at a time."""
    sparse, graphs = require("scipy.sparse"), require("scipy.sparse.csgraph")
    count = int(sum(part.sum() for part in has))
    labels, nodes = np.arange(count, dtype=np.int64), count
    for band in range(bands):
        parts = [np.load(sets.file("keys", shard, "npy"), mmap_mode="r")[band][mask] for shard, mask in enumerate(has)]
        keys = np.concatenate([np.empty(0, dtype=np.uint64), *parts])
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
        if not len(same):
            continue
        left, right = labels[order[same]], labels[order[same + 1]]
        graph = sparse.coo_array((np.ones(len(same), dtype=bool), (left, right)), shape=(nodes, nodes))
        nodes, found = graphs.connected_components(graph, directed=False)
        labels = found[labels].astype(np.int64)
    return labels


@dataclass(frozen=True)
class GatherTask:
    """Puts a shard's rows that belong to batches into a file, a row group a batch."""

    sets: Sets

    def __call__(self, rank: int) -> dict[str, int]:
        """Do shard `rank`."""
        batch = np.load(self.sets.file("batch", rank, "npy"))
        chosen = np.flatnonzero(batch >= 0)
        chosen = chosen[np.argsort(batch[chosen], kind="stable")]
        table = self.sets.load(rank, SCORED.names).select(SCORED.names).take(chosen)
        numbers, begins = np.unique(batch[chosen], return_index=True)
        ends = [*begins[1:], len(chosen)][: len(begins)]  # none where nothing is chosen
        with (
            atomic_path(self.sets.file("gathered", rank, "parquet")) as temporary,
            pq.ParquetWriter(temporary, SCORED, compression="zstd") as writer,
        ):
            for begin, end in zip(begins, ends, strict=True):
                writer.write_table(table.slice(begin, end - begin), row_group_size=end - begin)
        write_json(self.sets.file("gathered", rank, "json"), numbers.tolist())
        return {"rows": len(chosen)}


@dataclass(frozen=True)
class ResolveTask:
    """Decides on the groups of one batch.

    Attributes:
        sets: The sets.
        settings: Of the step.
        scored: Whether any row of the whole set brings a quality score.
    """

    sets: Sets
    settings: NearDedupSettings
    scored: bool

    def __call__(self, rank: int) -> dict[str, int]:
        """Do batch `rank`."""
        reference: list[Record] = []
        records: list[Record] = []
        shard_of: dict[str, int] = {}
        for shard in range(self.sets.shards):
            found = self._rows(shard, rank)
            if shard < self.sets.given:
                reference += found
            else:
                records += found
                shard_of |= dict.fromkeys((record.row_id for record in found), shard - self.sets.given)
        if self.scored and all(record.quality is None for record in records):
            # rows without a score are equals where others have one; alone, their texts would be scored
            records = [replace(record, quality=0.0) for record in records]
        more = (reference,) if reference else ()
        result = NearDedup(self.settings).apply(records, self.sets.folder, *more)
        ledger = Ledger(records, reference=reference)  # checks what it books
        ledger.apply(self.settings.step, result)
        rows = [row | {"shard": shard_of[row["row_id"]]} for row in ledger.decisions().to_pylist() if not row["kept"]]
        write_table(self.sets.file("found", rank, "parquet"), pa.Table.from_pylist(rows, schema=FOUND))
        write_json(self.sets.file("found", rank, "json"), {"verified": int(result.measures["candidates_verified"])})
        return {"rows": len(records), "dropped": len(rows)}

    def _rows(self, shard: int, batch: int) -> list[Record]:
        numbers = read_json(self.sets.file("gathered", shard, "json"))
        if batch not in numbers:
            return []
        with pq.ParquetFile(self.sets.file("gathered", shard, "parquet")) as file:
            return from_table(file.read_row_group(numbers.index(batch)))


def collect(sets: Sets, settings: NearDedupSettings, position: int, phase: int, counts: dict[str, int]) -> Outcome:
    """Write what leaves each shard, from the batches; the outcome of the step."""
    batches = range(counts["batches"])
    tables = [pq.read_table(sets.file("found", batch, "parquet")) for batch in batches]
    found = pa.concat_tables([FOUND.empty_table(), *tables])
    shards = found["shard"].to_numpy()
    for shard in range(sets.kept.shards):
        write_drops(sets.kept, phase, shard, found.filter(pa.array(shards == shard)))
    reasons = dict(sorted(Counter(found["reason"].to_pylist()).items()))
    verified = sum(read_json(sets.file("found", batch, "json"))["verified"] for batch in batches)
    measures = NearDedup(settings).measures(counts["rows_in"], counts["compared"], verified)
    ordered = {name: float(value) for name, value in sorted(measures.items())}
    rows_in = counts["rows_in"]
    return Outcome(position, settings.step, rows_in, rows_in - len(found), 0, reasons, ordered)
