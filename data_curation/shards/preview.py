"""What a curation in shards would do: its phases, and for Slurm the script of the first job."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifacts.aside import SCRATCH
from data_curation.curate import INPUT
from data_curation.reference import REFERENCE
from data_curation.shards.executors import runner
from data_curation.shards.reading import ReadTask, find_source
from data_curation.shards.settings import ShardedSettings
from data_curation.shards.stage import NEAR, PER_ROW, SEMANTIC, plan


def preview(settings: ShardedSettings, inputs: Mapping[str, Path], out: Path) -> dict[str, Any]:
    """Executor, phases, files to read, and the script that would be submitted first; nothing is written.

    Raises:
        UserError: a Slurm job that lacks a setting.
    """
    source = find_source(inputs[INPUT], settings.source, settings.columns)
    found: dict[str, Any] = {
        "executor": settings.executor.model_dump(mode="json", include={"kind", "workers", settings.executor.kind}),
        "files": len(source.files),
        "phases": phases(settings, REFERENCE in inputs),
    }
    if settings.executor.kind == "slurm":
        run = runner(settings.executor)
        label = f"{INPUT}-read"
        task = ReadTask(out / SCRATCH / INPUT, source, settings.shard_rows)
        found["slurm_script"] = _script(run, label, task, len(source.files), out / SCRATCH / "phases" / label)
    return found


def phases(settings: ShardedSettings, reference: bool) -> list[str]:
    """What is done one after the other, each for all shards; steps over arrays of all rows are marked."""
    listed = [f"{INPUT}-read", *([f"{REFERENCE}-read", f"{REFERENCE}-rows"] if reference else [])]
    for phase, (kind, steps) in enumerate(plan(settings.recipe)):
        names = ", ".join(step.step for _, step in steps) or "ids"
        name = f"{phase:02d}-{kind}"
        if kind == PER_ROW:
            listed.append(f"{name}: {names}")
        elif kind == NEAR:
            listed += [f"{name}-keys", f"{name}-batches: over all rows", f"{name}-gather", f"{name}-resolve"]
        elif kind == SEMANTIC:
            listed += [f"{name}-{part}" for part in ("keys", "order: over all rows", "static", "whiten: over all rows")]
            listed += [f"{name}-{part}" for part in ("sieve", "half", "alike", "full")]
            listed.append(f"{name}: over rows that have a near one")
        else:
            listed.append(f"{name}: over all rows")
    return [*listed, "finish"]


def _script(run: Any, label: str, task: ReadTask, ranks: int, folder: Path) -> str:
    """The script of a phase as it would be submitted from its folder."""
    with tempfile.TemporaryDirectory() as name:  # datatrove makes the folder for the job's logs when it is asked
        phase = run.executor(label, task, ranks, Path(name))
        jobs = min(math.ceil(ranks / phase.tasks_per_job), phase.max_array_size)
        return phase.script(jobs).replace(str(Path(name).resolve()), str(folder.resolve()))
