"""Which rows have another that is near, by every cosine there is, in tiles; so it can also be done stripe by stripe."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from artifacts.stage import thread_count
from data_curation.embeddings import TextVectors

ROWS, COLUMNS = 2_048, 8_192  # of a tile of cosines: 64 MB; bounds memory, decides nothing
WINDOWS_AT_ONCE = 16_384  # of pairs of long texts, brought together: 25 MB a side; bounds memory, decides nothing


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


def alike(vectors: TextVectors, radius: float, given: int = 0, within: bool = True) -> np.ndarray:
    """Which texts have another that is near by all of their parts, of those that they are compared with.

    Args:
        vectors: Of the texts.
        radius: Least cosine of the pooled vectors, and of every window with its best counterpart in the other text,
            both ways.
        given: The first so many are of the reference and not compared with each other.
        within: Whether the others are compared with each other.

    Returns:
        bool, n. Half of n x n products, in tiles, and the windows of those pairs whose pooled vectors are near.
    """
    found = np.zeros(len(vectors.pooled), dtype=bool)
    for stripe in stripes(len(found), given):
        found |= alike_of_stripe(vectors, radius, stripe, given, within)
    return found


def stripes(count: int, given: int = 0) -> list[tuple[int, int]]:
    """Rows in parts of at most `ROWS`, none with rows of the reference and of the set."""
    return list(pairwise([*range(0, given, ROWS), *range(given, count, ROWS), count]))


def alike_of_stripe(
    vectors: TextVectors, radius: float, stripe: tuple[int, int], given: int, within: bool
) -> np.ndarray:
    """`alike`, of the pairs alone that hold a text of this stripe and none of those before it."""
    import torch

    torch.set_num_threads(thread_count())
    pooled = torch.from_numpy(np.asarray(vectors.pooled, dtype=np.float32))
    counts = np.diff(vectors.starts)
    found = np.zeros(len(pooled), dtype=bool)
    start, stop = stripe
    first = given if start < given else start if within else len(pooled)
    for left in range(first, len(pooled), COLUMNS):
        near = pooled[start:stop] @ pooled[left : left + COLUMNS].T >= radius
        if left < stop:  # a tile of the diagonal: no text is its own neighbour, no pair counts twice
            near &= torch.ones_like(near).triu(start - left + 1)
        one, other = (places.numpy() for places in torch.nonzero(near, as_tuple=True))
        one, other = one + start, other + left
        open_ = ~(found[one] & found[other])
        one, other = one[open_], other[open_]
        both = counts[one] + counts[other] == 2  # one window each: their cosine is the pooled one
        both[~both] = worst_windows(vectors, one[~both], other[~both]) >= radius
        found[one[both]] = found[other[both]] = True
    return found


def worst_windows(vectors: TextVectors, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Of pairs of texts: the cosine (float32) of the window, of either, whose best counterpart is the worst.

    Args:
        vectors: Of the texts.
        left: int64, k: one text of each pair.
        right: int64, k: the other.
    """
    import torch

    counts = np.diff(vectors.starts)
    worst = np.empty(len(left), dtype=np.float32)
    shapes = np.stack([counts[left], counts[right]], axis=1)
    for shape in np.unique(shapes, axis=0):
        pairs = np.flatnonzero((shapes == shape).all(axis=1))
        size = max(1, WINDOWS_AT_ONCE // int(shape.max()))
        for part in (pairs[first : first + size] for first in range(0, len(pairs), size)):
            one, other = (
                torch.from_numpy(vectors.windows[vectors.starts[texts[part]][:, None] + np.arange(count)])
                for texts, count in ((left, shape[0]), (right, shape[1]))
            )
            table = torch.bmm(one, other.transpose(1, 2))
            worst[part] = torch.minimum(table.amax(dim=2).amin(dim=1), table.amax(dim=1).amin(dim=1)).numpy()
    return worst


@dataclass(frozen=True)
class Sifting:
    """Rows in the order of their texts' lengths: those that one may be near lie together, and it is the shorter.

    Attributes:
        vectors: float32, n x d, unit rows, or rows of zeros, which are near nothing.
        sizes: float64, n, ascending: characters of each text.
        reference: bool, n: which are of the reference; they are not compared with each other.
        sieve: Least cosine and lengths.
        within: Whether the others are compared with each other.
    """

    vectors: np.ndarray
    sizes: np.ndarray
    reference: np.ndarray
    sieve: Sieve
    within: bool

    def stripe(self, start: int, stop: int) -> np.ndarray:
        """Which rows (bool, n) have another that may be near, of the pairs whose shorter text is in this stripe."""
        import torch

        torch.set_num_threads(thread_count())
        rows, reference = torch.from_numpy(self.vectors), torch.from_numpy(self.reference)
        sizes = self.sizes[start:stop]
        least = torch.from_numpy(self.sieve.least(sizes))[:, None]
        end = np.searchsorted(self.sizes, self.sieve.reach(sizes), side="right")
        ends, places = torch.from_numpy(end)[:, None], torch.arange(len(rows))
        found = torch.zeros(len(rows), dtype=torch.bool)
        for left in range(start, int(end[-1]), COLUMNS):
            right = min(left + COLUMNS, int(end[-1]))
            near = rows[start:stop] @ rows[left:right].T >= least
            if right > end[0]:
                near &= places[left:right] < ends
            if left < stop:  # no row is its own neighbour, no pair counts twice
                near &= places[left:right] > places[start:stop, None]
            near &= ~(reference[start:stop, None] & reference[left:right])
            if not self.within:
                near &= reference[start:stop, None] | reference[left:right]
            found[start:stop] |= near.any(dim=1)
            found[left:right] |= near.any(dim=0)
        return found.numpy()


def by_size(sizes: np.ndarray) -> np.ndarray:
    """The order of a `Sifting`."""
    return np.argsort(np.asarray(sizes, dtype=np.float64), kind="stable")


def passing(vectors: np.ndarray, sizes: np.ndarray, sieve: Sieve, given: int = 0, within: bool = True) -> np.ndarray:
    """Which rows have another that the sieve lets be near, of those that they are compared with (bool, n).

    Args:
        vectors: float32, n x d, unit rows, or rows of zeros, which are near nothing.
        sizes: Characters of each text.
        sieve: Least cosine and lengths.
        given: The first so many are of the reference and not compared with each other.
        within: Whether the others are compared with each other.
    """
    order = by_size(sizes)
    rows = np.ascontiguousarray(vectors[order], dtype=np.float32)
    sifting = Sifting(rows, np.asarray(sizes, dtype=np.float64)[order], order < given, sieve, within)
    found = np.zeros(len(rows), dtype=bool)
    for start, stop in stripes(len(rows)):
        found |= sifting.stripe(start, stop)
    result = np.empty(len(rows), dtype=bool)
    result[order] = found
    return result
