"""MinHash signatures and banding: which texts may share most of their n-grams, without comparing all pairs.

Broder, On the resemblance and containment of documents (1997); banding as in Leskovec, Rajaraman and Ullman, Mining of
Massive Datasets, chapter 3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from data_curation.ngram_hashes import NgramHashes
from data_curation.optional import require

_STEP = np.uint64(0x9FB21C651E98DF25)
CHUNK = 4_096  # signatures that are Python numbers at one time; bounds memory, decides nothing
ERRORS = 5  # standard errors below the threshold at which an estimate still counts as near: misses one pair in 10^6


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


def meeting_rows(hashes: NgramHashes, bands: int, rows: int, seed: int) -> np.ndarray:
    """Rows that share at least one band of their signature with another row; all others have no near duplicate.

    The signatures stay inside rensa, which is what makes this fast: taking them out, as Python numbers, costs ten
    times as much as computing them.
    """
    matrix = _sign(hashes.hashes, hashes.offsets, bands * rows, seed)
    index = require("rensa").RMinHashLSH(0.5, bands * rows, bands)  # the first argument is not used for flags
    flags = np.array(index.query_duplicate_flags_matrix_one_shot(matrix), dtype=bool)
    return np.flatnonzero(flags & (np.diff(hashes.offsets) > 0))


def signatures(hashes: NgramHashes, chosen: Sequence[int], num_perm: int, seed: int) -> np.ndarray:
    """Signatures of the chosen rows: uint32, one line a row, `num_perm` columns."""
    made = np.empty((len(chosen), num_perm), dtype=np.uint32)
    for first in range(0, len(chosen), CHUNK):
        parts = [hashes.of(row) for row in chosen[first : first + CHUNK]]
        offsets = np.cumsum([0, *map(len, parts)])
        values = chain.from_iterable(_sign(np.concatenate(parts), offsets, num_perm, seed).to_rows())
        flat = np.fromiter(values, dtype=np.uint32, count=len(parts) * num_perm)
        made[first : first + CHUNK] = flat.reshape(-1, num_perm)
    return made


def _sign(values: np.ndarray, offsets: np.ndarray, num_perm: int, seed: int):
    sketch = require("rensa").RMinHash
    return sketch.digest_matrix_from_flat_token_hashes(values, offsets.astype(np.uint64), num_perm, seed)


class BandIndex:
    """Signatures that are looked up by band; what comes out may be near, what does not is not (but for `recall`)."""

    def __init__(self, signatures: np.ndarray, bands: int, threshold: float):
        self._signatures = signatures
        self._keys = band_keys(signatures, bands)
        self._buckets: defaultdict[int, list[int]] = defaultdict(list)
        spread = (threshold * (1 - threshold) / signatures.shape[1]) ** 0.5
        self._least = (threshold - ERRORS * spread) * signatures.shape[1]

    def add(self, line: int) -> None:
        """Let a line be found from now on."""
        for key in self._keys[line].tolist():
            self._buckets[key].append(line)

    def near(self, line: int) -> Iterable[int]:
        """Added lines that share a band with this one and whose estimated similarity is not far below the threshold."""
        met = [bucket for key in self._keys[line].tolist() if (bucket := self._buckets.get(key))]
        if not met:
            return ()
        found = np.unique(np.fromiter(chain.from_iterable(met), dtype=np.int64))
        agree = (self._signatures[found] == self._signatures[line]).sum(axis=1)
        return found[agree >= self._least].tolist()


def band_keys(signatures: np.ndarray, bands: int) -> np.ndarray:
    """A 64-bit key for each band of each signature; uint64, one line a signature."""
    values = signatures.reshape(len(signatures), bands, signatures.shape[1] // bands).astype(np.uint64)
    keys = np.broadcast_to(np.arange(1, bands + 1, dtype=np.uint64), values.shape[:2]).copy()
    for row in range(values.shape[2]):
        keys ^= keys >> np.uint64(29)
        keys = (keys + values[:, :, row]) * _STEP
    return keys ^ (keys >> np.uint64(32))
