"""What a sharded curation keeps on disk between its phases, and the compact arrays that it holds in memory.

A set of rows (the `input`, the `reference`) is a folder. `rows/PP/KKKKK.parquet` holds what shard K still keeps after
phase P, with the texts as they then stand; `drops/PP/KKKKK.parquet` what left in it. A phase that only drops writes
no rows: they are those of an earlier phase less what left since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from artifacts.files import atomic_path
from data_curation.decisions import DECISIONS
from data_curation.records import QUALITY, SCORED
from data_curation.survivors import Survivor
from data_curation.tables import write_table

CHANGED, ORIGINAL = "changed_by", "original"
# the steps that changed a row's text so far, and the digest of the text that came in, where any did
ROWS = SCORED.append(pa.field(CHANGED, pa.list_(pa.string()))).append(pa.field(ORIGINAL, pa.string()))
DROPS = pa.schema([DECISIONS.field(name) for name in ("row_id", "step", "reason", "by", "by_set", "score")])
BASE = pa.schema([DECISIONS.field(name) for name in ("row_id", "record_id", "row")])


@dataclass(frozen=True)
class Kept:
    """The rows of a set that are still there, as a place on disk.

    Attributes:
        folder: Of the set.
        shards: How many there are.
        phase: The phase whose rows these are.
        since: Later phases, which have only dropped.
    """

    folder: Path
    shards: int
    phase: int = 0
    since: tuple[int, ...] = ()

    def file(self, kind: str, phase: int, shard: int, suffix: str = "parquet") -> Path:
        """Path of one file of this set."""
        return self.folder / kind / f"{phase:02d}" / f"{shard:05d}.{suffix}"

    def dropping(self, phase: int) -> Kept:
        """The same after a phase that has dropped some."""
        return replace(self, since=(*self.since, phase))

    def load(self, shard: int, columns: list[str] | None = None) -> pa.Table:
        """A shard's rows, or some columns of them."""
        wanted = None if columns is None else list(dict.fromkeys(["row_id", *columns]))
        table = pq.read_table(self.file("rows", self.phase, shard), columns=wanted)
        gone = [pq.read_table(self.file("drops", phase, shard), columns=["row_id"])["row_id"] for phase in self.since]
        if any(len(column) for column in gone):
            left = pa.chunked_array([chunk for column in gone for chunk in column.chunks])
            table = table.filter(pc.invert(pc.is_in(table["row_id"], value_set=left)))
        return table

    def drops(self, shard: int) -> pa.Table:
        """Everything that has left a shard, phase by phase."""
        phases = [int(path.parent.name) for path in sorted((self.folder / "drops").glob(f"*/{shard:05d}.parquet"))]
        return pa.concat_tables([DROPS.empty_table(), *(pq.read_table(self.file("drops", p, shard)) for p in phases)])


def write_drops(kept: Kept, phase: int, shard: int, rows: list[dict] | pa.Table) -> None:
    """Write what left a shard in a phase; keys and columns other than those of `DROPS` are left out."""
    table = pa.Table.from_pylist(rows, schema=DROPS) if isinstance(rows, list) else rows.select(DROPS.names)
    write_table(kept.file("drops", phase, shard), table)


def has_scores(kept: Kept) -> bool:
    """Whether any row brings a quality score."""
    parts = (kept.load(shard, [QUALITY])[QUALITY] for shard in range(kept.shards))
    return any(part.null_count < len(part) for part in parts)


def policy_columns(kept: Kept, survivor: Survivor, scores: Sequence[np.ndarray] | None = None) -> list[np.ndarray]:
    """What a survivor policy orders rows by, shard after shard, the most important first; less lengths and ids.

    `scores`: those of the texts, shard by shard, where no row brings one (NaN: none).
    """
    shards = range(kept.shards)
    if survivor == "quality":
        own = [kept.load(shard, [QUALITY])[QUALITY].to_numpy() for shard in shards] if scores is None else scores
        found = np.concatenate([np.empty(0), *own]).astype(np.float64)
        none = np.isnan(found)
        return [none, np.where(none, 0.0, -found)]
    if survivor == "first":
        tables = [kept.load(shard, ["source", "row"]) for shard in shards]
        sources = np.concatenate(
            [np.empty(0, dtype=str), *(table["source"].to_numpy().astype(str) for table in tables)]
        )
        rows = np.concatenate([np.empty(0, dtype=np.int64), *(table["row"].to_numpy() for table in tables)])
        return [np.unique(sources, return_inverse=True)[1], rows]
    return []


def save_array(path: Path, array: np.ndarray) -> None:
    """Write an array atomically (`.npy`, never pickled)."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array, allow_pickle=False)


def ids(column: pa.ChunkedArray) -> np.ndarray:
    """Digests of 32 hexadecimal digits as numbers that sort like them: uint64, n x 2."""
    packed = bytes.fromhex("".join(column.to_pylist()))
    return np.frombuffer(packed, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def hexadecimal(numbers: np.ndarray) -> str:
    """A digest that `ids` gave, as text again."""
    return numbers.astype(">u8").tobytes().hex()


def same_as_before(*ordered: np.ndarray) -> np.ndarray:
    """For each row (bool, n) of equally long sorted columns, whether it equals the row before it."""
    same = np.ones(len(ordered[0]), dtype=bool)
    for column in ordered:
        same[1:] &= column[1:] == column[:-1]
    same[:1] = False
    return same
