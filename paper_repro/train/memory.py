"""Memory: the largest batch that fits, and errors that name the setting to lower."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING

from artifacts.errors import StageError, first_line
from paper_repro.models import ModelSource
from paper_repro.sequences import IGNORED, TokenSequence
from paper_repro.train.loss import set_recomputing, summed_loss
from paper_repro.train.packing import laid
from paper_repro.train.processes import process_count
from paper_repro.train.settings import TrainSettings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

PACK_SIZES = (16384, 8192, 4096, 2048, 1024, 512, 256)  # tokens of a packed pass that `auto` tries
CPU_PACK: int = TrainSettings.model_fields["pack_tokens"].default  # what `auto` is on a CPU
log = logging.getLogger("rt")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or a CPU."""
    import torch
    from accelerate.utils.memory import should_reduce_batch_size

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or should_reduce_batch_size(error)


@contextmanager
def naming_the_setting(settings: TrainSettings) -> Iterator[None]:
    """Turn an out-of-memory error into a StageError that says which settings to lower, the cheapest first."""
    try:
        yield
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise StageError(f"out of memory while training: {first_line(error)}", fix=_remedies(settings)) from None


def _remedies(settings: TrainSettings) -> str:
    """What to lower, in the order of what it costs; only what can still be lowered."""
    size, remedies = settings.per_device_batch, []
    if settings.pack_tokens is not None:
        remedies.append(f"lower pack_tokens (now {settings.pack_tokens}; the optimiser step stays the same)")
    elif size == "auto" or size > 1:
        remedies.append(f"lower per_device_batch (now {size}; the step stays the same, accumulation is derived)")
    if settings.recompute_above != 0:
        remedies.append(f"set recompute_above: 0 (now {settings.recompute_above}: activations are computed again)")
    remedies.append(f"lower max_length (now {settings.max_length}; longer rows are cut)")
    if settings.preset == "full":
        remedies.append("use preset: lora")
    elif settings.quantisation is None:
        remedies.append("use preset: qlora (a 4-bit base, on a GPU)")
    return "; or ".join(remedies)


def can_try() -> bool:
    """Whether a batch that is too large fails with an error; a CPU's process would be killed, or swap."""
    import torch

    return torch.cuda.is_available()


def find_sizes(
    settings: TrainSettings,
    source: ModelSource,
    sequences: Sequence[TokenSequence],
    load: Callable[..., PreTrainedModel],
) -> dict[str, int | None]:
    """`per_device_batch` and `pack_tokens` as numbers: what is `auto` is the most for which a step fits in memory.

    Tried are, the largest first, packed passes of `PACK_SIZES` tokens, or every divisor of the processes' share of
    `global_batch`, on the longest sequences: no later pass needs more. The copy of the model that they are tried on is
    thrown away. On a CPU, where nothing can be tried, `auto` is 1 sequence a pass, or `CPU_PACK`.

    Args:
        settings: With or without `auto`.
        source: The base.
        sequences: The training data.
        load: `load(settings, source)` gives the model as it is trained, adapter included.

    Raises:
        StageError: not even the smallest fits.
    """
    share = settings.global_batch // process_count()
    sizes = {"per_device_batch": settings.per_device_batch, "pack_tokens": settings.pack_tokens}
    if sizes["pack_tokens"] == "auto":
        sizes["pack_tokens"] = (
            _largest(settings, source, sequences, load, PACK_SIZES, _packed) if can_try() else CPU_PACK
        )
    if sizes["per_device_batch"] == "auto":
        divisors = [size for size in range(share, 0, -1) if share % size == 0]
        tried = can_try() and settings.pack_tokens is None  # packed, it decides nothing
        sizes["per_device_batch"] = _largest(settings, source, sequences, load, divisors, _padded) if tried else 1
    return sizes


def _largest(
    settings: TrainSettings,
    source: ModelSource,
    sequences: Sequence[TokenSequence],
    load: Callable[..., PreTrainedModel],
    sizes: Sequence[int],
    batch_of: Callable[[Sequence[TokenSequence], int], dict[str, torch.Tensor]],
) -> int:
    """The first of the sizes, which fall, with which a step fits."""
    import torch

    longest = sorted(sequences, key=lambda row: (-len(row.input_ids), row.input_ids))
    with naming_the_setting(settings.model_copy(update={"per_device_batch": 1, "pack_tokens": None})):
        model = load(settings, source).to("cuda" if torch.cuda.is_available() else "cpu").train()
        for size in sizes:
            try:
                _one_step(model, batch_of(longest, size), settings)
            except Exception as error:
                if size == sizes[-1] or not out_of_memory(error):
                    raise
                log.info("train: auto: %s at once do not fit", size)
            else:
                break
            finally:
                model.zero_grad(set_to_none=True)
                _let_go()
    del model
    _let_go()
    return size


def _one_step(model: PreTrainedModel, inputs: dict[str, torch.Tensor], settings: TrainSettings) -> None:
    """Forward and backward pass, and an optimiser step at the rate 0 for the memory of its state."""
    import torch

    inputs = {name: tensor.to(model.device) for name, tensor in inputs.items()}
    if settings.recompute_above is not None:
        set_recomputing(model, inputs["input_ids"].numel() > settings.recompute_above)
    lower = settings.dtype == "bfloat16"
    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=lower):
        loss, tokens = summed_loss(model, inputs)
    (loss / tokens).backward()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    torch.optim.AdamW(trained, lr=0.0, weight_decay=0.0).step()


def _padded(rows: Sequence[TokenSequence], size: int) -> dict[str, torch.Tensor]:
    """One padded forward pass of the first `size` rows."""
    import torch

    rows = rows[:size]
    longest = max(len(row.input_ids) for row in rows)

    def table(lists: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
        return torch.tensor([[*one, *[filler] * (longest - len(one))] for one in lists])

    return {
        "input_ids": table([row.input_ids for row in rows], 0),
        "labels": table([row.labels for row in rows], IGNORED),
        "attention_mask": table([[1] * len(row.input_ids) for row in rows], 0),
    }


def _packed(rows: Sequence[TokenSequence], size: int) -> dict[str, torch.Tensor]:
    """One packed forward pass: the first rows of `size` tokens, the first at least; again from the first if too few."""
    chosen, room = [], size
    for row in cycle(rows):
        room -= len(row.input_ids)
        if chosen and room < 0:
            break
        chosen.append({"input_ids": row.input_ids, "labels": row.labels})
    return laid(chosen, [1.0] * len(chosen))


def _let_go() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
