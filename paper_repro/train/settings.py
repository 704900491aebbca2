"""Settings of the train stage: every one is saved resolved, derived ones go to the summary."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from artifacts.settings import Settings
from paper_repro.models import ModelSource
from paper_repro.sequences import MAX_LENGTH, Masking, Method

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
NonNegative = Annotated[float, Field(ge=0)]


class LoraSettings(Settings):
    """The adapter. The defaults suit small models on a CPU; the paper has r 64, alpha 16, dropout 0.1.

    Attributes:
        r: Rank.
        alpha: Scale; the update is multiplied by `alpha / r`.
        dropout: Share of the adapter's inputs dropped in training.
        targets: `all-linear` (every linear layer but the output head, as in the paper), or names of layers.
    """

    r: Positive = 16
    alpha: Positive = 16
    dropout: Share = 0.05
    targets: str | tuple[str, ...] = "all-linear"


class TrainSettings(Settings):
    """How a base model is tuned.

    Attributes:
        base: The base weights.
        method: `rt`: responses only; `it`: instruction-response pairs.
        response_set: Name of the response set in results, for own data; a mixed set brings its own.
        preset: `lora` (16-bit or 32-bit base), `qlora` (4-bit base, needs a GPU), `full` (all weights).
        lora: The adapter (unused by `full`).
        masking: Which tokens are trained (see `paper_repro.sequences`).
        max_length: Longer sequences are cut on the right, in tokens.
        epochs: Passes over the data.
        global_batch: Sequences per optimiser step.
        per_device_batch: Sequences per forward pass; accumulation is derived. On a CPU 1 is fastest: no padding.
        sort_within_batch: Put the sequences of one optimiser step in order of length before they are cut into
            forward passes: less padding, the same step (under `token_mean`).
        loss_normalisation: Over a step's forward passes: `microbatch_mean` (mean of their means: what the paper's
            software did) or `token_mean` (mean over all trained tokens).
        learning_rate: Constant over the run, or of the schedule's peak.
        schedule: Learning-rate schedule.
        warmup_steps: Steps of linear warm-up, under `constant_with_warmup`, `linear` and `cosine`.
        weight_decay: Of AdamW.
        max_grad_norm: Gradients are scaled down to this norm.
        seed: Of adapter, dropout and data order.
        dtype: Of the computation: `float32`, or `bfloat16` (weights that are tuned stay in 32 bits).
        merged_dtype: Of the merged weights. A short run's update can be smaller than the steps of `bfloat16` and
            vanish in it; the stage measures that and refuses.
        recompute_above: Forward passes of more tokens than this (padding included) keep no activations and compute
            them again: less memory, a third more time; the numbers stay the same. None: never.
        checkpoint_every: Optimiser steps between checkpoints, which a stopped run resumes from.
    """

    base: ModelSource = ModelSource(name="smollm2-135m-instruct", weights="pypi")
    method: Method = "rt"
    response_set: str | None = None
    preset: Literal["lora", "qlora", "full"] = "lora"
    lora: LoraSettings = LoraSettings()
    masking: Masking = "by_construction"
    max_length: Annotated[int, Field(ge=2)] = MAX_LENGTH
    epochs: Positive = 1
    global_batch: Positive = 8
    per_device_batch: Positive = 1
    sort_within_batch: bool = True
    loss_normalisation: Literal["microbatch_mean", "token_mean"] = "token_mean"
    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    schedule: Literal["constant", "constant_with_warmup", "linear", "cosine"] = "constant"
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    weight_decay: NonNegative = 0.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 0.3
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    merged_dtype: Literal["float32", "bfloat16"] = "float32"
    recompute_above: Annotated[int, Field(ge=0)] | None = 768
    checkpoint_every: Positive = 20

    @model_validator(mode="after")
    def _batches_fit(self) -> TrainSettings:
        if self.global_batch % self.per_device_batch:
            raise ValueError(
                f"global_batch ({self.global_batch}) must be a multiple of per_device_batch ({self.per_device_batch})"
            )
        if self.warmup_steps and self.schedule == "constant":
            raise ValueError("warmup_steps is without effect under schedule: constant; use constant_with_warmup")
        if self.preset == "qlora" and self.dtype != "bfloat16":
            raise ValueError("preset: qlora computes in bfloat16; set dtype: bfloat16")
        return self

    @property
    def accumulation(self) -> int:
        """Forward passes per optimiser step."""
        return self.global_batch // self.per_device_batch
