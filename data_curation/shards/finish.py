"""Last phase: what is kept, and a decision for every row, shard by shard; and both as tables that are read in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artifacts.errors import StageError
from artifacts.files import read_json, write_json
from data_curation.decisions import DECISIONS
from data_curation.records import SCHEMA, SCORED, Record, from_table
from data_curation.shards.rows import text_digest
from data_curation.shards.store import CHANGED, ORIGINAL, Kept, ids
from data_curation.tables import write_table

PART = "part-{:05d}.parquet"
COUNTS = ("kept", "dropped", "changed")
AT_ONCE = 2_048  # records held while a table is read through


def write_empty(out: Path, scored: bool) -> None:
    """The parts of a set without rows: one of each, so that it reads like any other."""
    write_table(out / "data.parquet" / PART.format(0), (SCORED if scored else SCHEMA).empty_table())
    write_table(out / "decisions.parquet" / PART.format(0), DECISIONS.empty_table())


@dataclass(frozen=True)
class FinishTask:
    """Writes a shard's part of data.parquet and decisions.parquet.

    Attributes:
        kept: The set after its last step.
        out: The artifact's folder.
        scored: Whether data.parquet has the column of quality scores.
    """

    kept: Kept
    out: Path
    scored: bool

    def __call__(self, rank: int) -> dict[str, int]:
        """Do shard `rank`.

        Raises:
            StageError: a row is neither kept nor dropped, or both, or dropped twice.
        """
        table = self.kept.load(rank)
        rows = [self._decision(row, drop) for row, drop in self._pairs(rank, table)]
        names = SCORED.names if self.scored else SCHEMA.names
        write_table(self.out / "data.parquet" / PART.format(rank), table.select(names))
        decisions = pa.Table.from_pylist(rows, schema=DECISIONS)
        write_table(self.out / "decisions.parquet" / PART.format(rank), decisions)
        pairs = zip(table["response"].to_pylist(), table[ORIGINAL].to_pylist(), strict=True)
        changed = sum(original is not None and text_digest(text) != original for text, original in pairs)
        counts = dict(zip(COUNTS, (len(table), len(rows) - len(table), changed), strict=True))
        write_json(self.kept.file("finished", 0, rank, "json"), counts)
        return counts

    def _pairs(self, rank: int, table: pa.Table) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
        """Every row that came in, and its drop or None."""
        kept = set(table["row_id"].to_pylist())
        listed = self.kept.drops(rank).to_pylist()
        drops = {row["row_id"]: row for row in listed}
        base = pq.read_table(self.kept.file("base", 0, rank)).to_pylist()
        whole = len(drops) == len(listed) and len(base) == len(kept) + len(drops)
        if not whole or any((row["row_id"] in kept) == (row["row_id"] in drops) for row in base):
            raise StageError("rows in are not kept plus dropped", where=f"shard {rank}")
        return ((row, drops.get(row["row_id"])) for row in base)

    @staticmethod
    def _decision(row: dict[str, Any], drop: dict[str, Any] | None) -> dict[str, Any]:
        nothing = dict.fromkeys(("step", "reason", "by", "by_set", "score"))
        return row | {"kept": drop is None} | (nothing if drop is None else {name: drop[name] for name in nothing})


def totals(kept: Kept) -> dict[str, int]:
    """kept, dropped and changed of all shards."""
    parts = [read_json(kept.file("finished", 0, shard, "json")) for shard in range(kept.shards)]
    return {name: sum(part[name] for part in parts) for name in COUNTS}


class StoredRecords:
    """The records of a table in parts, read from disk each time they are gone through."""

    def __init__(self, folder: Path):
        self._files = sorted(folder.glob("*.parquet"))

    def __len__(self) -> int:
        return sum(pq.read_metadata(file).num_rows for file in self._files)

    def __iter__(self) -> Iterator[Record]:
        for path in self._files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=AT_ONCE):
                    yield from from_table(pa.Table.from_batches([batch]))


class Changes(Mapping[str, tuple[str, ...]]):
    """Which steps changed which kept row, in some 24 bytes a row."""

    def __init__(self, kept: Kept):
        numbers: dict[tuple[str, ...], int] = {}
        keys, kinds = [np.empty((0, 2), dtype=np.uint64)], [np.empty(0, dtype=np.int32)]
        for shard in range(kept.shards):
            table = kept.load(shard, [CHANGED])
            steps = [tuple(value or ()) for value in table[CHANGED].to_pylist()]
            there = np.flatnonzero([bool(value) for value in steps])
            keys.append(ids(table["row_id"].take(there)))
            kinds.append(np.array([numbers.setdefault(steps[row], len(numbers)) for row in there], dtype=np.int32))
        self._names = list(numbers)
        joined = np.concatenate(keys)
        order = np.lexsort((joined[:, 1], joined[:, 0]))
        self._keys, self._which = joined[order], np.concatenate(kinds)[order]

    def __getitem__(self, row_id: str) -> tuple[str, ...]:
        high, low = int(row_id[:16], 16), int(row_id[16:], 16)
        first, last = (int(np.searchsorted(self._keys[:, 0], np.uint64(high), side)) for side in ("left", "right"))
        at = first + int(np.searchsorted(self._keys[first:last, 1], np.uint64(low)))
        if at == last or int(self._keys[at, 1]) != low:
            raise KeyError(row_id)
        return self._names[self._which[at]]

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return (f"{int(high):016x}{int(low):016x}" for high, low in self._keys)
