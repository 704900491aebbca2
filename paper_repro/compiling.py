"""torch.compile: whether it can be had on this machine, and a model's layers fused by it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import TYPE_CHECKING

from artifacts.errors import UserError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

# forms of a layer that are compiled before torch leaves the rest as they are: with and without a mask, a gradient to
# pass on, activations computed again, a window of attention
FORMS = 32


def check_compiler(device: str) -> None:
    """Refuse `compile: true` where torch.compile cannot work.

    Args:
        device: `cpu` or `cuda`.

    Raises:
        UserError: no C++ compiler, which is needed on a CPU, or no triton (and a C compiler), needed on a GPU.
    """
    if device == "cpu":
        missing = None if shutil.which(os.environ.get("CXX", "g++")) else ("C++ compiler", "g++")
    elif importlib.util.find_spec("triton") is None:
        missing = "package triton", "triton"
    else:
        found = any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang"))
        missing = None if found else ("C compiler", "gcc")
    if missing:
        raise UserError(
            f"compile: true, but there is no {missing[0]} here", fix=f"install {missing[1]}, or use compile: false"
        )


def compile_layers(model: torch.nn.Module, base: PreTrainedModel) -> int:
    """Let torch.compile fuse each decoder layer, in place: names of modules and weights stay as they are.

    Layers are alike, so one compilation serves them all, and what is around them (embeddings, the head on trained
    tokens only, the loss) is left alone. Lengths are symbols from the beginning, so no pass of a new length is compiled
    again, and a resumed run meets the same code as a straight one.

    Args:
        model: The model, adapter and all.
        base: The model in it that knows what its layers are called.

    Returns:
        The number of layers.

    Raises:
        UserError: the architecture does not say which modules its layers are.
    """
    import torch._dynamo

    names = set(base._no_split_modules or ())
    layers = [module for module in model.modules() if type(module).__name__ in names]
    if not layers:
        raise UserError(f"compile: true, but {type(base).__name__} does not tell its layers", fix="use compile: false")
    torch._dynamo.config.recompile_limit = max(FORMS, torch._dynamo.config.recompile_limit)
    for layer in layers:
        layer.compile(dynamic=True)
    return len(layers)
