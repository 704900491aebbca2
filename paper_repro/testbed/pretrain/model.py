"""The model: a plain Llama, its first weights, and attention that is fast on a CPU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from paper_repro.models import pad_id
from paper_repro.testbed.pretrain.settings import SIZES, PretrainSettings

if TYPE_CHECKING:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

MAX_POSITIONS = 512
ATTENTION = "testbed_float32"
EMBEDDING_STD = 0.02
INNER_SCALE = 0.8  # of a matrix that reads the residual stream, times 1 / sqrt(inputs)
OUTER_SCALE = 0.7  # of a matrix that writes to it, times 1 / sqrt(inputs x layers)


def llama_config(size: str, tokenizer: PreTrainedTokenizerBase) -> LlamaConfig:
    """Configuration of a model of that size, with the tokenizer's vocabulary and special tokens."""
    from transformers import LlamaConfig

    shape = SIZES[size]
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=MAX_POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=pad_id(tokenizer),
    )


def new_model(settings: PretrainSettings, tokenizer: PreTrainedTokenizerBase) -> LlamaForCausalLM:
    """A model with first weights drawn from the settings' seed, in 32 bits, ready to be trained."""
    import torch
    from transformers import LlamaForCausalLM

    model = LlamaForCausalLM(llama_config(settings.size, tokenizer)).float()
    generator = torch.Generator().manual_seed(settings.seed)
    layers = model.config.num_hidden_layers
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2:
                parameter.normal_(0, _std(name, parameter, layers), generator=generator)
            else:
                parameter.fill_(1)
    return model.train()


def _std(name: str, parameter: torch.Tensor, layers: int) -> float:
    if "embed" in name:
        return EMBEDDING_STD
    writes = name.split(".")[-2] in ("o_proj", "down_proj")
    scale = OUTER_SCALE / math.sqrt(layers) if writes else INNER_SCALE
    return scale / math.sqrt(parameter.shape[1])


def use_float32_attention(model: LlamaForCausalLM) -> None:
    """Compute attention in 32 bits while the matrix products around it are in 16, in place.

    On a CPU the backward pass of fused attention in bfloat16 costs more than 16-bit products gain. Only for training
    on whole rows: every token sees all tokens before it, there is no padding.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(ATTENTION, _float32_attention)
    model.config._attn_implementation = ATTENTION


def _float32_attention(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: Any, **options: Any
) -> tuple[torch.Tensor, None]:
    import torch

    with torch.autocast(query.device.type, enabled=False):
        mixed = torch.nn.functional.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), is_causal=True, scale=options.get("scaling")
        )
    return mixed.transpose(1, 2).contiguous(), None
