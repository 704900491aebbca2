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

from data_curation.embeddings import embed_windows
from data_curation.semantic_candidates import HALF_MARGIN, half_windows, whitened
from data_curation.semantic_dedup import SemanticDedupSettings
from data_curation.semantic_neighbours import Sieve, Sifting, by_size, nearest_of_stripe, stripes
from data_curation.shards.near import Sets
from data_curation.shards.store import save_array
from data_curation.static_model import static_vectors

LINED_UP, PASSED, NEAR = "lined_up", "passed", "near"  # rows: that take part, that pass the first sieve, the second
STATIC, HALF = "static", "half"  # vectors
STRIPES = 8  # of rows, compared by one task


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
        elif texts and self.kind == HALF:
            vectors = half_windows(texts, encoder, scratch, label).pooled
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


@dataclass(frozen=True)
class NearestTask:
    """The second sieve on some stripes: the best cosine of each row (float32, n, by number)."""

    sets: Sets
    settings: SemanticDedupSettings
    given: int

    def __call__(self, rank: int) -> dict[str, int]:
        """Do part `rank`."""
        vectors = _mapped(self.sets.folder / f"{HALF}.npy")
        best = np.full(len(vectors), -1, dtype=np.float32)
        for stripe in _own(stripes(len(vectors), self.given), rank):
            np.maximum(best, nearest_of_stripe(vectors, stripe, self.given, self.settings.within), out=best)
        save_array(self.sets.file("nearest", rank, "npy"), best)
        return {"rows": len(vectors)}


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


def near(sets: Sets, settings: SemanticDedupSettings, count: int, given: int) -> np.ndarray:
    """Which rows (bool, by number) the second sieve lets pass."""
    best = np.full(count, -1, dtype=np.float32)
    for part in range(parts(count, given)):
        np.maximum(best, np.load(sets.file("nearest", part, "npy")), out=best)
    return best >= settings.threshold - HALF_MARGIN


def _own(all_stripes: list[tuple[int, int]], part: int) -> list[tuple[int, int]]:
    return all_stripes[part * STRIPES : (part + 1) * STRIPES]


def _mapped(file: Path) -> np.ndarray:
    return np.load(file, mmap_mode="c")  # "c": torch takes no array that cannot be written
