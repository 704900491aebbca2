"""The machine that work ran on, for the provenance of a manifest: never part of a digest."""

from __future__ import annotations

import os
from typing import Any

from artifacts.machine import processor


def hardware() -> dict[str, Any]:
    """Processor, cores this process may use, memory (MB), and the GPUs with their memory, driver side and torch's CUDA.

    Keys: `processor`, `cores`, `memory_mb` (None where the system does not tell), `gpus` (list of `name`,
    `memory_mb`), `cuda` (None without).
    """
    import torch

    gpus = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        gpus.append({"name": properties.name, "memory_mb": properties.total_memory // 2**20})
    return {
        "processor": processor(),
        "cores": cores(),
        "memory_mb": _memory_mb(),
        "gpus": gpus,
        "cuda": torch.version.cuda if gpus else None,
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_mb() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (AttributeError, ValueError, OSError):
        return None
