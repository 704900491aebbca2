"""Everything that a profile needs and this machine does not have, as one list."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from artifacts.machine import memory_bytes
from artifacts.pin_types import HubOrigin, Pin
from artifacts.pins import availability, load_pin
from artifacts.store import rt_home
from data_curation.llm_client.server import KEY_VARIABLE
from experiments.cells import Cell
from experiments.estimate import download_gb
from experiments.expand import pins_of, wishes_of
from experiments.missing import EVERY_BASE, missing_conditions
from experiments.needs import stage_needs
from experiments.profiles import Profile
from experiments.rewriting import lacking_files
from experiments.runs import Run
from experiments.workflow import asked_model, asks
from paper_repro.judge.registry import load_judge

WITHOUT = "without it the run goes on, and leaves out what is made with it (length-controlled win rates)"
GB, GIB, MB = 10**9, 2**30, 10**6


@dataclass(frozen=True)
class Wanted:
    """One thing that is missing.

    Attributes:
        kind: `data`, `gated model`, `server`, `key`, `package`, `command`, `GPU`, `memory`, `disk` or `left out`.
        what: The thing.
        fix: What to do about it.
    """

    kind: str
    what: str
    fix: str

    def as_json(self) -> dict[str, str]:
        """Ready for JSON."""
        return asdict(self)


def wanted(profile: Profile, pending: Sequence[Cell], runs: Sequence[Run]) -> list[Wanted]:
    """What is missing for the cells that are not done, and what the profile leaves out."""
    found = [
        *_sources(profile, pending),
        *_rewriting(profile, pending),
        *_judges(profile, pending),
        *_software(profile, pending),
    ]
    found += [*_machine(profile, pending, runs)]
    for one in missing_conditions(profile):
        whole = one["base_model"] == EVERY_BASE
        found.append(Wanted("left out", one["study"] + ("" if whole else f" on {one['base_model']}"), one["reason"]))
    return list(dict.fromkeys(found))


def _sources(profile: Profile, pending: Sequence[Cell]) -> Iterator[Wanted]:
    for name in pins_of(pending):
        pin, at = load_pin(name), availability(name)
        if at.startswith("missing"):
            yield Wanted("data", f"{name} ({pin.title}): {at.removeprefix('missing: ')}", pin.note or "set RT_MIRROR")
        elif pin.gated and not at.startswith("here"):
            yield Wanted("gated model", f"{_repository(pin)} ({pin.licence})", pin.note or "accept its terms, log in")
    for name in wishes_of(pending):
        if (at := availability(name)).startswith("missing"):
            yield Wanted("data", f"{name} ({load_pin(name).title}): {at.removeprefix('missing: ')}", WITHOUT)
    for server in profile.servers:
        if server.gated and any(asks(cell, server) for cell in pending):
            fix = f"accept the terms on the page of {server.gated} on the hub, then log in where the server runs"
            yield Wanted("gated model", f"{server.gated} (on a server)", fix)


def _repository(pin: Pin) -> str:
    return next((origin.repo for origin in pin.origins if isinstance(origin, HubOrigin)), pin.name)


def _rewriting(profile: Profile, pending: Sequence[Cell]) -> Iterator[Wanted]:
    """Files that the user has to give, and what rewriting models lack."""
    for name in lacking_files(pending):
        fix = f'--set rewrites.{name}.file=FILE (JSONL, a line {{"text": ...}} each)'
        yield Wanted("data", f"{name}: {profile.rewrites[name].what}", fix)
    for cell in pending:
        if cell.stage.name == "rewrite":
            yield from _server(profile, cell, f"the rewriting of {cell.label}", f"rewrites.{cell.label}.rewrite")


def _judges(profile: Profile, pending: Sequence[Cell]) -> Iterator[Wanted]:
    """Servers that nobody has named, and keys that are not set."""
    for number, judge in enumerate(profile.judges):
        cells = [cell for cell in pending if cell.stage.name == "judge" and cell.settings.judge == judge.judge]
        if load_judge(judge.judge).kind != "llm" or not cells:
            continue
        yield from _server(profile, cells[0], judge.judge, f"judges.{number}")


def _server(profile: Profile, cell: Cell, asker: str, where: str) -> Iterator[Wanted]:
    """The server of the model that a cell asks, where nobody has named it; its key, where that is not set."""
    model, server = asked_model(cell), cell.settings.server
    if server.url is None:
        if not any(asks(cell, one) for one in profile.servers):
            fix = f"--set {where}.server.url=http://HOST:PORT/v1, or give the profile a server of that model"
            yield Wanted("server", f"{model}, which {asker} asks", fix)
    elif not server.is_local:
        variable = server.key_variable or KEY_VARIABLE
        if not os.environ.get(variable, "").strip():
            yield Wanted("key", f"{variable}, for {model}", f"set the environment variable {variable}")


def _software(profile: Profile, pending: Sequence[Cell]) -> Iterator[Wanted]:
    quantised = any(cell.stage.name == "train" and cell.settings.quantisation for cell in pending)
    paged = any(cell.stage.name == "train" and cell.settings.optimiser.startswith("paged") for cell in pending)
    if (quantised or paged) and importlib.util.find_spec("bitsandbytes") is None:
        yield Wanted("package", "bitsandbytes", "in a checkout: pip install -c constraints.txt -e '.[qlora]'")
    for server in profile.servers:
        program = shlex.split(server.command)[0]
        if any(asks(cell, server) for cell in pending) and shutil.which(program) is None:
            yield Wanted("command", f"{program}, which serves {server.model}", "install it where that job runs")


def _machine(profile: Profile, pending: Sequence[Cell], runs: Sequence[Run]) -> Iterator[Wanted]:
    """GPUs, memory and disk, against those of this machine; a cluster's are its own."""
    stages = {cell.stage.name for cell in pending}
    needs = {stage: stage_needs(profile, stage) for stage in sorted(stages)}
    needs |= {f"the server of {one.model}": one.needs for one in profile.servers if any(asks(c, one) for c in pending)}
    here = visible_gpus()
    least = max((run.cost.gpu_gib or 0 for run in runs if not run.done), default=0)
    cluster = "or run on a cluster that has them (--cluster slurm)"
    for name, need in needs.items():
        if need.gpus > here:
            size = (
                f", of more than {least:.0f} GiB each (weights and optimiser state)"
                if name == "train" and least
                else ""
            )
            seen = f"this machine shows {here or 'none'}"
            yield Wanted("GPU", f"{need.gpus} for {name}{size}; {seen}", f"run where they are, {cluster}")
    memory = memory_bytes()
    if most := max((need.memory_mb for need in needs.values()), default=0):
        names = ", ".join(name for name, need in needs.items() if need.memory_mb == most)
        if memory is not None and most * MB > memory:
            what = f"{most / 1000:.0f} GB of main memory for {names}; this machine has {memory / GB:.0f} GB"
            yield Wanted("memory", what, f"run where it is, {cluster}")
    disk = sum(run.cost.disk_gb or 0 for run in runs if not run.done) + download_gb(pending)
    free = shutil.disk_usage(_existing(rt_home())).free / GB
    if disk > free:
        what = f"{disk:,.0f} GB for weights alone; {free:,.0f} GB are free at RT_HOME"
        yield Wanted("disk", what, "point RT_HOME to a larger disk, or keep adapters only (--set train.merge=false)")


def visible_gpus() -> int:
    """NVIDIA GPUs that the driver of this machine lists; no torch is loaded."""
    if (program := shutil.which("nvidia-smi")) is None:
        return 0
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return len(re.findall(r"^GPU \d+:", listed, re.MULTILINE))


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())
