"""Training on several processes (one a GPU, or several on a CPU): one leads, the others only train.

The leader runs the stage: it alone holds the folder's lock, writes files and the manifest. Before it trains it tells
the others what to do; `accelerate launch` or `torchrun` starts them all with the same command line.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from artifacts.errors import UserError

_told = False  # whether the leader has told the others what to do in this stage


def process_count() -> int:
    """Processes that train together, as the launcher says; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_leader() -> bool:
    """Whether this process runs the stage; true without a launcher."""
    return int(os.environ.get("RANK", "0")) == 0


def shared_out() -> bool:
    """Whether each process holds a part of the model (FSDP), as the launcher says."""
    return process_count() > 1 and os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"


def check_processes(global_batch: int, per_device_batch: int) -> None:
    """Refuse a global batch that the processes cannot share equally; raises UserError."""
    at_once = per_device_batch * process_count()
    if global_batch % at_once:
        raise UserError(
            f"global_batch ({global_batch}) must be a multiple of per_device_batch x processes "
            f"({per_device_batch} x {process_count()})",
            fix="lower per_device_batch, start fewer processes, or change global_batch",
        )


def lead(message: dict[str, Any]) -> None:
    """Tell the other processes, which wait for it, what to do."""
    global _told
    if process_count() > 1:
        _told = True
        _broadcast(message)


def release() -> None:
    """Let the other processes go if the stage had nothing for them to do; called when it is done."""
    global _told
    if not _told:
        lead({"train": False})
    _told = False


def follow() -> dict[str, Any]:
    """What the leader says; waits for it."""
    return _broadcast(None)


def summed(numbers: Sequence[float]) -> list[float]:
    """Each number summed over the processes; all of them have to call."""
    if process_count() == 1:
        return list(numbers)
    import torch
    from torch import distributed

    device = "cuda" if torch.cuda.is_available() else "cpu"
    total = torch.tensor(numbers, dtype=torch.float64, device=device)
    distributed.all_reduce(total)
    return total.tolist()


def whole_deal(order: list[int], per_device_batch: int, blank: int) -> list[int]:
    """The order, filled up with the index `blank` so that every process gets equally many full forward passes.

    Forward pass number i goes to process i modulo their number. Without blanks the last passes of an epoch would be
    filled with sequences of its beginning, which would be trained twice.
    """
    if process_count() == 1:
        return order
    return order + [blank] * (-len(order) % (per_device_batch * process_count()))


def _broadcast(message: dict[str, Any] | None) -> dict[str, Any]:
    import torch
    from accelerate import PartialState
    from accelerate.utils import broadcast_object_list

    PartialState(cpu=not torch.cuda.is_available())
    return broadcast_object_list([message], from_process=0)[0]
