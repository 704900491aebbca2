"""Orders in which refusals are taken: pure functions of vectors. The first k of an order do not depend on k.

Sums run over one row at a time in double precision, so an order does not hang on threads.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np


def facility_location(vectors: np.ndarray, count: int) -> list[int]:
    """The first `count` rows of a greedy facility location order.

    Each next row is the one that raises most the sum, over all rows, of the cosine with the nearest row taken (below 0
    counts as 0): rows that stand for many come first, where farthest points begin at the rim. Ties go to the earlier
    row. Gains only ever fall, so a row is looked at again only when it comes first with an old gain; the result is that
    of looking at all of them.

    Args:
        vectors: float32, n x d, unit rows.
        count: At most n.
    """
    rows = vectors.astype(np.float64)
    covered = np.zeros(len(rows))

    def gain(index: int) -> float:
        return float(np.maximum(_cosines(rows, rows[index]) - covered, 0).sum())

    heap = [(-gain(index), index, 0) for index in range(len(rows))] if count else []
    heapq.heapify(heap)
    chosen: list[int] = []
    while len(chosen) < count:
        _, index, measured = heapq.heappop(heap)
        if measured < len(chosen):
            heapq.heappush(heap, (-gain(index), index, len(chosen)))
            continue
        chosen.append(index)
        covered = np.maximum(covered, _cosines(rows, rows[index]))
    return chosen


def nearest_with_quotas(
    vectors: np.ndarray, topics: Sequence[np.ndarray], quotas: Sequence[int], count: int
) -> list[tuple[int, int, float]]:
    """The first `count` rows, each the nearest one left to the topic whose turn it is.

    A turn goes to the topic that is farthest behind its quota (ties: the earlier one), so after any number of turns
    each topic has its share, up to one row; after as many turns as the quotas add up to, each has exactly its quota.

    Args:
        vectors: float32, n x d, unit rows.
        topics: Per topic its texts' vectors (m x d, unit rows); nearness is that to the nearest text.
        quotas: Per topic how many of every so many, at least 1.
        count: At most n.

    Returns:
        `(row, topic, cosine)` in order.
    """
    rows = vectors.astype(np.float64)
    near = [np.max([_cosines(rows, text.astype(np.float64)) for text in texts], axis=0) for texts in topics]
    queues = [sorted(range(len(rows)), key=lambda index, to=to: (-to[index], index)) for to in near]
    at, taken = [0] * len(topics), [0] * len(topics)
    chosen: dict[int, tuple[int, float]] = {}
    total = sum(quotas)
    while len(chosen) < count:
        behind = [quota * (len(chosen) + 1) - total * had for quota, had in zip(quotas, taken, strict=True)]
        topic = behind.index(max(behind))
        while queues[topic][at[topic]] in chosen:
            at[topic] += 1
        row = queues[topic][at[topic]]
        chosen[row] = (topic, round(float(near[topic][row]), 6))
        taken[topic] += 1
    return [(row, topic, score) for row, (topic, score) in chosen.items()]


def _cosines(rows: np.ndarray, of: np.ndarray) -> np.ndarray:
    return (rows * of).sum(axis=1)
