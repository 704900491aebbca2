"""The loss: next-token cross-entropy over the trained tokens, summed; how it is divided is a setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from paper_repro.sequences import IGNORED

if TYPE_CHECKING:
    import torch


def summed_loss(model: Callable, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum of the cross-entropy over a forward pass's trained tokens, and their number.

    The output head is applied only at positions whose next token is trained in some row: an IT prompt costs no
    logits.

    Args:
        model: A causal language model that takes `logits_to_keep` (position indices).
        inputs: `input_ids`, `attention_mask`, `labels`, each (batch, length).
    """
    import torch

    labels = inputs["labels"]
    following = labels[:, 1:]
    positions = (following != IGNORED).any(dim=0).nonzero().squeeze(1)
    outputs = model(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        logits_to_keep=positions,
        use_cache=False,
    )
    targets = following[:, positions]
    loss = torch.nn.functional.cross_entropy(
        outputs.logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return loss, (targets != IGNORED).sum()
