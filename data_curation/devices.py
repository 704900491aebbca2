"""The device that a model is put on."""

from __future__ import annotations

from typing import Literal

from artifacts.errors import UserError


def choose_device(wanted: Literal["auto", "cpu", "cuda"] = "auto") -> str:
    """`cpu` or `cuda`; `auto` takes a GPU where there is one.

    Raises:
        UserError: a GPU is asked for, and there is none.
    """
    import torch

    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise UserError("no CUDA device is visible", where="device", fix="use `auto` or `cpu`")
    return "cuda" if there and wanted != "cpu" else "cpu"
