"""The order of training: one shuffle an epoch from the seed alone, the same when a run is resumed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence


def epoch_order(lengths: Sequence[int], seed: int, epoch: int, global_batch: int, sort_within_batch: bool) -> list[int]:
    """Indices of one epoch in the order they are trained.

    Args:
        lengths: Tokens of each sequence.
        seed: The run's seed.
        epoch: From 0; every epoch is shuffled anew.
        global_batch: Sequences per optimiser step.
        sort_within_batch: Longest first within each optimiser step. The step's content does not change, so neither
            does the gradient of a mean over its tokens; forward passes of like lengths need less padding.
    """
    order = list(range(len(lengths)))
    random.Random(f"order {seed} {epoch}").shuffle(order)  # noqa: S311 (not for secrets)
    if not sort_within_batch:
        return order
    steps = [order[start : start + global_batch] for start in range(0, len(order), global_batch)]
    return [index for step in steps for index in sorted(step, key=lambda index: (-lengths[index], index))]


class EpochSampler:
    """A sampler that asks for the epoch when it is read, so that a resumed run sees the order it was stopped in.

    Args:
        size: Number of sequences.
        order: Gives the order of the current epoch.
    """

    def __init__(self, size: int, order: Callable[[], list[int]]):
        self.size = size
        self.order = order

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[int]:
        return iter(self.order())
