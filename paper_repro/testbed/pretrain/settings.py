"""Settings of the pretrain stage, and the shapes of the models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from artifacts.settings import Settings

SizeName = Literal["tiny", "0.5m", "2m", "5m"]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Size:
    """Shape of a model: width, layers, attention heads, and width inside the feed-forward layers."""

    hidden: int
    layers: int
    heads: int
    intermediate: int


# named after their parameters with a vocabulary of about 2,048 tokens; tiny is for tests
SIZES: dict[str, Size] = {
    "tiny": Size(32, 1, 2, 64),
    "0.5m": Size(96, 3, 3, 256),
    "2m": Size(192, 4, 3, 512),
    "5m": Size(256, 6, 4, 688),
}


class PretrainSettings(Settings):
    """How a base model is pre-trained: one pass over the corpus's rows.

    Attributes:
        size: Shape of the model, a name in `SIZES`.
        corpus: Name of the corpus in results; its content is an input.
        seed: Of the initial weights and of the order of rows.
        context: Tokens a row predicts; a row holds one more.
        batch: Rows an optimiser step.
        matrix_lr: Peak learning rate of Muon, which trains the matrices inside the blocks.
        matrix_decay: Weight decay of Muon; the share taken off a step is this times the learning rate.
        other_lr: Peak learning rate of AdamW, which trains embeddings and norms, without weight decay.
        warmup_steps: Steps in which the learning rates rise to their peaks.
        flat_share: Share of all steps before the learning rates begin to fall.
        final_rate: Share of the peak that they fall to, linearly.
        max_grad_norm: Gradients are scaled down to this norm; None: never.
        held_out_share: Last share of the rows, never trained on.
        dtype: Of the matrix products. Weights, attention and the optimisers' states are in 32 bits either way.
        compile: Whether torch.compile fuses the forward and backward pass: 1.2 to 1.3 times as fast on a CPU, where it
            needs a C++ compiler, and other bits.
        device: `auto` takes a GPU where there is one.
        checkpoint_every: Steps between checkpoints, which a stopped run resumes from.
    """

    size: SizeName = "2m"
    corpus: str = "many"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    context: Annotated[int, Field(ge=2, le=512)] = 192
    batch: Positive = 16
    matrix_lr: Rate = 0.02
    matrix_decay: Annotated[float, Field(ge=0)] = 0.01
    other_lr: Rate = 4e-3
    warmup_steps: Annotated[int, Field(ge=0)] = 40
    flat_share: Share = 0.3
    final_rate: Annotated[float, Field(gt=0, le=1)] = 0.02
    max_grad_norm: Rate | None = None
    held_out_share: Annotated[float, Field(gt=0, lt=1)] = 0.005
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    compile: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    checkpoint_every: Positive = 200
