"""Run a profile: plan its cells, check that their data can be had, let Snakemake run what is missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from artifacts.errors import DigestError, MissingDataError
from artifacts.pins import fetch, has_files, load_pin
from artifacts.stage import thread_count
from artifacts.store import mirror_folder, rt_home
from experiments.cells import Cell
from experiments.dry_run import show
from experiments.expand import pins_of, plan_cells, repositories_of, wishes_of
from experiments.profiles import load_profile
from experiments.rewriting import lacking_files
from experiments.workflow import cluster_folder, run_workflow
from paper_repro.cli.common import emit
from paper_repro.models import model_folder


def reproduce(
    profile_name: str,
    overrides: Sequence[str],
    *,
    studies: Sequence[str] = (),
    cores: int | None = None,
    cluster: str | None = None,
    dry_run: bool = False,
    as_json: bool = False,
) -> None:
    """Bring every cell of a profile, or of some of its studies, up to date and say where the report is.

    Args:
        profile_name: Name or path of the profile.
        overrides: `key.path=value` entries.
        studies: Studies to take alone.
        cores: Of this machine; None: all.
        cluster: Run cells as jobs: `slurm`, or a folder with Snakemake's `config.yaml`.
        dry_run: Show the plan, what it takes and what is missing; do nothing.
        as_json: Show it as JSON.

    Raises:
        UserError: no such profile, study or cluster.
        MissingDataError: data that no reachable origin holds; one message for all of it, before any work.
        StageError: a cell failed; the message names its log.
    """
    _absolute_environment()
    folder = None if cluster is None else cluster_folder(cluster)
    profile = load_profile(profile_name, overrides, studies)
    cores = cores or thread_count()
    os.environ["RT_THREADS"] = str(profile.threads)  # part of every compute cell's name
    cells = plan_cells(profile)
    pending = [cell for cell in cells if not cell.is_done()]
    report = cells[-1]
    if dry_run:
        show(profile, cells, pending, as_json)
        return
    if pending:
        _fetch_all(pending)
        _say(f"{profile.name}: {len(pending)} of {len(cells)} cells to do")
        asked = {"profile": profile_name, "overrides": list(overrides), "studies": list(studies)}
        run_workflow(asked, pending, cores, profile, folder)
    _finish(profile.name, report, bool(pending), as_json)


def _absolute_environment() -> None:
    """The workflow and its stages run in other folders than this process."""
    os.environ["RT_HOME"] = str(rt_home())
    if (mirror := mirror_folder()) is not None:
        os.environ["RT_MIRROR"] = str(mirror)


def _fetch_all(pending: Sequence[Cell]) -> None:
    """Fetch every pin and repository the pending cells need, so that what is missing is told at once and first."""
    missing = [f"{name}: its texts are in no source, and no file of them is given" for name in lacking_files(pending)]
    for name in pins_of(pending):
        if not has_files(load_pin(name)):  # a model that is only asked through a server
            continue
        try:
            fetch(name)
        except MissingDataError as error:
            missing.append(error.message)
    for base in repositories_of(pending):
        try:
            model_folder(base)
        except MissingDataError as error:
            missing.append(f"{error.where}: {error.message}\n  - {error.fix}")  # a gated one has terms to accept
    if missing:
        raise MissingDataError(
            f"{len(missing)} of the profile's sources cannot be had:\n" + "\n".join(missing),
            fix="set RT_MIRROR to a folder that holds the files named above (layout: artifacts/pins/*.yaml), "
            "or run where their other origins can be reached; --dry-run lists everything that is missing",
        )
    for name in wishes_of(pending):
        try:
            fetch(name)
        except (MissingDataError, DigestError) as error:
            _say(f"going on without {name}, and without what is made with it: {error}")


def _finish(name: str, report: Cell, worked: bool, as_json: bool) -> None:
    state = "done" if worked else "everything is up to date, nothing to do"
    result = {"profile": name, "up_to_date": not worked, "report": str(report.folder)}
    emit(result, as_json, f"{name}: {state}\nreport: {report.folder / 'index.html'}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
