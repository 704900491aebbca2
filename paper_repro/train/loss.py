"""The loss: next-token cross-entropy over the trained tokens, summed; how it is divided is a setting."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from paper_repro.sequences import IGNORED
from paper_repro.train.cross_entropy import chunked_cross_entropy

if TYPE_CHECKING:
    import torch

LOGITS_AT_ONCE = 2**26  # more than so many are never there at a time: 256 MB in 32 bits
ROOM = ("attention_mask", "position_ids")  # what keeps sequences apart: one of the two
_plain_heads: WeakKeyDictionary = WeakKeyDictionary()  # head to whether the model's logits are its output as it is


def summed_loss(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
    """Sum of the cross-entropy over a forward pass's trained tokens, and their number; inputs as of `weighted_loss`."""
    loss, _, tokens = weighted_loss(model, inputs)
    return loss, tokens


def weighted_loss(
    model: torch.nn.Module, inputs: dict[str, torch.Tensor], logits_at_once: int = LOGITS_AT_ONCE
) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Cross-entropy of a forward pass: the weighted sum, the plain sum (without gradient), and the trained tokens.

    The output head is applied only where the next token is trained: prompts and padding cost no logits. Where even
    those are many (a long pass, a large vocabulary), head and loss are computed together, a part at a time.

    Args:
        model: A causal language model with an output embedding.
        inputs: `input_ids` and `labels`, each (batch, length), and what keeps sequences apart: `attention_mask` for
            padded rows, or `position_ids` that begin anew with each sequence of a row. `weights`, as large, weigh the
            loss of predicting the token at that place; without them all weigh 1.
        logits_at_once: Most logits held at a time.
    """
    import torch

    following = _shifted(inputs["labels"], IGNORED)
    trained = following != IGNORED
    targets = following[trained]
    weights = _shifted(inputs["weights"], 0.0)[trained] if "weights" in inputs else None
    head = getattr(model, "module", model).get_output_embeddings()  # `module`: the model inside a parallel wrapper
    if _can_split(head) and targets.numel() * head.weight.shape[0] > logits_at_once:
        split = _split_loss(model, head, inputs, trained, targets, weights, logits_at_once)
        if split is not None:
            return *split, targets.numel()
    logits = _logits(model, head, inputs, lambda hidden: hidden[trained])
    losses = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    total = losses.sum()
    return total if weights is None else (losses * weights).sum(), total.detach(), targets.numel()


def _shifted(values: torch.Tensor, filler: float) -> torch.Tensor:
    """The values of the next position."""
    import torch

    return torch.nn.functional.pad(values[:, 1:], (0, 1), value=filler)


def _logits(model, head, inputs, chosen) -> torch.Tensor:
    """The model's logits where its head sees only what `chosen` makes of the hidden states."""
    hook = head.register_forward_pre_hook(lambda _, arguments: (chosen(arguments[0]),))
    try:
        room = {name: inputs[name] for name in ROOM if name in inputs}
        return model(input_ids=inputs["input_ids"], use_cache=False, **room).logits
    finally:
        hook.remove()


def _can_split(head: torch.nn.Module) -> bool:
    """Whether the head is a plain matrix that is here whole: no adapter, no 4-bit weights, no share of it."""
    import torch

    return type(head) is torch.nn.Linear and type(head.weight) is torch.nn.Parameter and head.weight.dim() == 2


def _split_loss(model, head, inputs, trained, targets, weights, logits_at_once):
    """Both sums without all logits at a time; None if the model does more with its head's output than give it back.

    Some models scale or bound their logits. So the model's own forward pass is made with the head on one position, and
    its logits there are compared with the bare head's, once a model.
    """
    import torch

    if _plain_heads.get(head) is False:
        return None
    seen = []

    def one_position(hidden: torch.Tensor) -> torch.Tensor:
        kind = hidden.device.type
        compute = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
        seen.append(hidden[trained].to(compute))
        return hidden.flatten(0, -2)[:1]

    logits = _logits(model, head, inputs, lambda hidden: seen.append(hidden) or one_position(hidden))
    first, hidden = seen[0].flatten(0, -2)[:1], seen[1]
    if head not in _plain_heads:
        with torch.no_grad():
            bare = head(first.to(head.weight.dtype)).float()
        _plain_heads[head] = bool(torch.allclose(bare, logits.float().view_as(bare), rtol=0.02, atol=0.02))
        if not _plain_heads[head]:
            return None
    rows = max(1, logits_at_once // head.weight.shape[0])
    return chunked_cross_entropy(hidden, head.weight, head.bias, targets, weights, rows)


def set_recomputing(model: torch.nn.Module, on: bool) -> None:
    """Switch the recomputation of activations, enabled for the whole model before, for the next forward pass."""
    for module in model.modules():
        if hasattr(module, "gradient_checkpointing"):
            module.gradient_checkpointing = on
