"""The model before it is trained: the base in the precision asked for, and the adapter's configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from artifacts.errors import UserError
from paper_repro.compiling import check_compiler
from paper_repro.models import ModelSource, load_base
from paper_repro.train.attention import check_attention, choose_attention
from paper_repro.train.processes import shared_out
from paper_repro.train.settings import LoraSettings, TrainSettings

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import PreTrainedModel

BLOCK = 64  # weights that share a scale in 4 bits


def check_machine(settings: TrainSettings) -> None:
    """Refuse settings that cannot run here; raises UserError naming what is missing."""
    import importlib.util

    import torch

    check_attention(settings)
    if shared_out() and "auto" in (settings.per_device_batch, settings.pack_tokens):
        raise UserError(
            "auto tries sizes with the whole model on one device, which FSDP is there to avoid",
            fix="give pack_tokens and per_device_batch as numbers",
        )
    if settings.compile:
        if shared_out():
            raise UserError("compile: true does not go with FSDP", fix="use compile: false, or ddp.yaml")
        check_compiler("cuda" if torch.cuda.is_available() else "cpu")
    if settings.quantisation is None and settings.optimiser == "adamw":
        return
    paged = settings.optimiser != "adamw"
    missing = ["a CUDA device"] if paged and not torch.cuda.is_available() else []
    missing += [] if importlib.util.find_spec("bitsandbytes") else ["the package bitsandbytes"]
    if missing:
        raise UserError(
            f"preset: {settings.preset} (quantisation: {settings.quantisation}, optimiser: {settings.optimiser}) needs "
            + " and ".join(missing),
            fix="use preset: lora here, or keep the preset's numbers with quantisation: null and optimiser: adamw",
        )


def load_for_training(settings: TrainSettings, source: ModelSource) -> PreTrainedModel:
    """The base in the precision it is tuned in: 4 bits, 16 or 32; all weights in 32 where they are tuned themselves.

    Its attention is the one of the settings (see `choose_attention`).
    """
    model = _loaded(settings, source)
    choose_attention(model, settings)
    if settings.preset != "full":
        _check_targets(model, settings.lora)
    return model


def _check_targets(model: PreTrainedModel, lora: LoraSettings) -> None:
    """Refuse a layer that the model has not: of several, PEFT passes over it; of one alone, it says little."""
    if lora.targets == "all-linear":
        return
    names = [name for name, _ in model.named_modules()]
    if isinstance(lora.targets, str):  # PEFT's regular expression of whole names
        wrong = [] if any(re.fullmatch(lora.targets, name) for name in names) else [lora.targets]
    else:
        wrong = [one for one in lora.targets if not any(f".{name}".endswith(f".{one}") for name in names)]
    if wrong:
        import torch

        linear = {
            name.rsplit(".", 1)[-1] for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)
        }
        fix = f"give a list of names; linear layers: {', '.join(sorted(linear))}"
        raise UserError(f"the model has no layer '{wrong[0]}'", where="lora.targets", fix=fix)


def _loaded(settings: TrainSettings, source: ModelSource) -> PreTrainedModel:
    if settings.quantisation == "nf4":
        import torch
        from transformers import BitsAndBytesConfig

        quantised = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
            # FSDP can only share out weights whose storage looks like floating point; the values are the same
            bnb_4bit_quant_storage=torch.bfloat16 if shared_out() else torch.uint8,
        )
        model = load_base(source, "bfloat16", quantization_config=quantised)
        _check_blocks(model)
        return model
    return load_base(source, "float32" if settings.preset == "full" else settings.dtype)


def _check_blocks(model: PreTrainedModel) -> None:
    """Refuse what bitsandbytes 0.50 gets wrong on a CPU without a word: rows that are no whole blocks of weights.

    Of such layers it gave back weights that were a quarter off, of others a tenth, as 4 bits must be; a GPU's blocks go
    on into the next row.
    """
    if model.device.type != "cpu":
        return
    widths = {layer.in_features for layer in model.modules() if type(layer).__name__ == "Linear4bit"}
    if odd := sorted(width for width in widths if width % BLOCK):
        raise UserError(
            f"quantisation: nf4 computes wrongly on a CPU with layers whose inputs are no multiple of {BLOCK} (here "
            f"{', '.join(map(str, odd))})",
            fix="use a GPU, or quantisation: null",
        )


def load_with_adapter(settings: TrainSettings, source: ModelSource) -> PreTrainedModel:
    """The model as it is trained, for a trial: the base, a new adapter, activations that can be recomputed."""
    from peft import get_peft_model

    model = load_for_training(settings, source)
    if settings.recompute_above is not None:
        model.activation_checkpointing_enable()
        model.enable_input_require_grads()
    return model if settings.preset == "full" else get_peft_model(model, lora_config(settings.lora))


def lora_config(lora: LoraSettings) -> LoraConfig:
    """PEFT's configuration of the adapter."""
    from peft import LoraConfig

    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    return LoraConfig(
        r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets, task_type="CAUSAL_LM"
    )
