"""Run a profile: plan its cells, check that their data can be had, let Snakemake run what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifacts.errors import MissingDataError, StageError
from artifacts.files import write_json
from artifacts.manifest import MANIFEST
from artifacts.pins import availability, fetch
from artifacts.stage import thread_count
from artifacts.store import mirror_folder, rt_home
from experiments.cells import Cell
from experiments.expand import pins_of, plan_cells
from experiments.profiles import Profile, load_profile
from paper_repro.cli.common import emit

SNAKEFILE = Path(__file__).with_name("Snakefile")
ALONE = ("score", "report")  # stages that never run in a lane: few, and after all others


def reproduce(
    profile_name: str,
    overrides: Sequence[str],
    *,
    studies: Sequence[str] = (),
    cores: int | None = None,
    dry_run: bool = False,
    as_json: bool = False,
) -> None:
    """Bring every cell of a profile, or of some of its studies, up to date and say where the report is.

    Raises:
        MissingDataError: data that no reachable origin holds; one message for all of it, before any work.
        StageError: a cell failed; the message names its log.
    """
    _absolute_environment()
    profile = load_profile(profile_name, overrides, studies)
    cores = cores or thread_count()
    os.environ["RT_THREADS"] = str(profile.threads)  # part of every compute cell's name
    cells = plan_cells(profile)
    pending = [cell for cell in cells if not cell.is_done()]
    report = cells[-1]
    if dry_run:
        _show(cells, pending, as_json)
        return
    if pending:
        _fetch_all(pending)
        _say(f"{profile.name}: {len(pending)} of {len(cells)} cells to do")
        _run({"profile": profile_name, "overrides": list(overrides), "studies": list(studies)}, pending, cores, profile)
    _finish(profile.name, report, bool(pending), as_json)


def _absolute_environment() -> None:
    """The workflow and its stages run in other folders than this process."""
    os.environ["RT_HOME"] = str(rt_home())
    if (mirror := mirror_folder()) is not None:
        os.environ["RT_MIRROR"] = str(mirror)


def _fetch_all(pending: Sequence[Cell]) -> None:
    """Fetch every pin the pending cells need, so that what is missing is told at once and first."""
    missing = []
    for name in pins_of(pending):
        try:
            fetch(name)
        except MissingDataError as error:
            missing.append(error.message)
    if missing:
        raise MissingDataError(
            f"{len(missing)} of the profile's sources cannot be had:\n" + "\n".join(missing),
            fix="set RT_MIRROR to a folder that holds the files named above (layout: artifacts/pins/*.yaml), "
            "or run where their other origins can be reached",
        )


def _run(asked: dict[str, Any], pending: Sequence[Cell], cores: int, profile: Profile) -> None:
    home = rt_home()
    for cell in pending:
        (cell.folder / MANIFEST).unlink(missing_ok=True)  # damaged: Snakemake looks only whether it is there
        cell.write_plan()
    config = home / "plans" / "workflow.json"
    write_json(config, asked | {"folder": str(Path.cwd())} | _lanes(pending, min(profile.lanes, cores)))
    # a manifest, written last, says what is whole; Snakemake's own marks would throw away what finished after a kill
    shutil.rmtree(home / ".snakemake" / "incomplete", ignore_errors=True)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--directory", str(home)]
    command += ["--configfile", str(config), "--cores", str(cores)]
    # a killed run leaves Snakemake's lock behind; each cell holds its own, which dies with its process
    command += ["--nolock", "--rerun-incomplete", "--rerun-triggers", "input", "--quiet", "rules", "host"]
    command += ["--resources", f"mem_mb={profile.memory_mb}"]
    # a lane that fails has finished some of its cells: what is there stays
    command += ["--keep-incomplete"]
    if subprocess.call(command, env=_environment(), stdout=sys.stderr):
        failed = [cell for cell in pending if not cell.is_done() and cell.log.exists()]
        logs = "\n".join(f"  - {cell.stage.name} {cell.label}: {cell.log}" for cell in failed)
        raise StageError(f"the workflow stopped before its report; unfinished cells with a log:\n{logs}")


def _environment() -> dict[str, str]:
    """Environment of the stages: this installation's `rt` first, and freed memory given back at once.

    glibc keeps freed blocks below a threshold that it raises by itself; with the threshold fixed, training took
    2.8 GB where it had taken 3.5, at the same speed, so two cells fit where one did.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    malloc = {"MALLOC_MMAP_THRESHOLD_": str(2**20), "MALLOC_TRIM_THRESHOLD_": str(2**26)}
    return malloc | os.environ | {"PATH": path}


def _lanes(pending: Sequence[Cell], lanes: int) -> dict[str, Any]:
    """Write the plan of `experiments.lanes`; what the workflow needs to know of it."""
    cells = [cell for cell in pending if lanes and cell.stage.name not in ALONE]
    plan = rt_home() / "plans" / "lanes.json"
    write_json(plan, [_task(cell) for cell in cells])
    return {"lanes": lanes, "plan": str(plan), "in_lanes": [cell.place for cell in cells]}


def _task(cell: Cell) -> dict[str, Any]:
    """A cell as `experiments.lanes` reads it."""
    after = [upstream.place for upstream in cell.inputs.values()]
    label = f"{cell.stage.name} {cell.label}"
    return {"key": cell.place, "label": label, "command": cell.command(), "log": str(cell.log), "after": after}


def _finish(name: str, report: Cell, worked: bool, as_json: bool) -> None:
    state = "done" if worked else "everything is up to date, nothing to do"
    result = {"profile": name, "up_to_date": not worked, "report": str(report.folder)}
    emit(result, as_json, f"{name}: {state}\nreport: {report.folder / 'index.html'}")


def _show(cells: Sequence[Cell], pending: Sequence[Cell], as_json: bool) -> None:
    waiting = {cell.name for cell in pending}
    rows = [
        {"stage": cell.stage.name, "cell": cell.name, "done": cell.name not in waiting, "command": cell.command()}
        for cell in cells
    ]
    sources = {name: availability(name) for name in pins_of(pending)}
    lines = [f"{'done' if row['done'] else 'to do':6} {row['stage']:9} {row['cell']}" for row in rows]
    lines += [f"{len(pending)} of {len(cells)} cells to do", *(f"source {name}: {at}" for name, at in sources.items())]
    emit({"cells": rows, "sources": sources}, as_json, "\n".join(lines))


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
