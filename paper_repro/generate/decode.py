"""Greedy decoding of a batch: left padding, a cache without copies, rows that are done leave the batch in groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch
    from transformers import Cache, PreTrainedModel

FinishReason = Literal["eos", "length", "stop"]
# rows leave when so few of a batch are still going on: each leaving copies the cache, each idle row is computed in vain
CROWDED = 0.9


@dataclass(frozen=True, slots=True)
class Decoded:
    """One reply: its token ids without the end-of-sequence token, and why it ended."""

    ids: list[int]
    finish_reason: FinishReason


def decode_batch(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    eos_ids: frozenset[int],
    pad_id: int,
    stops: Callable[[list[int]], bool] = lambda ids: False,
) -> list[Decoded]:
    """Continue every prompt with the most probable token, again and again.

    Rows do not see each other, so a reply does not depend on the others of its batch up to floating point: padding is
    on the left, masked, and not counted in positions.

    Args:
        model: Causal language model in evaluation mode.
        prompts: Token ids, at least one each.
        max_new_tokens: Most tokens of a reply.
        eos_ids: Tokens that end a reply.
        pad_id: Any token; it fills the left and is masked.
        stops: Says of the ids so far whether the reply ends there.

    Returns:
        One result a prompt, in their order.
    """
    import torch

    longest = max(map(len, prompts))
    device = model.device
    ids = torch.tensor([[pad_id] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = _cache(model, longest + max_new_tokens)
    replies: list[list[int]] = [[] for _ in prompts]
    reasons: list[FinishReason] = ["length" for _ in prompts]
    rows = list(range(len(prompts)))  # the prompt that each row of the batch answers
    going_on = set(rows)
    with torch.inference_mode():
        for step in range(max_new_tokens):
            tokens = _next_tokens(model, ids, mask, positions, cache)
            for index, token in zip(rows, tokens, strict=True):
                if index in going_on and (reason := _take(token, replies[index], eos_ids, stops)):
                    reasons[index] = reason
                    going_on.remove(index)
            if not going_on or step == max_new_tokens - 1:
                break
            if len(going_on) < CROWDED * len(rows):
                kept = torch.tensor([row for row, index in enumerate(rows) if index in going_on], device=device)
                cache.batch_select_indices(kept)
                mask, positions = mask[kept], positions[kept]
                rows = [index for index in rows if index in going_on]
            ids = torch.tensor([[replies[index][-1] if index in going_on else pad_id] for index in rows], device=device)
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            positions = positions[:, -1:] + 1
    return [Decoded(reply, reason) for reply, reason in zip(replies, reasons, strict=True)]


def _take(
    token: int, reply: list[int], eos_ids: frozenset[int], stops: Callable[[list[int]], bool]
) -> FinishReason | None:
    """Add a token to a reply; why the reply ends with it, or None."""
    if token in eos_ids:
        return "eos"
    reply.append(token)
    return "stop" if stops(reply) else None


def _next_tokens(model, ids, mask, positions, cache) -> list[int]:
    """Most probable next token of every row; of equal ones the first."""
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return output.logits[:, -1].argmax(dim=-1).tolist()


def _cache(model: PreTrainedModel, capacity: int) -> Cache:
    """A cache that has room for `capacity` tokens from the start: the stock one copies itself at every token."""
    from transformers import Cache
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):
        """Keys and values in one allocation each; what is in use is a view."""

        def update(
            self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs
        ) -> tuple[torch.Tensor, torch.Tensor]:
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                batch, heads, _, width = key_states.shape
                self.room = key_states.new_empty(2, batch, heads, capacity, width)
                self.used = 0
            end = self.used + key_states.shape[2]
            self.room[0, :, :, self.used : end] = key_states
            self.room[1, :, :, self.used : end] = value_states
            self.used = end
            self.keys, self.values = self.room[0, :, :, :end], self.room[1, :, :, :end]
            return self.keys, self.values

        def batch_select_indices(self, indices: torch.Tensor) -> None:
            room = self.room.new_empty(2, len(indices), *self.room.shape[2:])
            room[:, :, :, : self.used] = self.room[:, indices, :, : self.used]
            self.room = room
            self.keys, self.values = self.room[0, :, :, : self.used], self.room[1, :, :, : self.used]

    return Cache(layers=[RoomyLayer() for _ in range(model.config.get_text_config().num_hidden_layers)])
