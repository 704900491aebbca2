"""Pre-training on a CPU: tokens/s of the pretrain stage's loop, plain and fused, beside a bare PyTorch loop.

The models are random Llamas of the testbed's shapes, the rows random tokens. The bare loop is what one would write
first: the model as transformers makes it, 32 bits throughout, the same two optimisers. All sides see the same rows and
make the same updates but for rounding, which is checked by their losses. They take turns, so that a busy machine slows
all; what compiling takes is reported apart.

Run: python benchmarks/pretraining_cpu.py [--sizes 0.5m 2m] [--out benchmarks/results/pretraining_cpu.json]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"  # or compiling would be timed once on a machine and then never
sys.path.insert(0, str(Path(__file__).resolve().parent))
import numpy as np
from common import SEED, VOCABULARY, hardware, random_tokenizer, versions, write_result

from artifacts.machine import peak_memory_mb
from paper_repro.testbed.pretrain import PretrainSettings
from paper_repro.testbed.pretrain.loop import row_loss, train_rows
from paper_repro.testbed.pretrain.model import new_model
from paper_repro.testbed.pretrain.optimisers import Optimisers
from paper_repro.testbed.pretrain.rows import Rows

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

SIDES = ("bare", "ours", "fused")
NEVER = 10_000  # steps: more than there are
WARM_STEPS = 3  # first allocations, and compiling, end within them
APART = 0.05  # nats a token: what 16-bit products may change in the loss after training


def rows_for(settings: PretrainSettings, steps: int) -> Rows:
    """Random tokens for so many steps; the held-out rows that a corpus has are added."""
    count = settings.context * (settings.batch * steps + 1) + 1
    tokens = np.random.default_rng(SEED).integers(4, VOCABULARY, count).astype(np.uint16)
    return Rows(tokens, settings)


def settings_of(side: str, size: str) -> PretrainSettings:
    """Settings of one side."""
    dtype = "float32" if side == "bare" else "bfloat16"
    return PretrainSettings(
        size=size, dtype=dtype, compile=side == "fused", held_out_share=1e-6, checkpoint_every=NEVER
    )


def bare(settings: PretrainSettings, model: LlamaForCausalLM, rows: Rows, after_step: Callable[[int], None]) -> None:
    """A loop without anything else."""
    import torch

    optimisers = Optimisers(model, settings)
    for step in range(rows.steps):
        ids = rows.step(step)
        logits = model(input_ids=ids[:, :-1]).logits
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
        optimisers.step(step, rows.steps)
        after_step(step + 1)


def ours(settings: PretrainSettings, model: LlamaForCausalLM, rows: Rows, after_step: Callable[[int], None]) -> None:
    """The stage's loop."""
    with tempfile.TemporaryDirectory() as folder:
        train_rows(model, rows, settings, Path(folder), after_step)


def measure(side: str, size: str, steps: int) -> dict[str, float]:
    """Tokens/s after the first steps, seconds of those, and the loss on the last rows after training (nats a token)."""
    settings = settings_of(side, size)
    model, rows = new_model(settings, random_tokenizer()), rows_for(settings, steps)
    times = [time.perf_counter()]
    run = bare if side == "bare" else ours
    run(settings, model, rows, lambda step: times.append(time.perf_counter()))
    tokens = settings.batch * settings.context * (rows.steps - WARM_STEPS)
    return {
        "tokens_per_s": tokens / (times[-1] - times[WARM_STEPS]),
        "first_steps_s": times[WARM_STEPS] - times[0],
        "loss": row_loss(model, rows.step(rows.steps - 1), "float32").item(),
    }


def compare(size: str, steps: int, repeats: int) -> dict[str, Any]:
    """All sides in turn, several times; the middle of each."""
    found = {side: [] for side in SIDES}
    for _ in range(repeats):
        for side in SIDES:
            found[side].append(measure(side, size, steps))
    middle = {
        side: {name: statistics.median(one[name] for one in each) for name in each[0]} for side, each in found.items()
    }
    apart = max(abs(middle[side]["loss"] - middle["bare"]["loss"]) for side in SIDES)
    if apart > APART:
        raise SystemExit(f"the sides do not train the same: losses differ by up to {apart:.2g}")
    speed = {side: round(values["tokens_per_s"]) for side, values in middle.items()}
    return {
        "tokens_per_s": speed,
        "times_bare": {side: round(speed[side] / speed["bare"], 2) for side in SIDES if side != "bare"},
        # in the first turn alone: later ones find it compiled
        "compiling_s": round(found["fused"][0]["first_steps_s"] - middle["ours"]["first_steps_s"], 1),
        "largest_difference_of_a_loss": apart,
    }


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["0.5m", "2m", "5m"])
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "pretraining_cpu.json")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    write_result(
        given.out,
        {
            "what": "pre-training of random Llamas of the testbed's shapes on random tokens, batches of 16 rows of 192",
            **{size: compare(size, given.steps, given.repeats) for size in given.sizes},
            "steps": given.steps,
            "repeats": given.repeats,
            "threads": given.threads,
            "peak_memory_mb": peak_memory_mb(),
            "hardware": hardware(),
            "versions": versions("torch", "transformers"),
        },
    )


if __name__ == "__main__":
    main()
