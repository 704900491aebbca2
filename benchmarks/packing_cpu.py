"""Packing on a CPU: seconds a step on rows of real lengths, packed, beside padded batches of the same steps.

The model is a random Llama of a testbed shape, the rows random tokens of the lengths of Alpaca (`lengths.json`), steps
of 64 rows as in the paper, without dropout. `official`: padded passes of 8 rows as they come, activations computed
again; `padded`: the same without that; `sorted`: longest first within a step; `single`: passes of one row; `packed`:
the default. All take the same steps, which is checked by their losses; they take turns. Processor time decides.

Run: python benchmarks/packing_cpu.py [--size 2m] [--steps 4] [--out benchmarks/results/packing_cpu.json]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import VOCABULARY, hardware, random_llama, versions, write_result
from timed_tuning import GLOBAL_BATCH, OFFICIAL, PAPER, largest_difference, sequences, timed_run

from paper_repro.train import TrainSettings

SIDES: dict[str, dict[str, Any]] = {
    "official": OFFICIAL,
    "padded": {**OFFICIAL, "recompute_above": None},
    "sorted": {"pack_tokens": None, "recompute_above": None, "sort_within_batch": True},
    "single": {"pack_tokens": None, "recompute_above": None, "per_device_batch": 1},
    "packed": {"recompute_above": None, "sort_within_batch": True},
}
APART = 1e-4  # nats a token, in 32 bits


def settings(side: str) -> TrainSettings:
    """Of one side: the steps are equal under `token_mean`, whatever the passes."""
    return TrainSettings(**PAPER | {"dtype": "float32", "loss_normalisation": "token_mean"} | SIDES[side])


def compare(size: str, method: str, steps: int, repeats: int) -> dict[str, Any]:
    """All sides in turn; the middle of each."""
    rows = sequences("alpaca", method, steps * GLOBAL_BATCH, VOCABULARY)[: steps * GLOBAL_BATCH]
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(repeats):
        for side in SIDES:
            found[side].append(timed_run(settings(side), random_llama(size), rows, warm=1))
    apart = max(largest_difference(found[side][0], found["official"][0]) for side in SIDES)
    if apart > APART:
        raise SystemExit(f"the sides do not train the same: losses differ by up to {apart:.2g}")
    wall = {side: statistics.median(one["loss_tokens_per_s"] for one in each) for side, each in found.items()}
    spent = {side: statistics.median(one["processor_s_per_step"] for one in each) for side, each in found.items()}
    return {
        "rows": len(rows),
        "mean_tokens": round(statistics.mean(len(row.input_ids) for row in rows), 1),
        "loss_tokens_per_s": {side: round(value) for side, value in wall.items()},
        "processor_s_per_step": {side: round(value, 3) for side, value in spent.items()},
        "times_official": {
            "wall": {side: round(value / wall["official"], 2) for side, value in wall.items()},
            "processor": {side: round(spent["official"] / value, 2) for side, value in spent.items()},
        },
        "largest_difference_of_a_loss": apart,
    }


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="2m")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "packing_cpu.json")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    write_result(
        given.out,
        {
            "what": f"LoRA tuning of a random {given.size} Llama, steps of {GLOBAL_BATCH} rows of Alpaca's lengths",
            "pack_tokens": TrainSettings().pack_tokens,
            **{method: compare(given.size, method, given.steps, given.repeats) for method in ("rt", "it")},
            "steps": given.steps,
            "repeats": given.repeats,
            "threads": given.threads,
            "hardware": hardware(),
            "versions": versions("torch", "transformers", "trl", "peft", "accelerate"),
        },
    )


if __name__ == "__main__":
    main()
