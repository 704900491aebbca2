"""Settings of the train stage: every one is saved resolved, derived ones go to the summary."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from artifacts.settings import Settings
from paper_repro.models import ModelSource
from paper_repro.sequences import MAX_LENGTH, LossOn, Masking, Method

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
NonNegative = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(min_length=1)]


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
    targets: Name | Annotated[tuple[Name, ...], Field(min_length=1)] = "all-linear"


# what a preset sets where the user does not; the rest, and all of `lora`, are the defaults of the classes here
PRESETS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "lora": {},
        "qlora": {  # the paper's hyper-parameters (Sec. 4 and its software's configuration)
            "quantisation": "nf4",
            "lora": {"r": 64, "alpha": 16, "dropout": 0.1, "targets": "all-linear"},
            "max_length": MAX_LENGTH,
            "epochs": 10,
            "global_batch": 64,
            "per_device_batch": 8,
            "pack_tokens": 4096,
            "sort_within_batch": False,
            "loss_normalisation": "microbatch_mean",
            "learning_rate": 1e-4,
            "schedule": "constant",
            "optimiser": "paged_adamw_32bit",
            "weight_decay": 0.0,
            "max_grad_norm": 0.3,
            "seed": 0,
            "dtype": "bfloat16",
            "merged_dtype": "bfloat16",
            "recompute_above": 0,
        },
        "full": {"learning_rate": 2e-5, "max_grad_norm": 1.0},
    }
)


class TrainSettings(Settings):
    """How a base model is tuned.

    Attributes:
        base: The base weights.
        method: `rt`: responses only; `it`: instruction-response pairs.
        response_set: Name of the response set in results, for own data; a mixed set brings its own.
        response_key: Column of the responses in a file of own data.
        instruction_key: Column of the instructions there.
        preset: What is tuned, and the defaults of every other setting: `lora` (an adapter; small models), `qlora` (an
            adapter on a 4-bit base with all of the paper's hyper-parameters; needs a GPU), `full` (all weights).
        lora: The adapter (unused by `full`).
        quantisation: Of the base while it is tuned: `nf4` (4-bit NormalFloat, double quantisation), or None.
        merge: Also save plain weights with the adapter merged into the base that is not quantised.
        loss_on: `response` (paper), or `all` tokens but the first, prompts too.
        masking: Which tokens are trained (see `paper_repro.sequences`).
        max_length: Longer sequences are cut on the right, in tokens.
        epochs: Passes over the data.
        global_batch: Sequences per optimiser step.
        per_device_batch: Sequences per forward pass; accumulation is derived. On a CPU 1 is fastest: no padding.
            `auto`: the most that fit in the GPU's memory, found by trying; 1 on a CPU.
        pack_tokens: The sequences of one optimiser step are laid end to end into forward passes of at most so many
            tokens, without padding and without seeing each other (a longer one is alone); `per_device_batch` then only
            says over what `microbatch_mean` takes its means. The step, and so the loss trajectory, is that of padded
            batches up to rounding (and other draws of dropout). `auto`: the most that fit in the GPU's memory, found by
            trying; the default on a CPU. None: padded batches.
        sort_within_batch: Put the sequences of one optimiser step in order of length before they are cut into
            forward passes: less padding, the same step (under `token_mean`).
        loss_normalisation: Over a step's forward passes: `microbatch_mean` (mean of their means: what the paper's
            software did) or `token_mean` (mean over all trained tokens).
        learning_rate: Constant over the run, or of the schedule's peak.
        schedule: Learning-rate schedule.
        warmup_steps: Steps of linear warm-up, under `constant_with_warmup`, `linear` and `cosine`.
        optimiser: `adamw`, or `paged_adamw_32bit` (bitsandbytes; its state may leave the GPU), both with betas 0.9 and
            0.999 and epsilon 1e-8.
        weight_decay: Of AdamW.
        max_grad_norm: Gradients are scaled down to this norm.
        seed: Of adapter, dropout and data order.
        dtype: Of the computation: `float32`, or `bfloat16` (weights that are tuned stay in 32 bits).
        attention: The code that computes it: `auto` (FlashAttention 2 where the package is installed, on a CUDA device
            and in `bfloat16`, else SDPA, else the eager code), or one of the three by name.
        compile: Whether torch.compile fuses the decoder layers: a minute or more at the beginning, the same numbers up
            to rounding (and other draws of dropout). Needs a C++ compiler on a CPU, triton on a GPU.
        merged_dtype: Of the merged weights. A short run's update can be smaller than the steps of `bfloat16` and
            vanish in it; the stage measures that and refuses.
        recompute_above: Forward passes of more tokens than this (padding included) keep no activations and compute
            them again: less memory, a third more time; the numbers stay the same. None: never.
        checkpoint_every: Optimiser steps between checkpoints, which a stopped run resumes from.
    """

    base: ModelSource = ModelSource(name="smollm2-135m-instruct", weights="pypi")
    method: Method = "rt"
    response_set: str | None = None
    response_key: Name = "response"
    instruction_key: Name = "instruction"
    preset: Literal["lora", "qlora", "full"] = "lora"
    lora: LoraSettings = LoraSettings()
    quantisation: Literal["nf4"] | None = None
    merge: bool = True
    loss_on: LossOn = "response"
    masking: Masking = "by_construction"
    max_length: Annotated[int, Field(ge=2)] = MAX_LENGTH
    epochs: Positive = 1
    global_batch: Positive = 8
    per_device_batch: Positive | Literal["auto"] = 1
    pack_tokens: Positive | Literal["auto"] | None = 512
    sort_within_batch: bool = True
    loss_normalisation: Literal["microbatch_mean", "token_mean"] = "token_mean"
    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    schedule: Literal["constant", "constant_with_warmup", "linear", "cosine"] = "constant"
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    optimiser: Literal["adamw", "paged_adamw_32bit"] = "adamw"
    weight_decay: NonNegative = 0.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 0.3
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = "auto"
    compile: bool = False
    merged_dtype: Literal["float32", "bfloat16"] = "float32"
    recompute_above: Annotated[int, Field(ge=0)] | None = 768
    checkpoint_every: Positive = 20

    @model_validator(mode="before")
    @classmethod
    def _preset_fills_in(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        preset = PRESETS.get(given.get("preset", "lora"), {}) if isinstance(given.get("preset", ""), str) else {}
        filled = {**preset, **given}
        if isinstance(given.get("lora"), dict):
            filled["lora"] = {**preset.get("lora", {}), **given["lora"]}
        return filled

    @model_validator(mode="after")
    def _batches_fit(self) -> TrainSettings:
        if self.per_device_batch != "auto" and self.global_batch % self.per_device_batch:
            raise ValueError(
                f"global_batch ({self.global_batch}) must be a multiple of per_device_batch ({self.per_device_batch})"
            )
        if self.per_device_batch == "auto" and self.loss_normalisation == "microbatch_mean":
            raise ValueError(
                "per_device_batch: auto would make microbatch_mean depend on the machine's memory; "
                "give a number, or use token_mean"
            )
        if self.warmup_steps and self.schedule == "constant":
            raise ValueError("warmup_steps is without effect under schedule: constant; use constant_with_warmup")
        return self

    @model_validator(mode="after")
    def _weights_fit(self) -> TrainSettings:
        if self.quantisation and self.preset == "full":
            raise ValueError("preset: full tunes all weights, which a quantised base does not allow")
        if self.quantisation and self.dtype != "bfloat16":
            raise ValueError(f"quantisation: {self.quantisation} computes in bfloat16; set dtype: bfloat16")
        if self.preset == "full" and not self.merge:
            raise ValueError("preset: full has no adapter, so merge: false would save nothing")
        return self

    @property
    def accumulation(self) -> int:
        """Forward passes per optimiser step, over all processes; `per_device_batch` is a number."""
        if self.per_device_batch == "auto":
            raise ValueError("per_device_batch: auto is not found yet")
        return self.global_batch // self.per_device_batch
