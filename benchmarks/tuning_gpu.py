"""Tuning an 8B model on one GPU, ours beside the official settings, and the testbed's training, GPU beside CPU.

The 8B model has Llama-3's architecture and random weights, made on the device; no network and no hub is needed. It is
tuned with the paper's adapter (rank 64 on all linear layers) on random tokens of the lengths of Alpaca and LIMA
(`lengths.json`), RT and IT, in steps of 64 rows:

    official  padded passes of 8 rows as they come, activations computed again (the paper's settings, but with our head,
              which scores trained tokens only: so the comparison is in the official side's favour)
    ours      packed passes, the longest that fit; activations kept where they fit

Both take the same steps from the same weights, so their losses are compared step by step. With bitsandbytes the base is
in 4 bits (QLoRA), else in bf16. Dropout is off, so that the losses can be compared.

Each part runs in a process of its own and is stored when it is done; a call ends before `--limit-s` and the next one
goes on with what is left. The last call writes the result file, named after the hardware.

Run: python benchmarks/tuning_gpu.py [--work FOLDER] [--limit-s 540] [--small] [--dry-run]
`--small` proves the script on any machine: a model of 0.5M parameters, few steps; the result says so.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout need not be installed
from artifacts.files import read_json, write_json

HERE = Path(__file__).resolve().parent
# part, and seconds it may take at most
PARTS = {
    "machine": 60,
    **{f"tuning/{name}/{method}": 400 for name in ("alpaca", "lima") for method in ("rt", "it")},
    **{f"testbed-tuning/{device}": 200 for device in ("gpu", "cpu")},
    **{f"pretraining-5m/{device}": 200 for device in ("gpu", "cpu")},
}
GOAL = 3  # times the official settings, on Alpaca


def file_of(work: Path, part: str) -> Path:
    """Where a part's numbers are stored."""
    return work / (part.replace("/", "-") + ".json")


def run_part(part: str, work: Path, small: bool, seconds: float) -> str:
    """Run one part in a process of its own; `done`, or why not."""
    command = [sys.executable, str(HERE / "tuning_gpu_parts.py"), part, str(file_of(work, part))]
    environment = os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if part.endswith("/cpu") else {})
    command += ["--small"] if small else []
    try:
        done = subprocess.run(command, timeout=seconds, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return f"not done within {seconds:.0f} s"
    return "done" if done.returncode == 0 else f"failed with status {done.returncode}"


def open_parts(work: Path) -> list[str]:
    """Parts that are not stored yet."""
    return [part for part in PARTS if not file_of(work, part).is_file()]


def joined(work: Path, small: bool) -> dict[str, Any]:
    """The result: every part, what is missing as None, and the ratios."""
    found = {part: read_json(path) if (path := file_of(work, part)).is_file() else None for part in PARTS}
    machine = found.pop("machine") or {}
    for numbers in found.values():
        for side in ("official", "ours"):
            if numbers and numbers.get(side) and machine:
                share = numbers[side]["model_flops_per_s"] / machine["matrix_product_flops"]
                numbers[side]["share_of_matrix_product"] = round(share, 4)
    ratios = {part: numbers.get("times_official") for part, numbers in found.items() if numbers and "ours" in numbers}
    for kind in ("testbed-tuning", "pretraining-5m"):
        gpu, cpu = found[f"{kind}/gpu"], found[f"{kind}/cpu"]
        both = gpu and cpu and gpu.get("tokens_per_s") and cpu.get("tokens_per_s")
        ratios[f"{kind}: gpu over cpu"] = round(gpu["tokens_per_s"] / cpu["tokens_per_s"], 2) if both else None
    what = "tuning an 8B Llama architecture with random weights; the testbed's training, GPU beside CPU"
    if small:
        what = "PROOF OF THE SCRIPT ONLY, with a model of 0.5M parameters and few steps; these are no figures of a GPU"
    return {"what": what, "small": small, "goal_on_alpaca": GOAL, **machine, "ratios": ratios, "parts": found}


def main() -> None:
    """Run what is left until the time is up, and join the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE / "work" / "tuning_gpu", help="Where parts are stored.")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="Folder of the result file.")
    parser.add_argument("--limit-s", type=float, default=540)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--dry-run", action="store_true", help="Show what is left; do nothing.")
    given = parser.parse_args()
    work = given.work / ("small" if given.small else "whole")
    if given.dry_run:
        print(json.dumps({"left": open_parts(work), "work": str(work)}, indent=2))
        return
    work.mkdir(parents=True, exist_ok=True)
    ends, failed = time.monotonic() + given.limit_s, []
    for part in open_parts(work):
        left = ends - time.monotonic()
        if left < min(60, PARTS[part]) and not given.small:
            break
        # how fast a machine without a GPU is, nobody knows
        outcome = run_part(part, work, given.small, left if given.small else min(left, PARTS[part]))
        print(f"{part}: {outcome}", flush=True)
        failed += [part] if outcome != "done" else []
    if left_over := [part for part in open_parts(work) if part not in failed]:
        print(f"left for the next call: {', '.join(left_over)}")
        raise SystemExit(3)
    result = joined(work, given.small)
    name = re.sub(r"[^a-z0-9]+", "-", str(result.get("device", "unknown")).lower()).strip("-")
    path = given.out / f"tuning_gpu{'_small' if given.small else ''}_{name}.json"
    write_json(path, result)
    print(f"{path}\n{json.dumps(result['ratios'], indent=2)}")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
