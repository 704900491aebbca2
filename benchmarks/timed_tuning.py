"""What the tuning benchmarks share: sequences of real lengths, and a timed run of the train stage's trainer."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import SEED, random_tokenizer
from lengths import drawn

from artifacts.machine import peak_memory_mb
from paper_repro.models import ModelSource
from paper_repro.sequences import IGNORED, TokenSequence
from paper_repro.train import LoraSettings, TrainSettings
from paper_repro.train.trajectory import Trajectory

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GLOBAL_BATCH = 64  # the paper's: 8 x 8
# the paper's numbers; without dropout, so that two runs can be compared step by step
PAPER = {
    "base": ModelSource(name="random", weights="path"),
    "lora": LoraSettings(r=64, alpha=16, dropout=0.0),
    "epochs": 1,
    "global_batch": GLOBAL_BATCH,
    "per_device_batch": 8,
    "loss_normalisation": "microbatch_mean",
    "sort_within_batch": False,
    "learning_rate": 1e-4,
    "schedule": "constant",
    "max_grad_norm": 0.3,
    "checkpoint_every": 10**6,
}
# no packing, padded batches of 8, activations computed again
OFFICIAL = {"pack_tokens": None, "recompute_above": 0}


def sequences(name: str, method: str, rows: int, vocabulary: int) -> list[TokenSequence]:
    """Random tokens of the lengths that rows of a set have under a method."""
    draw = random.Random(SEED)  # noqa: S311
    made = []
    for before, loss in drawn(name, method, rows):
        ids = [draw.randrange(4, vocabulary) for _ in range(before + loss)]
        made.append(TokenSequence(ids, [IGNORED] * before + ids[before:]))
    return made


class _Timed(Trajectory):
    """A trajectory that also keeps the time of each row; a row is complete when the device has done its step."""

    def __init__(self, path: Path):
        super().__init__(path, 0)
        self.begin()

    def begin(self) -> None:
        """The clocks of the wall and of this process's time on processors, from now."""
        self.times, self.processor = [time.perf_counter()], [time.process_time()]

    def append(self, row: dict[str, Any]) -> None:
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())
        self.processor.append(time.process_time())
        super().append(row)


def timed_run(settings: TrainSettings, model: PreTrainedModel, given: list[TokenSequence], warm: int) -> dict[str, Any]:
    """Train on all rows once; the first `warm` steps are trained but not timed.

    Returns:
        `loss_tokens_per_s` and `tokens_per_s` (padding not counted), `seconds_per_step` (the middle one),
        `processor_s_per_step` (the mean),
        `peak_memory_mb` (of the GPU where there is one), the `attention` used, and `losses`, one a step.
    """
    import torch

    from paper_repro.train.attention import attention_of, choose_attention
    from paper_repro.train.order import epoch_order
    from paper_repro.train.trainer import build_trainer

    choose_attention(model, settings)
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder:
        trajectory = _Timed(Path(folder) / "trajectory.jsonl")
        trainer = build_trainer(settings, model, random_tokenizer(), given, Path(folder) / "c", trajectory)
        trainer.args.save_strategy = "no"
        trajectory.begin()
        trainer.train()
    seconds = [after - before for before, after in zip(trajectory.times, trajectory.times[1:], strict=False)]
    lengths = [len(row.input_ids) for row in given]
    order = epoch_order(lengths, settings.seed, 0, settings.global_batch, settings.sort_within_batch)
    timed = order[warm * settings.global_batch :]
    spent = sum(seconds[warm:])
    return {
        "loss_tokens_per_s": sum(row["loss_tokens"] for row in trajectory.rows[warm:]) / spent,
        "tokens_per_s": sum(lengths[index] for index in timed) / spent,
        "seconds_per_step": statistics.median(seconds[warm:]),
        "processor_s_per_step": (trajectory.processor[-1] - trajectory.processor[warm]) / (len(seconds) - warm),
        "attention": attention_of(model),
        "peak_memory_mb": torch.cuda.max_memory_allocated() // 2**20 if cuda else peak_memory_mb(),
        "losses": [row["loss"] for row in trajectory.rows],
    }


def largest_difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Between the losses of two runs, step by step."""
    return max(abs(a - b) for a, b in zip(one["losses"], other["losses"], strict=True))
