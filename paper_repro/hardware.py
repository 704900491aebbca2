"""The machine that work ran on, for the provenance of a manifest: never part of a digest."""

from __future__ import annotations

from typing import Any

from artifacts.machine import cores, memory_bytes, processor


def hardware() -> dict[str, Any]:
    """Processor, cores this process may use, memory (MB), and the GPUs with their memory, driver side and torch's CUDA.

    Keys: `processor`, `cores`, `memory_mb` (None where the system does not tell), `gpus` (list of `name`,
    `memory_mb`), `cuda` (None without).
    """
    import torch

    gpus, memory = [], memory_bytes()
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        gpus.append({"name": properties.name, "memory_mb": properties.total_memory // 2**20})
    return {
        "processor": processor(),
        "cores": cores(),
        "memory_mb": None if memory is None else memory // 2**20,
        "gpus": gpus,
        "cuda": torch.version.cuda if gpus else None,
    }
