"""Checkpoints: one safetensors file with weights, optimiser states and loss sums, replaced whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.files import atomic_path

if TYPE_CHECKING:
    import torch

FILE = "checkpoint.safetensors"


def write_checkpoint(folder: Path, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    """Replace the checkpoint in `folder`; `state` is JSON-ready and travels inside the same file."""
    from safetensors.torch import save_file

    with atomic_path(folder / FILE) as path:
        held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(held, path, metadata={"state": json.dumps(state)})


def read_checkpoint(folder: Path, device: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """Tensors (on `device`) and state of the checkpoint in `folder`; None if there is none."""
    from safetensors import safe_open

    if not (folder / FILE).is_file():
        return None
    with safe_open(folder / FILE, framework="pt", device=device) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["state"])  # noqa: SIM118
