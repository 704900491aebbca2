"""Attention of packed sequences, one after the other: on a CPU the masked square over a whole pass is most of the cost.

FlashAttention does the same on a GPU with variable lengths. What is computed is that of the block-diagonal mask, up to
the order of sums; nothing of the model changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ATTENTION = "rt_apart"
_LENGTHS: ContextVar[list[int]] = ContextVar("lengths of the packed sequences")


def can_be_apart(model: torch.nn.Module) -> bool:
    """Whether the model computes attention by `sdpa`, on a CPU; models that bound their scores never use `sdpa`."""
    return model.config.get_text_config()._attn_implementation == "sdpa" and model.device.type == "cpu"


@contextmanager
def apart(model: torch.nn.Module, positions: torch.Tensor) -> Iterator[None]:
    """Forward and backward pass of one pack; the backward pass belongs inside, as it may recompute the forward one.

    Args:
        model: One for which `can_be_apart`.
        positions: Position ids (1, tokens), from 0 for each sequence.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(ATTENTION, _one_by_one)
    config = model.config.get_text_config()
    starts = (positions[0] == 0).nonzero()[:, 0].tolist()
    lengths = [end - start for start, end in zip(starts, [*starts[1:], positions.shape[1]], strict=True)]
    token = _LENGTHS.set(lengths)
    config._attn_implementation = ATTENTION
    try:
        yield
    finally:
        config._attn_implementation = "sdpa"
        _LENGTHS.reset(token)


def _one_by_one(
    module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: None, **options: Any
) -> tuple[torch.Tensor, None]:
    """Attention with queries, keys and values (1, heads, tokens, width); gives (1, tokens, heads, width)."""
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    window = options.get("sliding_window")
    lengths = _LENGTHS.get()
    parts = zip(*(states.split(lengths, dim=2) for states in (query, key, value)), strict=True)
    mixed = [
        sdpa_attention_forward(module, *part, _band(part[0], window), **options | {"is_causal": True})[0]
        for part in parts
    ]
    return torch.cat(mixed, dim=1), None


def _band(query: torch.Tensor, window: int | None) -> torch.Tensor | None:
    """What a sequence longer than the window sees: its last `window` tokens; None where that is all before it."""
    import torch

    length = query.shape[2]
    if window is None or length <= window:
        return None
    back = torch.arange(length)[:, None] - torch.arange(length)
    return ((back >= 0) & (back < window))[None, None]
