"""Which texts are worth the full encoder: those that something else comes near, by cheaper vectors.

Two sieves, one after the other. The first is coarse and fast: a static model distilled from the encoder, and lengths.
It loses some pairs; how many was measured, see `SIEVES`. The second is the encoder itself in 16 bits, where the
processor has such products; its cosines are wrong by less than `HALF_MARGIN`, so it loses none, and decisions are the
same without.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from artifacts.stage import thread_count
from data_curation.embeddings import EncoderSettings, embed_texts, held
from data_curation.encoder import has_bfloat16, unit_rows
from data_curation.records import normalise_for_id
from data_curation.static_model import static_vectors

CALIBRATED = "all-minilm-l6-v2"
HALF_MARGIN = 0.01  # cosines of Dolly's pairs moved by up to 0.003
LEAST_TEXTS = 4_000  # with fewer, there is nothing to whiten by, and reading all of them costs little
RIDGE = 0.5  # of whitening: part of the mean variance that is added to that of every axis
ROWS, COLUMNS = 2_048, 8_192  # of a tile of cosines: 64 MB; bounds memory, decides nothing
Label = Callable[[int], str]
log = logging.getLogger("rt")


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which two texts may be near, by the cosine of their `whitened` static vectors and by their lengths.

    A static vector is a mean of word pieces: the more pieces, the less chance has a part in it, so two long texts
    that say the same have a high cosine. And texts of very different length do not say the same.

    Attributes:
        radius: Least cosine where the shorter text has at most `short` characters.
        far: Least cosine where it has `long` characters or more; in between on a line.
        short: See `radius`.
        long: See `far`.
        times: The longer text has at most so many times the shorter's characters ...
        more: ... and so many more.
    """

    radius: float
    far: float | None = None
    short: float = 350
    long: float = 700
    times: float = float("inf")
    more: float = 0

    def least(self, sizes: np.ndarray) -> np.ndarray:
        """Least cosine (float32) where the shorter text has so many characters."""
        rise = 0.0 if self.far is None else self.far - self.radius
        along = np.clip((np.asarray(sizes, dtype=np.float64) - self.short) / (self.long - self.short), 0, 1)
        return (self.radius + rise * along).astype(np.float32)

    def reach(self, sizes: np.ndarray) -> np.ndarray:
        """Most characters (float64) that a text may have to be near one of so many."""
        return np.maximum(sizes, 1) * self.times + self.more


# Threshold of the encoder: sieve. Measured on the 12,161 different responses of Dolly of at least ten words
# (benchmarks/results/semantic_dedup_cpu.json): 99.1 % of 828 pairs, 99.4 % of 360 and 99.2 % of 121 were found.
SIEVES: dict[float, Sieve] = {
    0.8: Sieve(0.41),
    0.85: Sieve(0.42),
    0.9: Sieve(0.46, far=0.62, times=1.5, more=400),
}


def calibrated_sieve(encoder: EncoderSettings, threshold: float) -> Sieve | None:
    """Sieve of the static model for this encoder and threshold, or None if there is none: then all are embedded.

    It is the one of the nearest threshold of `SIEVES` that is not above, so it errs to the side of more candidates.
    """
    below = [known for known in SIEVES if known <= threshold]
    if encoder.model != CALIBRATED or encoder.window is not None or not below:
        return None
    return SIEVES[max(below)]


def whitened(vectors: np.ndarray) -> np.ndarray:
    """Vectors of a corpus with what all its texts share taken away: centred, then every axis scaled by its spread.

    Means of many word pieces are all alike, and plain cosines of them tell little: at the radius that finds 99 % of
    the pairs of 0.9, 76 % of Dolly's rows had a neighbour, and 50 % after this.

    Args:
        vectors: float32, n x d, unit rows or rows of zeros, which stay.

    Returns:
        float32, n x d, unit rows. Depends on the set of vectors, not on their order beyond rounding in 64 bits.
    """
    known = vectors.any(axis=1)
    if not known.any():
        return vectors
    rows = vectors[known].astype(np.float64)
    rows -= rows.mean(axis=0)
    spread, axes = np.linalg.eigh(rows.T @ rows / len(rows))
    scale = np.sqrt(np.maximum(spread, 0) + RIDGE * max(float(spread.mean()), 1e-12))
    result = np.zeros_like(vectors)
    result[known] = unit_rows(rows @ (axes / scale))
    return result


def nearest(vectors: np.ndarray, given: int = 0, within: bool = True) -> np.ndarray:
    """Cosine of each row with the row nearest to it, of those that it is compared with.

    Args:
        vectors: float32, n x d, unit rows.
        given: The first so many are of the reference and not compared with each other.
        within: Whether the others are compared with each other.

    Returns:
        float32, n; -1 for a row that is compared with none. Half of n x n products, in tiles: memory is that of
        the vectors and one tile.
    """
    import torch

    torch.set_num_threads(thread_count())
    rows = torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32))
    best = torch.full((len(rows),), -1.0)
    for upper, lower in _tiles(len(rows), given, within):
        cosines = rows[upper] @ rows[lower].T
        if lower.start < upper.stop:  # a tile of the diagonal: no row is its own neighbour, no pair counts twice
            cosines[torch.ones_like(cosines, dtype=torch.bool).tril(upper.start - lower.start)] = -1.0
        best[upper] = torch.maximum(best[upper], cosines.amax(dim=1))
        best[lower] = torch.maximum(best[lower], cosines.amax(dim=0))
    return best.numpy()


def _tiles(count: int, given: int, within: bool) -> Iterator[tuple[slice, slice]]:
    """Tiles that together hold every pair that is compared, once."""
    bounds = [*range(0, given, ROWS), *range(given, count, ROWS), count]
    for start, stop in pairwise(bounds):
        first = given if start < given else start if within else count
        for left in range(first, count, COLUMNS):
            yield slice(start, stop), slice(left, min(left + COLUMNS, count))


def passing(vectors: np.ndarray, sizes: np.ndarray, sieve: Sieve, given: int = 0, within: bool = True) -> np.ndarray:
    """Which rows have another that the sieve lets be near, of those that they are compared with (bool, n).

    Args:
        vectors: float32, n x d, unit rows, or rows of zeros, which are near nothing.
        sizes: Characters of each text.
        sieve: Least cosine and lengths.
        given: The first so many are of the reference and not compared with each other.
        within: Whether the others are compared with each other.
    """
    import torch

    torch.set_num_threads(thread_count())
    sizes = np.asarray(sizes, dtype=np.float64)
    order = np.argsort(sizes, kind="stable")  # so the rows that one may be near lie together, and it is the shorter
    rows = torch.from_numpy(np.ascontiguousarray(vectors[order], dtype=np.float32))
    least = torch.from_numpy(sieve.least(sizes[order]))[:, None]
    end = np.searchsorted(sizes[order], sieve.reach(sizes[order]), side="right")
    ends, places = torch.from_numpy(end)[:, None], torch.arange(len(rows))
    reference = torch.from_numpy(order < given)
    found = torch.zeros(len(rows), dtype=torch.bool)
    for start in range(0, len(rows), ROWS):
        stop = min(start + ROWS, len(rows))
        for left in range(start, int(end[stop - 1]), COLUMNS):
            right = min(left + COLUMNS, int(end[stop - 1]))
            near = rows[start:stop] @ rows[left:right].T >= least[start:stop]
            if right > end[start]:
                near &= places[left:right] < ends[start:stop]
            if left < stop:  # no row is its own neighbour, no pair counts twice
                near &= places[left:right] > places[start:stop, None]
            if given:
                near &= ~(reference[start:stop, None] & reference[left:right])
            if not within:
                near &= reference[start:stop, None] | reference[left:right]
            found[start:stop] |= near.any(dim=1)
            found[left:right] |= near.any(dim=0)
    result = np.empty(len(rows), dtype=bool)
    result[order] = found.numpy()
    return result


def worth_embedding(
    texts: Sequence[str],
    encoder: EncoderSettings,
    threshold: float,
    sieve: Sieve | None,
    *,
    given: int = 0,
    within: bool = True,
    scratch: Path | None = None,
    label: Label = "text {}".format,
) -> tuple[np.ndarray, np.ndarray]:
    """Texts that can have a neighbour of at least `threshold`.

    Args:
        texts: Those of the reference first.
        encoder: The full encoder.
        threshold: Of the cosine.
        sieve: Of the static model; None leaves it out, as does a small set.
        given: How many are of the reference.
        within: Whether the others are compared with each other.
        scratch: Folder for finished parts where vectors are not cached.
        label: What an error calls the text at a position.

    Returns:
        Positions that pass the first sieve, and those of them that pass the second (both int64, ascending). The first
        is the same on every machine.
    """
    passed = np.arange(len(texts))
    if sieve is not None and len(texts) >= LEAST_TEXTS:
        vectors = whitened(static_vectors(texts, encoder))
        unknown = ~vectors.any(axis=1)  # no piece known, so nothing known: not for this sieve to drop
        sizes = np.asarray([len(normalise_for_id(text)) for text in texts])
        passed = np.flatnonzero(passing(vectors, sizes, sieve, given, within) | unknown)
        log.info("semantic candidates: %d of %d by the static model", len(passed), len(texts))
    if encoder.dtype != "float32" or not has_bfloat16(encoder):
        return passed, passed
    vectors = _half([texts[text] for text in passed], encoder, scratch, lambda text: label(int(passed[text])))
    near = nearest(vectors, int(np.searchsorted(passed, given)), within) >= threshold - HALF_MARGIN
    log.info("semantic candidates: %d of %d by the encoder in 16 bits", near.sum(), len(passed))
    return passed, passed[near]


def _half(texts: list[str], encoder: EncoderSettings, scratch: Path | None, label: Label) -> np.ndarray:
    """Vectors in 16 bits; where those in 32 bits are there already, these."""
    there = held(texts, encoder)
    half = encoder.model_copy(update={"dtype": "bfloat16"})
    parts = [(np.flatnonzero(there), encoder), (np.flatnonzero(~there), half)]
    vectors: np.ndarray | None = None
    for positions, settings in parts:
        if len(positions):
            found = embed_texts(
                [texts[position] for position in positions],
                settings,
                scratch,
                label=lambda text, positions=positions: label(int(positions[text])),
            )
            vectors = np.empty((len(texts), found.shape[1]), dtype=np.float32) if vectors is None else vectors
            vectors[positions] = found
    return np.empty((0, 1), dtype=np.float32) if vectors is None else vectors
