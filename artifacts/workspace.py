"""The folder that a stage works in: begun empty, resumed after a stop, and not cleared of work without being asked."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artifacts.aside import LOCK, PARTIAL, SCRATCH, SLOTS
from artifacts.digests import digest_json
from artifacts.errors import UserError
from artifacts.files import read_json, write_json

_UNFINISHED = f".{PARTIAL}.*.tmp"  # what is left of `partial.json` where a process was killed while it wrote that


@dataclass
class Workspace:
    """What a stage's work sees of its output folder.

    Attributes:
        path: The folder; every file left here (outside `scratch`) becomes an output.
        scratch: Folder for checkpoints and shards; kept when stopped, removed when done.
        resumed: Whether an earlier, stopped run of the same plan left files here.
        summary: Deterministic facts for the identity; the work fills it.
        provenance: Facts that vary between runs (speeds, durations); the work fills it.
        notes: What `Stage.describe` needs to know and no output holds; kept nowhere else.
    """

    path: Path
    scratch: Path
    resumed: bool
    summary: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


def open_workspace(out: Path, plan: dict[str, Any], overwrite: bool) -> Workspace:
    """Resume the stopped run of the same plan, or begin afresh in an empty or own folder.

    Args:
        out: The output folder.
        plan: All that decides the result.
        overwrite: Drop what a stopped run of another plan has done.

    Raises:
        UserError: the folder holds somebody's files, or work of another plan and `overwrite` is not set.
    """
    partial = out / PARTIAL
    plan_digest = digest_json(plan)
    resumed = False
    if partial.exists():
        stopped = read_json(partial)
        resumed = stopped.get("plan_digest") == plan_digest
        if not resumed:
            if not overwrite:
                _check_no_work(out, stopped.get("plan"), plan)
            _clear(out)
    elif any(path.name not in (LOCK, *SLOTS) and not path.match(_UNFINISHED) for path in out.iterdir()):
        raise UserError("not empty, and not a folder of this tool", where=str(out), fix="choose an empty or new folder")
    write_json(partial, {"plan_digest": plan_digest, "plan": plan})
    for leftover in out.rglob(".*.tmp"):
        if leftover.relative_to(out).parts[0] not in SLOTS:
            leftover.unlink()
    scratch = out / SCRATCH
    scratch.mkdir(exist_ok=True)
    return Workspace(path=out, scratch=scratch, resumed=resumed)


def differences(old: Any, new: Any, prefix: str = "") -> list[str]:
    """Dotted names of the values in which two plans differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        dot = f"{prefix}." if prefix else ""
        return [d for key in old.keys() | new.keys() for d in differences(old.get(key), new.get(key), dot + key)]
    return [] if old == new else [prefix]


def _check_no_work(out: Path, stopped: Any, plan: dict[str, Any]) -> None:
    """Refuse to lose what a stopped run has done; one without a plan was being cleared already."""
    scratch = out / SCRATCH
    if not isinstance(stopped, dict) or not scratch.is_dir() or not any(scratch.iterdir()):
        return
    changed = sorted(differences(stopped, plan))
    same = "the settings, inputs and package versions that it was begun with"
    if "threads" in changed and stopped.get("threads"):
        threads = f"RT_THREADS={stopped['threads']}"
        same = threads if changed == ["threads"] else f"{same}, and {threads}"
    raise UserError(
        f"holds a stopped run begun otherwise (differs in: {', '.join(changed)})",
        where=str(out),
        fix=f"to go on with it, use {same}; to drop what it has done and begin anew, pass --overwrite",
    )


def _clear(out: Path) -> None:
    """Remove an unfinished run's content; its plan first, so that a stop in between is never resumed."""
    write_json(out / PARTIAL, {"plan_digest": "cleared"})
    for path in out.iterdir():
        if path.name in (LOCK, PARTIAL, *SLOTS):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
