"""One optimiser step on packed sequences, and what else a small model's step need not wait for."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from paper_repro.sequences import IGNORED
from paper_repro.train.apart import apart, can_be_apart
from paper_repro.train.loss import set_recomputing, weighted_loss
from paper_repro.train.packing import laid
from paper_repro.train.processes import process_count, shared_out, summed

if TYPE_CHECKING:
    import torch


def packed_step(trainer: Any, model: torch.nn.Module, inputs: dict[str, Any]) -> torch.Tensor:
    """Forward and backward of every pass of a step; the loss as it is normalised.

    Args:
        trainer: `accelerator`, `settings`, `unwrapped`, and the sums `loss_sum` and `loss_tokens` of the step.
        model: In its parallel wrapper, if it has one.
        inputs: From `StepCollator`.
    """
    passes = _as_many_everywhere(inputs["passes"])
    # gradients are averaged over processes
    scale = process_count() / summed([inputs["share"]])[0]
    limit, step_loss = trainer.settings.recompute_above, 0.0
    bare = _bare(trainer, model)
    split = can_be_apart(bare) and not trainer.settings.compile  # which would compile each pass anew
    for number, one in enumerate(passes, start=1):
        if limit is not None:
            set_recomputing(model, one["input_ids"].numel() > limit)
        with (
            nullcontext() if number == len(passes) else trainer.accelerator.no_sync(model),
            apart(bare, one["position_ids"]) if split else nullcontext(),
        ):
            with trainer.compute_loss_context_manager():
                loss, total, tokens = weighted_loss(model, trainer._prepare_inputs(one))
            loss = loss * scale
            trainer.accelerator.backward(loss)
        step_loss = step_loss + loss.detach()
        trainer.loss_sum = trainer.loss_sum + total.double()  # stays on the device until the step is logged
        trainer.loss_tokens += tokens
    return step_loss


def _bare(trainer: Any, model: torch.nn.Module) -> torch.nn.Module:
    """The model without its parallel wrapper, found once: looking for one walks all modules."""
    if trainer.unwrapped is None or trainer.unwrapped[0] is not model:
        trainer.unwrapped = model, trainer.accelerator.unwrap_model(model)
    return trainer.unwrapped[1]


def _as_many_everywhere(passes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The passes, and blank ones until every process has as many: they meet in each."""
    if process_count() == 1:
        return passes
    import torch
    from torch import distributed

    most = torch.tensor(len(passes), device="cuda" if torch.cuda.is_available() else "cpu")
    distributed.all_reduce(most, op=distributed.ReduceOp.MAX)
    some = passes[0]["input_ids"][0, 0].item()
    blank = laid([{"input_ids": [some] * 2, "labels": [IGNORED] * 2}], [0.0])
    return [blank] * (int(most) - len(passes)) + passes


def spare_walks(trainer: Any) -> None:
    """Let the trainer not walk all modules of the model at every step, in place.

    With an adapter a model has hundreds of modules. Asking for training mode and forgetting gradients took a fifth of
    a small model's step; only what is trained has gradients.
    """
    model = trainer.model
    switch, modes = model.train, []

    def train(mode: bool = True) -> torch.nn.Module:
        if modes[-1:] != [mode]:
            switch(mode)
            modes[:] = [mode]
        return model

    def zero_grad(set_to_none: bool = True) -> None:
        for parameter in trainer.trained:
            parameter.grad = None

    model.train = train
    if not shared_out():  # else the weights that are trained are others: each process's part of them
        model.zero_grad = zero_grad
    if hasattr(model, "create_or_update_model_card"):
        model.create_or_update_model_card = lambda *_, **__: None  # a template that names a local folder
