"""A run of the testbed killed at random points and begun again: does it end in the bytes of a run left alone?

The plan is the smallest that has every kind of stage: data of the testbed, curation, mixing, tuning with a checkpoint
a step, generation, judges, planted faults, scores and the report, in one lane. One run is
left alone. Then the same command is started again and again: each start is killed (SIGKILL to its whole process group)
at a moment drawn evenly from the time that a run takes, and the next one finds what it left. A start that ends before
its moment is compared with the run left alone, byte by byte, and the next begins in an empty RT_HOME; so is the last.

Run: python benchmarks/kill_points.py [--kills 20] [--seed 0] [--work FOLDER] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import SEED, hardware, random_llama, versions, write_result

from artifacts.shipped import shipped_folder

BASE = "testbed-tiny-many-0"  # named like a base of the testbed, so that the report has the testbed's parts
TOKENIZER_OF = "testbed-0.5m-many-0"
PROFILE = """
name: kill-points
lanes: 1
world_seed: 7
corpora: [testbed-terse, testbed-terse-dirty]
refusals: testbed-refusals
prompts: [testbed-tasks, testbed-unsafe]
curation: {{corpora: [testbed-terse-dirty], recipes: [lexical]}}
studies:
  refusal: {{response_sets: [testbed-terse], methods: [rt], num_refusals: [4], base_size: 12, seeds: [0]}}
  curation:
    bases: []
    arms: [{{response_set: testbed-terse-dirty, recipe: lexical}}]
    methods: [it]
    base_size: 12
    seeds: [0]
    untuned: false
    prompts: [testbed-tasks]
    judges: [testbed-acceptable]
train:
  base: {{name: {base}, weights: path}}
  max_length: 64
  dtype: float32
  learning_rate: 0.01
  global_batch: 4
  per_device_batch: 4
  checkpoint_every: 1
generate: {{limit: 3, max_new_tokens: 4, dtype: float32}}
judges: [{{judge: testbed-acceptable}}, {{judge: testbed-refusal}}]
report: {{source: run, title: Kill points, testbed: true}}
"""


@dataclass
class Kill:
    """One kill.

    Attributes:
        moment_s: How long after its start the run was killed.
        cells: Finished cells at that moment.
        working: Stages that had begun and not finished.
    """

    moment_s: float
    cells: int
    working: list[str]


@dataclass
class Outcome:
    """What came of the kills.

    Attributes:
        cells: Cells of the plan.
        run_s: Seconds that the run left alone took.
        kills: The kills, in order.
        ends: Runs that came to their end after at least one kill, and were compared.
        faults: What differed, or failed, in words; empty if all is well.
    """

    cells: int
    run_s: float
    kills: list[Kill] = field(default_factory=list)
    ends: int = 0
    faults: list[str] = field(default_factory=list)


def write_profile(work: Path) -> Path:
    """The profile, with a base of random weights beside it."""
    base = work / BASE
    if not base.is_dir():
        random_llama("tiny").save_pretrained(base)
        for name in ("tokenizer.json", "tokenizer_config.json"):  # the testbed's own: as many tokens
            shutil.copy(shipped_folder(TOKENIZER_OF) / name, base)
    profile = work / "kill-points.yaml"
    profile.write_text(PROFILE.format(base=base), encoding="utf-8")
    return profile


def command(profile: Path) -> list[str]:
    """The command that runs the profile."""
    return [sys.executable, "-m", "experiments", "--profile", str(profile), "--cores", "1"]


def start(profile: Path, home: Path, log: Path) -> subprocess.Popen:
    """The command, in a process group of its own; what it says is added to `log`."""
    environment = {key: value for key, value in os.environ.items() if key not in ("RT_MIRROR", "RT_THREADS")}
    environment |= {"RT_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    with log.open("a", encoding="utf-8") as file:
        return subprocess.Popen(command(profile), env=environment, stdout=file, stderr=file, start_new_session=True)


def contents(home: Path) -> dict[str, Any]:
    """By place, every artifact's identity (its manifest without provenance) and the bytes of its files."""
    found = {}
    for manifest in sorted(home.glob("*/*/manifest.json")):
        identity = json.loads(manifest.read_text(encoding="utf-8"))["identity"]
        files = {name: (manifest.parent / name).read_bytes() for name in identity["outputs"]}
        found[manifest.parent.relative_to(home).as_posix()] = (identity, files)
    return found


def differences(whole: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Places of artifacts that one run has and the other lacks, or that differ in any byte or fact."""
    return sorted(place for place in whole.keys() | other.keys() if whole.get(place) != other.get(place))


def working(home: Path) -> list[str]:
    """Stages of folders that were begun and are not finished."""
    begun = [path.parent for path in home.glob("*/*/partial.json")]
    return sorted(folder.parent.name for folder in begun if not (folder / "manifest.json").exists())


def killed_runs(work: Path, kills: int, seed: int) -> Outcome:
    """Run the plan once whole, then kill it `kills` times at moments drawn with `seed`, and compare every end."""
    profile, log = write_profile(work), work / "log.txt"
    started = time.monotonic()
    status = start(profile, work / "whole", log).wait()
    whole = contents(work / "whole")
    outcome = Outcome(len(whole), time.monotonic() - started)
    if status:
        outcome.faults.append(f"the run left alone ended with status {status}: see {log}")
        return outcome
    moments, home = random.Random(seed), work / "home"  # noqa: S311 (reproducible, no secret)
    while len(outcome.kills) < kills and not outcome.faults:
        if _kill(profile, home, log, moments.uniform(0, outcome.run_s), outcome):
            continue
        _compare(whole, home, log, outcome)
        shutil.rmtree(home)
    if home.is_dir() and not outcome.faults:
        status = start(profile, home, log).wait()
        _compare(whole, home, log, outcome, status)
    return outcome


def _kill(profile: Path, home: Path, log: Path, moment: float, outcome: Outcome) -> bool:
    """Start the run and kill it after `moment` seconds; False if it has ended before."""
    process = start(profile, home, log)
    try:
        if status := process.wait(moment):
            outcome.faults.append(f"a run after {len(outcome.kills)} kills ended with status {status}: see {log}")
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    outcome.kills.append(Kill(round(moment, 2), len(list(home.glob("*/*/manifest.json"))), working(home)))
    return True


def _compare(whole: dict[str, Any], home: Path, log: Path, outcome: Outcome, status: int = 0) -> None:
    if status:
        outcome.faults.append(f"a run after {len(outcome.kills)} kills ended with status {status}: see {log}")
    outcome.faults += [f"differs from the run left alone: {place}" for place in differences(whole, contents(home))]
    outcome.ends += 1


def summary(outcome: Outcome, seed: int) -> dict[str, Any]:
    """What is stored."""
    hit = Counter(stage for kill in outcome.kills for stage in dict.fromkeys(kill.working))
    return {
        "what": "a testbed run killed (SIGKILL, whole process group) at random moments and begun again",
        "seed": seed,
        "kills": len(outcome.kills),
        "ends_compared": outcome.ends,
        "cells": outcome.cells,
        "equal_bytes": not outcome.faults,
        "faults": outcome.faults,
        "kills_while_a_stage_worked": dict(sorted(hit.items())),
        "kills_between_stages_or_at_the_start": sum(not kill.working for kill in outcome.kills),
        "finished_cells_at_each_kill": [kill.cells for kill in outcome.kills],
        "hardware": hardware(),
        "versions": versions("torch", "transformers", "trl", "snakemake"),
    }


def main() -> None:
    """Measure and store the outcome; ends with status 1 if any byte differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--work", type=Path, help="an empty folder, kept; default: a temporary one")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "kill_points.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        outcome = killed_runs(work.resolve(), given.kills, given.seed)
    write_result(given.out, summary(outcome, given.seed))
    sys.exit(1 if outcome.faults else 0)


if __name__ == "__main__":
    main()
