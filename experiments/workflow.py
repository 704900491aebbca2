"""Snakemake runs the cells that are not done: on this machine, or as jobs of a cluster.

What a profile of Snakemake's own says (a folder with `config.yaml`: executor, how many jobs, how often a failed one is
tried again, partitions and accounts) is Snakemake's; what each cell needs of a machine is in our profile.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from artifacts.digests import digest_json
from artifacts.errors import StageError, UserError
from artifacts.files import read_yaml, write_json
from artifacts.manifest import MANIFEST
from artifacts.store import rt_home
from experiments.cells import Cell
from experiments.machines import ServedJudge
from experiments.profiles import Profile

HERE = Path(__file__).resolve().parent
SNAKEFILE = HERE / "Snakefile"
ASKING = ("rewrite", "judge")  # stages that ask a model on a server, in the order of the flow
ALONE = ("score", "report")  # stages that have rules of their own: few, and after all others


def cluster_folder(given: str) -> Path:
    """Folder of a profile of Snakemake's own: one that comes with the package, by its name, or the user's.

    Raises:
        UserError: there is none.
    """
    own = HERE / "settings" / given
    folder = own if "/" not in given and (own / "config.yaml").is_file() else Path(given)
    if not (folder / "config.yaml").is_file():
        fix = "give slurm, or a folder with Snakemake's config.yaml (start with a copy of experiments/settings/slurm)"
        raise UserError("no profile of Snakemake's is there", where=f"--cluster {given}", fix=fix)
    return folder.resolve()


def check_cluster(folder: Path) -> None:
    """Refuse to begin where jobs cannot be submitted.

    Raises:
        UserError: the executor that the profile names is not installed, or Slurm's commands are not here.
    """
    executor = (read_yaml(folder / "config.yaml") or {}).get("executor")
    plugin = f"snakemake_executor_plugin_{str(executor).replace('-', '_')}"
    where = f"{folder / 'config.yaml'}: executor: {executor}"
    if executor != "local" and importlib.util.find_spec(plugin) is None:
        ours = "install the extra 'slurm' (in a checkout: pip install -c constraints.txt -e '.[slurm]')"
        fix = ours if executor == "slurm" else f"pip install {plugin.replace('_', '-')}"
        raise UserError("this executor of Snakemake's is not installed", where=where, fix=fix)
    if executor == "slurm" and shutil.which("sbatch") is None:
        raise UserError("there is no sbatch here", where=where, fix="run this where jobs are submitted")


def run_workflow(
    asked: dict[str, Any], pending: Sequence[Cell], cores: int, profile: Profile, cluster: Path | None
) -> None:
    """Run all pending cells.

    Args:
        asked: What was asked for (profile, overrides, studies): the workflow plans the same cells again.
        pending: Cells that are not done, upstream first.
        cores: Of this machine.
        profile: The profile.
        cluster: Folder of Snakemake's own profile for a cluster; None: this machine.

    Raises:
        UserError: jobs cannot be submitted here.
        StageError: a cell failed; the message names the logs.
    """
    if cluster:
        check_cluster(cluster)
    home = rt_home()
    for cell in pending:
        (cell.folder / MANIFEST).unlink(missing_ok=True)  # damaged: Snakemake looks only whether it is there
        cell.write_plan()
    asked = asked | {"folder": str(Path.cwd())}
    plans = plans_folder(asked, cluster)
    served = _served(pending, profile.servers, plans)
    in_lanes = [cell for cell in pending if cell.place not in {place for one in served for place in one["cells"]}]
    apart = ALONE if served else ALONE[1:]  # scores wait for what a server's job judges
    lanes = _lanes(in_lanes, profile.lanes if cluster else min(profile.lanes, cores), apart, plans)
    config = plans / "workflow.json"
    write_json(config, asked | {"served": served} | lanes)
    # a manifest, written last, says what is whole; Snakemake's own marks would throw away what finished after a kill
    shutil.rmtree(home / ".snakemake" / "incomplete", ignore_errors=True)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--directory", str(home)]
    command += ["--configfile", str(config)]
    # a killed run leaves Snakemake's lock behind; each cell holds its own, which dies with its process
    command += ["--nolock", "--rerun-incomplete", "--rerun-triggers", "input", "--quiet", "rules", "host"]
    # a lane that fails has finished some of its cells: what is there stays
    command += ["--keep-incomplete"]
    if cluster:
        command += ["--profile", str(cluster)]
    else:
        command += ["--cores", str(cores), "--resources", f"mem_mb={profile.memory_mb}", f"gpu={profile.gpus}"]
    if subprocess.call(command, env=_environment(), stdout=sys.stderr):
        failed = [cell for cell in pending if not cell.is_done() and cell.log.exists()]
        logs = [f"{cell.stage.name} {cell.label}: {cell.log}" for cell in failed] or [
            f"none; see {home / '.snakemake'}"
        ]
        listed = "\n".join(f"  - {one}" for one in logs)
        raise StageError(f"the workflow stopped before its report; unfinished cells with a log:\n{listed}")


def plans_folder(asked: dict[str, Any], cluster: Path | None) -> Path:
    """Folder of the workflow's own files: of this run alone, as jobs that wait in a queue read them later.

    One folder for every run of an RT_HOME would let a second one put its cells in the place of the first one's.
    """
    return rt_home() / "plans" / digest_json(asked | {"cluster": cluster and str(cluster)})[:10]


def _environment() -> dict[str, str]:
    """Environment of the stages: this installation's `rt` first, and freed memory given back at once.

    glibc keeps freed blocks below a threshold that it raises by itself; with the threshold fixed, training took
    2.8 GB where it had taken 3.5, at the same speed, so two cells fit where one did.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    malloc = {"MALLOC_MMAP_THRESHOLD_": str(2**20), "MALLOC_TRIM_THRESHOLD_": str(2**26)}
    return malloc | os.environ | {"PATH": path}


def asks(cell: Cell, server: ServedJudge) -> bool:
    """Whether a cell's judge or rewriting asks the model of this server, and no address of its own."""
    if cell.stage.name not in ASKING or cell.settings.server.url is not None:
        return False
    return asked_model(cell) == server.model


def asked_model(cell: Cell) -> str | None:
    """The model that a judge or a rewriting asks, by its name on a server; None: a judge that asks none."""
    if cell.stage.name == "rewrite":
        return cell.settings.model.name
    return cell.settings.parameters.get("model", {}).get("name")


def _served(pending: Sequence[Cell], servers: Sequence[ServedJudge], plans: Path) -> list[dict[str, Any]]:
    """Write the plan of `experiments.served` for each server that is asked; what the workflow needs of them."""
    found = []
    # a job a stage: models are tuned on what was rewritten before a judge is asked about their replies
    for (number, server), stage in product(enumerate(servers), ASKING):
        cells = [cell for cell in pending if cell.stage.name == stage and asks(cell, server)]
        if not cells:
            continue
        name = f"{stage}-{number}"
        plan, log = plans / f"served-{name}.json", rt_home() / "logs" / f"server-{name}-{plans.name}.log"
        tasks = [_task(cell) for cell in cells]
        write_json(plan, {"server": server.resolved(), "log": str(log), "cells": tasks})
        places = [cell.place for cell in cells]
        found.append({"server": number, "stage": stage, "plan": str(plan), "cells": places})
    return found


def _lanes(pending: Sequence[Cell], lanes: int, apart: Sequence[str], plans: Path) -> dict[str, Any]:
    """Write the plan of `experiments.lanes`, without the stages `apart`; what the workflow needs to know of it."""
    cells = [cell for cell in pending if lanes and cell.stage.name not in apart]
    plan = plans / "lanes.json"
    write_json(plan, [_task(cell) for cell in cells])
    return {"lanes": lanes, "plan": str(plan), "in_lanes": [cell.place for cell in cells]}


def _task(cell: Cell) -> dict[str, Any]:
    """A cell as `experiments.lanes` reads it."""
    after = [upstream.place for upstream in cell.inputs.values()]
    label = f"{cell.stage.name} {cell.label}"
    return {"key": cell.place, "label": label, "command": cell.command(), "log": str(cell.log), "after": after}
