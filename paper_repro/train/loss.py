"""The loss: next-token cross-entropy over the trained tokens, summed; how it is divided is a setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_repro.sequences import IGNORED

if TYPE_CHECKING:
    import torch


def summed_loss(model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
    """Sum of the cross-entropy over a forward pass's trained tokens, and their number.

    The output head is applied only where the next token is trained: prompts and padding cost no logits.

    Args:
        model: A causal language model with an output embedding.
        inputs: `input_ids`, `attention_mask`, `labels`, each (batch, length).
    """
    import torch

    following = torch.nn.functional.pad(inputs["labels"][:, 1:], (0, 1), value=IGNORED)
    trained = following != IGNORED
    head = getattr(model, "module", model).get_output_embeddings()  # `module`: the model inside a parallel wrapper
    hook = head.register_forward_pre_hook(lambda _, arguments: (arguments[0][trained],))
    try:
        outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False)
    finally:
        hook.remove()
    targets = following[trained]
    return torch.nn.functional.cross_entropy(outputs.logits.float(), targets, reduction="sum"), targets.numel()


def set_recomputing(model: torch.nn.Module, on: bool) -> None:
    """Switch the recomputation of activations, enabled for the whole model before, for the next forward pass."""
    for module in model.modules():
        if hasattr(module, "gradient_checkpointing"):
            module.gradient_checkpointing = on
