"""The sieves of semantic deduplication over all shards: vectors shard by shard on disk, compared stripe by stripe.

Rows are numbered in the order in which the step takes them in memory, and the vectors of a sieve brought into one file
in that order: so they are the same to the last bit, and so are the rows that pass. Processes map that file, they do
not hold it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_curation.embeddings import TextVectors, embed_windows, window_rows
from data_curation.semantic_candidates import HALF_MARGIN, half_windows, whitened
from data_curation.semantic_dedup import SemanticDedupSettings
from data_curation.semantic_neighbours import Sieve, Sifting, alike_of_stripe, by_size, stripes
from data_curation.shards.near import Sets
from data_curation.shards.store import save_array
from data_curation.static_model import static_vectors

LINED_UP, PASSED, NEAR = "lined_up", "passed", "near"  # rows: that take part, that pass the first sieve, the second
STATIC, HALF = "static", "half"  # vectors
WINDOWS, COUNTS = "half_windows", "half_counts"  # those of the windows of each text, and how many it has
STRIPES = 8  # of rows, compared by one task
_EMPTY = np.empty((0, 1), dtype=np.float32)
NO_VECTORS = TextVectors(_EMPTY, np.empty(0, dtype=np.int64), np.zeros(1, dtype=np.int64), _EMPTY)


@dataclass(frozen=True)
class EmbedTask:
    """Vectors of a shard's rows: of the static model, in 16 bits, or (`full`) as the last word, kept in their store.

    Attributes:
        sets: The sets.
        settings: Of the step.
        rows: Which rows.
        kind: Which vectors.
    """

    sets: Sets
    settings: SemanticDedupSettings
    rows: str
    kind: str

    def __call__(self, rank: int) -> dict[str, int]:
        """Do shard `rank`."""
        numbers = np.load(self.sets.file(self.rows, rank, "npy"))
        table = self.sets.load(rank, ["response", "source", "row"]).filter(pa.array(numbers >= 0))
        texts, encoder, scratch = table["response"].to_pylist(), self.settings.encoder, self.sets.folder

        def label(text: int) -> str:
            source, row, row_id = (table[name][text].as_py() for name in ("source", "row", "row_id"))
            return f"{source}, row {row} (row_id {row_id})"

        vectors = np.empty((0, 1), dtype=np.float32)
        if texts and self.kind == STATIC:
            vectors = static_vectors(texts, encoder)
        elif self.kind == HALF:
            found = half_windows(texts, encoder, scratch, label) if texts else NO_VECTORS
            vectors = found.pooled
            save_array(self.sets.file(WINDOWS, rank, "npy"), found.windows)
            save_array(self.sets.file(COUNTS, rank, "npy"), np.diff(found.starts))
        elif texts:
            embed_windows(texts, encoder, scratch, label=label)
        save_array(self.sets.file(self.kind, rank, "npy"), vectors)
        return {"rows": len(texts)}


def numbered(sets: Sets, kind: str, numbers: np.ndarray) -> None:
    """Store for each shard the numbers (int64, -1: none) of its rows, out of those of all shards' rows."""
    at = 0
    for shard in range(sets.shards):
        count = sets.load(shard, []).num_rows
        save_array(sets.file(kind, shard, "npy"), numbers[at : at + count])
        at += count


def thinned(sets: Sets, kind: str, into: str, stays: np.ndarray) -> int:
    """Number those rows of `kind` anew that stay (bool, by number); how many these are."""
    again = np.where(stays, np.cumsum(stays) - 1, -1)
    for shard in range(sets.shards):
        old = np.load(sets.file(kind, shard, "npy"))
        new = np.full(len(old), -1, dtype=np.int64)
        new[old >= 0] = again[old[old >= 0]]
        save_array(sets.file(into, shard, "npy"), new)
    return int(stays.sum())


def brought_together(sets: Sets, rows: str, kind: str, count: int) -> np.ndarray:
    """Vectors of all shards in a file, by number (float32, count x d, mapped)."""
    parts = [np.load(sets.file(kind, shard, "npy"), mmap_mode="r") for shard in range(sets.shards)]
    width = max((part.shape[1] for part in parts if len(part)), default=1)
    file = sets.folder / f"{kind}.npy"
    vectors = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(count, width))
    for shard, part in enumerate(parts):
        numbers = np.load(sets.file(rows, shard, "npy"))
        vectors[numbers[numbers >= 0]] = part if len(part) else np.empty((0, width), dtype=np.float32)
    return vectors


def whiten(sets: Sets, count: int) -> None:
    """Make the file that the first sieve compares: `static.npy`, whitened, in the order of a `Sifting`."""
    vectors = brought_together(sets, LINED_UP, STATIC, count)
    whitened(vectors, out=vectors)
    save_array(sets.folder / "unknown.npy", ~np.asarray(vectors.any(axis=1)))
    order = by_size(np.load(sets.folder / "sizes.npy"))
    file = sets.folder / "sifted.npy"
    sifted = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=vectors.shape)
    for start, stop in stripes(count):
        sifted[start:stop] = vectors[order[start:stop]]
    sifted.flush()
    (sets.folder / f"{STATIC}.npy").unlink()


@dataclass(frozen=True)
class SiftTask:
    """The first sieve on some stripes: which rows have another that may be near (bool, n, in a `Sifting`'s order)."""

    sets: Sets
    settings: SemanticDedupSettings
    sieve: Sieve
    given: int

    def __call__(self, rank: int) -> dict[str, int]:
        """Do part `rank`."""
        sizes = np.asarray(np.load(self.sets.folder / "sizes.npy"), dtype=np.float64)
        order = by_size(sizes)
        vectors = _mapped(self.sets.folder / "sifted.npy")
        sifting = Sifting(vectors, sizes[order], order < self.given, self.sieve, self.settings.within)
        found = np.zeros(len(order), dtype=bool)
        for stripe in _own(stripes(len(order)), rank):
            found |= sifting.stripe(*stripe)
        save_array(self.sets.file("sifted", rank, "npy"), found)
        return {"found": int(found.sum())}


def gather_halves(sets: Sets, count: int) -> None:
    """Make the files that the second sieve compares: pooled vectors and windows of the rows that passed, by number."""
    brought_together(sets, PASSED, HALF, count).flush()
    numbers = [np.load(sets.file(PASSED, shard, "npy")) for shard in range(sets.shards)]
    numbers = [found[found >= 0] for found in numbers]
    counts = np.zeros(count, dtype=np.int64)
    for shard, found in enumerate(numbers):
        counts[found] = np.load(sets.file(COUNTS, shard, "npy"))
    starts = np.concatenate([[0], np.cumsum(counts)])
    save_array(sets.folder / "half_starts.npy", starts)
    parts = [np.load(sets.file(WINDOWS, shard, "npy"), mmap_mode="r") for shard in range(sets.shards)]
    shape = int(starts[-1]), max((part.shape[1] for part in parts if len(part)), default=1)
    windows = np.lib.format.open_memmap(sets.folder / f"{WINDOWS}.npy", mode="w+", dtype=np.float32, shape=shape)
    for found, part in zip(numbers, parts, strict=True):
        if len(found):
            windows[window_rows(starts, found)] = part
    windows.flush()


@dataclass(frozen=True)
class AlikeTask:
    """The second sieve on some stripes: which rows (bool, n, by number) have another near by all of their windows."""

    sets: Sets
    settings: SemanticDedupSettings
    given: int

    def __call__(self, rank: int) -> dict[str, int]:
        """Do part `rank`."""
        folder = self.sets.folder
        starts = np.load(folder / "half_starts.npy")
        windows, pooled = _mapped(folder / f"{WINDOWS}.npy"), _mapped(folder / f"{HALF}.npy")
        vectors = TextVectors(windows, np.ones(len(windows), dtype=np.int64), starts, pooled)
        radius = self.settings.threshold - HALF_MARGIN
        found = np.zeros(len(pooled), dtype=bool)
        for stripe in _own(stripes(len(pooled), self.given), rank):
            found |= alike_of_stripe(vectors, radius, stripe, self.given, self.settings.within)
        save_array(self.sets.file("alike", rank, "npy"), found)
        return {"found": int(found.sum())}


def parts(count: int, given: int = 0) -> int:
    """How many tasks compare so many rows."""
    return math.ceil(len(stripes(count, given)) / STRIPES)


def passed(sets: Sets, count: int) -> np.ndarray:
    """Which rows (bool, by number) the first sieve lets pass."""
    order = by_size(np.load(sets.folder / "sizes.npy"))
    stays = np.load(sets.folder / "unknown.npy")
    for part in range(parts(count)):
        stays[order] |= np.load(sets.file("sifted", part, "npy"))
    return stays


def near(sets: Sets, count: int, given: int) -> np.ndarray:
    """Which rows (bool, by number) the second sieve lets pass."""
    found = np.zeros(count, dtype=bool)
    for part in range(parts(count, given)):
        found |= np.load(sets.file("alike", part, "npy"))
    return found


def _own(all_stripes: list[tuple[int, int]], part: int) -> list[tuple[int, int]]:
    return all_stripes[part * STRIPES : (part + 1) * STRIPES]


def _mapped(file: Path) -> np.ndarray:
    return np.load(file, mmap_mode="c")  # "c": torch takes no array that cannot be written
