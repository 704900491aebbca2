"""Packing: the sequences of one optimiser step laid end to end, without padding and without seeing each other.

Nothing about the step changes: its sequences, its weights and so its gradient are those of the padded batches. Each
sequence has its own positions from 0; transformers makes of them an attention that does not cross sequences (a
block-diagonal mask for `sdpa`, variable lengths for FlashAttention), for every architecture that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paper_repro.sequences import IGNORED

if TYPE_CHECKING:
    import torch

Row = dict[str, Any]  # input_ids, labels


def pack(lengths: Sequence[int], limit: int) -> list[list[int]]:
    """Indices in groups of at most `limit` tokens: as few as first-fit finds, of like size where that needs no more.

    A full group and a small one cost more than two halves: attention costs by the square of a group. A sequence longer
    than the limit is a group of its own.
    """
    fewest = _first_fit(lengths, limit)
    even = -(-sum(lengths) // len(fewest))
    for room in (even + even // 50, even + even // 10):
        groups = _first_fit(lengths, min(room, limit))
        if len(groups) == len(fewest):
            return groups
    return fewest


def _first_fit(lengths: Sequence[int], limit: int) -> list[list[int]]:
    """Each index into the first group that has room, in the given order; given longest first, few are half empty."""
    groups: list[list[int]] = []
    rooms: list[int] = []
    for index, length in enumerate(lengths):
        found = next((number for number, room in enumerate(rooms) if room >= length), None)
        if found is None:
            groups.append([index])
            rooms.append(limit - length)
        else:
            groups[found].append(index)
            rooms[found] -= length
    return groups


def token_weights(rows: Sequence[Row], per_device_batch: int | None) -> tuple[list[float], int]:
    """What each sequence's tokens weigh, and what the sum of weighted losses is to be divided by.

    With `per_device_batch` None that is the mean over all trained tokens. Else it is the mean, over groups of that many
    sequences, of each group's mean over its tokens (`loss_normalisation: microbatch_mean`); groups without a trained
    token do not count.
    """
    counts = [sum(label != IGNORED for label in row["labels"][1:]) for row in rows]
    if per_device_batch is None:
        return [1.0] * len(rows), sum(counts)
    groups = [counts[start : start + per_device_batch] for start in range(0, len(rows), per_device_batch)]
    weights = [1 / sum(group) if sum(group) else 0.0 for group in groups for _ in group]
    return weights, sum(sum(group) > 0 for group in groups)


def laid(rows: Sequence[Row], weights: Sequence[float]) -> dict[str, torch.Tensor]:
    """One forward pass, each tensor (1, tokens): `input_ids`, `labels`, `position_ids`, `weights`."""
    import torch

    def joined(parts: list[list], dtype: torch.dtype) -> torch.Tensor:
        return torch.tensor([[value for part in parts for value in part]], dtype=dtype)

    lengths = [len(row["input_ids"]) for row in rows]
    return {
        "input_ids": joined([row["input_ids"] for row in rows], torch.long),
        # nothing predicts a first token: before it stands the end of another sequence
        "labels": joined([[IGNORED, *row["labels"][1:]] for row in rows], torch.long),
        "position_ids": joined([list(range(length)) for length in lengths], torch.long),
        "weights": joined([[w] * n for w, n in zip(weights, lengths, strict=True)], torch.float32),
    }


@dataclass(frozen=True)
class StepCollator:
    """All forward passes of one optimiser step, from its sequences.

    Attributes:
        tokens: Most tokens of a pass.
        per_device_batch: See `token_weights`.
    """

    tokens: int
    per_device_batch: int | None

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        """`passes`, and `share`: what the sum over them is to be divided by."""
        weights, share = token_weights(rows, self.per_device_batch)
        groups = pack([len(row["input_ids"]) for row in rows], self.tokens)
        passes = [laid([rows[index] for index in group], [weights[index] for index in group]) for group in groups]
        return {"passes": passes, "share": share}
