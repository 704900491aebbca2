"""The training loop: rows in, a trained model and its loss curve out; goes on from a checkpoint, to the same bits."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.errors import StageError
from paper_repro.testbed.pretrain.checkpoint import read_checkpoint, write_checkpoint
from paper_repro.testbed.pretrain.model import use_float32_attention
from paper_repro.testbed.pretrain.optimisers import Optimisers
from paper_repro.testbed.pretrain.rows import Rows
from paper_repro.testbed.pretrain.settings import PretrainSettings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

CURVE_EVERY = 50  # steps between points of the loss curve
REPORT_EVERY = 10.0  # seconds between lines of progress
log = logging.getLogger("rt")


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        step: Optimiser steps done.
        curve: Points of the loss curve: `step`, `tokens` trained on, and the mean `loss` (nats a token) since the last.
        resumed_after: Step of the checkpoint that this process went on from.
        seconds: Seconds spent in steps, earlier processes included.
    """

    step: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    resumed_after: int = 0
    seconds: float = 0.0


def train_rows(
    model: PreTrainedModel,
    rows: Rows,
    settings: PretrainSettings,
    scratch: Path,
    after_step: Callable[[int], None] | None = None,
) -> Progress:
    """Train `model` in place on all rows, from the checkpoint in `scratch` if there is one.

    Args:
        model: On the device it is trained on, with its first weights.
        rows: What to train on.
        settings: How.
        scratch: Folder of the checkpoint.
        after_step: Called with the number of steps done after each; it may raise to stop the run.

    Raises:
        StageError: the loss is not a number.
    """
    import torch

    optimisers = Optimisers(model, settings)
    loss_sum = torch.zeros((), dtype=torch.float64, device=model.device)
    progress = _resume(model, optimisers, loss_sum, scratch)
    use_float32_attention(model)
    clock = _Clock(progress, rows)
    loss_of = torch.compile(row_loss, dynamic=False) if settings.compile else row_loss
    while progress.step < rows.steps:
        loss = loss_of(model, rows.step(progress.step).to(model.device), settings.dtype)
        loss.backward()
        optimisers.step(progress.step, rows.steps)
        loss_sum += loss.detach()
        progress.step += 1
        if progress.step % CURVE_EVERY == 0 or progress.step == rows.steps:
            _add_point(progress, rows, loss_sum)
        clock.tick()
        if progress.step % settings.checkpoint_every == 0:
            _save(model, optimisers, loss_sum, progress, scratch)
        if after_step is not None:
            after_step(progress.step)
    return progress


def row_loss(model: PreTrainedModel, rows: torch.Tensor, dtype: str) -> torch.Tensor:
    """Mean loss (nats a token) of predicting each row's tokens but the first; matrix products in `dtype`."""
    import torch

    with torch.autocast(rows.device.type, dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
        logits = model(input_ids=rows[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), rows[:, 1:].flatten())


def held_out_loss(model: PreTrainedModel, rows: Rows, batch: int = 64) -> float:
    """Mean loss (nats a token) on the held-out rows, in the model's own precision."""
    import torch

    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(rows.held_out), batch):
            positions = rows.held_out[start : start + batch]
            found = row_loss(model, rows.take(positions).to(model.device), "float32")
            total += found.double().item() * len(positions)
    return total / len(rows.held_out)


@contextlib.contextmanager
def deterministic(device: str) -> Iterator[None]:
    """Only operations that give the same bits each time; on a CPU all that are used here do."""
    import torch

    before = torch.are_deterministic_algorithms_enabled()
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs for it
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def _resume(model: PreTrainedModel, optimisers: Optimisers, loss_sum: torch.Tensor, scratch: Path) -> Progress:
    import torch

    found = read_checkpoint(scratch, "cpu")
    if found is None:
        return Progress()
    tensors, state = found
    loss_sum.copy_(tensors.pop("loss_sum"))
    with torch.no_grad():
        for name, parameter in optimisers.parameters.items():
            parameter.copy_(tensors.pop(name))
    optimisers.load_state({name: tensor.to(model.device) for name, tensor in tensors.items()})
    return Progress(state["step"], state["curve"], state["step"], state["seconds"])


def _save(
    model: PreTrainedModel, optimisers: Optimisers, loss_sum: torch.Tensor, progress: Progress, scratch: Path
) -> None:
    tensors = {**optimisers.parameters, **optimisers.state(), "loss_sum": loss_sum}
    state: dict[str, Any] = {"step": progress.step, "curve": progress.curve, "seconds": progress.seconds}
    write_checkpoint(scratch, tensors, state)


def _add_point(progress: Progress, rows: Rows, loss_sum: torch.Tensor) -> None:
    last = progress.curve[-1]["step"] if progress.curve else 0
    loss = loss_sum.item() / (progress.step - last)
    if not math.isfinite(loss):
        raise StageError(f"the loss is not a number by step {progress.step}", fix="lower the learning rates")
    loss_sum.zero_()
    tokens = progress.step * rows.batch * rows.context
    progress.curve.append({"step": progress.step, "tokens": tokens, "loss": round(loss, 5)})


class _Clock:
    """Counts seconds and writes a line of progress every few of them."""

    def __init__(self, progress: Progress, rows: Rows):
        self.progress, self.rows, self.first = progress, rows, progress.step
        self.begun = self.last = self.reported = time.monotonic()
        note = f", resumed after step {self.first}" if self.first else ""
        log.info("pretrain: %d steps of %d tokens%s", rows.steps, rows.batch * rows.context, note)

    def tick(self) -> None:
        """Count a step."""
        now = time.monotonic()
        self.progress.seconds += now - self.last
        self.last = now
        done, steps = self.progress.step, self.rows.steps
        if now - self.reported < REPORT_EVERY and done != steps:
            return
        self.reported = now
        pace = (now - self.begun) / (done - self.first)
        speed = self.rows.batch * self.rows.context / pace
        loss = self.progress.curve[-1]["loss"] if self.progress.curve else math.nan
        left = pace * (steps - done)
        log.info("pretrain: step %d/%d, loss %.3f, %.0f tokens/s, %.0f s left", done, steps, loss, speed, left)
