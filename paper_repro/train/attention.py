"""The code that computes attention: the best that machine and architecture have, or what the settings name."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from artifacts.errors import UserError
from paper_repro.train.settings import TrainSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FLASH = "flash_attention_2"


def flash_lacks(settings: TrainSettings) -> list[str]:
    """What FlashAttention 2 needs and is not there; empty where it can be used."""
    import torch

    lacks = [] if torch.cuda.is_available() else ["a CUDA device"]
    lacks += [] if importlib.util.find_spec("flash_attn") else ["the package flash-attn"]
    return lacks + ([] if settings.dtype == "bfloat16" else ["dtype: bfloat16"])


def check_attention(settings: TrainSettings) -> None:
    """Refuse what cannot run here before anything is loaded; raises UserError naming what is missing."""
    if settings.attention == FLASH and (lacks := flash_lacks(settings)):
        raise UserError(
            f"attention: {FLASH} needs {' and '.join(lacks)}",
            fix="use attention: auto, which takes the best there is",
        )


def choose_attention(model: PreTrainedModel, settings: TrainSettings) -> None:
    """Set the model's attention as the settings say, in place.

    `auto` is FlashAttention 2 where device, package and architecture have it, else SDPA, else (Gemma-2, which bounds
    its scores, as SDPA cannot) the eager code. Each keeps packed sequences apart by their positions.

    Raises:
        UserError: the architecture has no such attention.
    """
    wanted = settings.attention
    if wanted == "auto":
        wanted = FLASH if model._supports_flash_attn and not flash_lacks(settings) else None
        wanted = wanted or ("sdpa" if model._supports_sdpa else "eager")
    try:
        model.set_attn_implementation(wanted)
    except (ValueError, ImportError):
        used = None
    else:
        used = attention_of(model)  # some architectures only warn, and keep what they had
    if used != wanted:
        raise UserError(
            f"attention: {wanted}, but {type(model).__name__} has none of that kind", fix="use attention: auto"
        )


def attention_of(model: PreTrainedModel) -> str:
    """The attention that a model computes with, as transformers calls it."""
    return model.config._attn_implementation
