"""Log-probabilities of token sequences under a model, and the separation of two groups of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

BATCH = 128


def sequence_log_probabilities(model: PreTrainedModel, sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """Log-probability (nats) of each sequence's tokens but the first, given the ones before them: one sum a sequence.

    Sequences hold two tokens or more.
    """
    import torch

    sums = []
    with torch.inference_mode():
        for first in range(0, len(sequences), BATCH):
            ids, lengths = _padded(model, sequences[first : first + BATCH])
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
            found = -torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
            inside = torch.arange(found.shape[1], device=ids.device)[None] < lengths[:, None] - 1
            sums.append((found.double() * inside).sum(dim=1).cpu().numpy())
    return np.concatenate(sums)


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Probability that a positive's number is above a negative's, ties counted half; both hold one or more."""
    above, below = np.asarray(positives, dtype=np.float64)[:, None], np.asarray(negatives, dtype=np.float64)[None]
    return float(((above > below) + 0.5 * (above == below)).mean())


def _padded(model: PreTrainedModel, sequences: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids padded on the right, where no earlier token sees the padding, and lengths."""
    import torch

    longest = max(map(len, sequences))
    ids = torch.tensor([[*sequence, *[0] * (longest - len(sequence))] for sequence in sequences])
    return ids.to(model.device), torch.tensor(list(map(len, sequences)), device=model.device)
