"""torch.compile in tuning on a CPU: processor seconds a step with `compile: true`, beside the eager default.

Model, rows and settings are those of `tuning_cpu.py`. Both sides take the same steps, which is checked by their losses;
they take turns. The first steps are not timed; what they cost more than others is stored as `beginning_s`.

Run: python benchmarks/tuning_compiled_cpu.py [--rows 480] [--out benchmarks/results/tuning_compiled_cpu.json]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import hardware, random_llama, versions, write_result
from timed_tuning import largest_difference, timed_run
from tuning_cpu import MEAN, rows, settings

WARM = 3  # steps that are not timed
APART = 1e-4  # nats a token, in 32 bits


def measured(fused: bool, sequences: list[Any]) -> dict[str, Any]:
    """One run's numbers, with what the beginning cost: wall-clock seconds beyond those of the steps."""
    started = time.perf_counter()
    numbers = timed_run(settings().model_copy(update={"compile": fused}), random_llama(), sequences, WARM)
    spent = time.perf_counter() - started
    return numbers | {"beginning_s": spent - len(numbers["losses"]) * numbers["seconds_per_step"]}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=480)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "tuning_compiled_cpu.json")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    sequences = rows(given.rows, random_llama().config.vocab_size)
    measured(False, sequences[:64])  # imports and first allocations
    runs: dict[str, list[dict[str, Any]]] = {"eager": [], "compiled": []}
    for _ in range(given.repeats):
        for side, done in runs.items():
            done.append(measured(side == "compiled", sequences))
    apart = largest_difference(runs["eager"][0], runs["compiled"][0])
    if apart > APART:
        raise SystemExit(f"the two sides do not train the same: losses differ by up to {apart:.2g}")
    step = {side: statistics.median(one["processor_s_per_step"] for one in done) for side, done in runs.items()}
    write_result(
        given.out,
        {
            "what": f"LoRA tuning of a random 2M Llama, {given.rows} rows of about {MEAN} tokens, steps of 16, packed",
            "processor_s_per_step": {side: round(value, 4) for side, value in step.items()},
            "eager_over_compiled": round(step["eager"] / step["compiled"], 3),
            "beginning_s": {side: round(done[0]["beginning_s"], 1) for side, done in runs.items()},
            "largest_difference_of_a_loss": apart,
            "steps_timed": len(runs["eager"][0]["losses"]) - WARM,
            "repeats": given.repeats,
            "threads": given.threads,
            "hardware": hardware(),
            "versions": versions("torch", "transformers", "trl", "peft", "accelerate"),
        },
    )


if __name__ == "__main__":
    main()
