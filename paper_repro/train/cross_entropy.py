"""Output head and cross-entropy in one, a part of the rows at a time: the logits of a whole pass are never there."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def chunked_cross_entropy(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    weights: torch.Tensor | None,
    rows: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted and plain sum of the cross-entropy of `hidden @ weight.T + bias` against `targets`.

    The gradients are made with the loss, while a part's logits are there, so nothing is computed twice. Only the
    weighted sum has a gradient.

    Args:
        hidden: (positions, width), in the precision of the computation.
        weight: The head, (vocabulary, width).
        bias: (vocabulary), or None.
        targets: (positions), token ids.
        weights: (positions), or None for 1 everywhere.
        rows: Positions at a time; `rows` x vocabulary logits in 32 bits are held.
    """
    if weights is None:
        weights = hidden.new_ones(len(hidden)).float()
    return _function().apply(hidden, weight, bias, targets, weights, rows)


@cache
def _function() -> type:
    import torch

    class ChunkedCrossEntropy(torch.autograd.Function):
        """See `chunked_cross_entropy`."""

        @staticmethod
        def forward(ctx, hidden, weight, bias, targets, weights, rows):
            used = weight.to(hidden.dtype)
            for_hidden = torch.empty_like(hidden)
            for_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
            for_bias = torch.zeros_like(bias) if bias is not None and ctx.needs_input_grad[2] else None
            weighted = total = torch.zeros((), device=hidden.device)
            for start in range(0, len(hidden), rows):
                part = slice(start, start + rows)
                losses, slopes = _losses_and_slopes(hidden[part], used, bias, targets[part])
                weighted, total = weighted + (losses * weights[part]).sum(), total + losses.sum()
                slopes = slopes.mul_(weights[part, None])
                if for_bias is not None:
                    for_bias += slopes.sum(0).to(for_bias.dtype)
                slopes = slopes.to(hidden.dtype)
                for_hidden[part] = slopes @ used
                if for_weight is not None:
                    for_weight += (slopes.T @ hidden[part]).to(for_weight.dtype)
            ctx.save_for_backward(for_hidden, for_weight, for_bias)
            ctx.mark_non_differentiable(total)
            return weighted, total

        @staticmethod
        def backward(ctx, slope, _):
            gradients = [None if saved is None else saved * slope.to(saved.dtype) for saved in ctx.saved_tensors]
            return *gradients, None, None, None

    return ChunkedCrossEntropy


def _losses_and_slopes(hidden, weight, bias, targets) -> tuple[torch.Tensor, torch.Tensor]:
    """Each position's loss, and its derivative by the logits, which takes their memory."""
    import torch

    logits = torch.nn.functional.linear(hidden, weight).float()
    if bias is not None:
        logits += bias
    norm = logits.logsumexp(1, keepdim=True)
    losses = (norm - logits.gather(1, targets[:, None]))[:, 0]
    slopes = logits.sub_(norm).exp_()
    slopes[torch.arange(len(targets), device=targets.device), targets] -= 1
    return losses, slopes
