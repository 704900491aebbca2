"""Replacing a finished artifact: it is kept beside the new work until that is finished, and is never lost.

An output folder holds either what is finished, or a replacement at work with the finished content whole in `.old`. A
replacement that failed lies in `.stopped` while the finished content is back in place. Content moves by renames alone,
and `settle` ends or takes back a move that a kill stopped, wherever that was.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from artifacts.files import read_json
from artifacts.manifest import MANIFEST, is_artifact

PARTIAL = "partial.json"
SCRATCH = "_work"
LOCK = ".lock"
_OLD = ".old"  # the finished content, whole
_OLD_MOVING = ".old.part"  # part of it; all else in the output folder is of it too
_STOPPED = ".stopped"  # a replacement that failed; next to `.old`, a part of one
_GONE = ".gone"  # what nobody needs any more
SLOTS = frozenset((_OLD, _OLD_MOVING, _STOPPED, _GONE))
log = logging.getLogger("rt")


def begun_plan(folder: Path) -> str | None:
    """Digest of the plan that work in a folder was begun with, or None."""
    partial = folder / PARTIAL
    return read_json(partial).get("plan_digest") if partial.exists() else None


def is_replacing(out: Path) -> bool:
    """Whether a replacement is at work in `out`, or was when its process was killed."""
    return (out / _OLD).is_dir()


def settle(out: Path) -> None:
    """End or take back what a killed process had begun to move in `out`."""
    _remove(out / _GONE)
    if (out / _OLD_MOVING).is_dir():
        _move_back(out)
    elif is_replacing(out):
        _unpack(out / _STOPPED, out)
        if is_artifact(out):
            retire(out)


def set_aside(out: Path, plan_digest: str) -> None:
    """Make room in `out` for a replacement, and bring back what there is of an earlier one of the same plan."""
    moving = out / _OLD_MOVING
    moving.mkdir()
    (out / MANIFEST).rename(moving / MANIFEST)  # first, so that a stop in between never looks whole
    for path in _content(out):
        path.rename(moving / path.name)
    if begun_plan(out / _STOPPED) != plan_digest:
        _discard(out / _STOPPED)  # while the old is still to be moved back: a stop leaves no half of it
    moving.rename(out / _OLD)
    _unpack(out / _STOPPED, out)


def put_back(out: Path) -> None:
    """Give a failed replacement's place back to what was finished before; what it has done is kept for its next run."""
    if not is_replacing(out) or is_artifact(out):
        return
    scratch = out / SCRATCH
    keep = scratch.is_dir() and any(scratch.iterdir())
    stopped = out / (_STOPPED if keep else _GONE)
    stopped.mkdir(exist_ok=True)
    for path in _content(out):
        path.rename(stopped / path.name)
    (out / _OLD).rename(out / _OLD_MOVING)
    _move_back(out)
    _remove(out / _GONE)
    log.warning("what was finished in %s before is kept, and in its place again", out)


def retire(out: Path) -> None:
    """Let go of the old content: the replacement is finished."""
    _discard(out / _OLD)


def _move_back(out: Path) -> None:
    moving = out / _OLD_MOVING
    _unpack(moving, out, last=MANIFEST)


def _content(out: Path) -> list[Path]:
    return [path for path in out.iterdir() if path.name != LOCK and path.name not in SLOTS]


def _unpack(folder: Path, out: Path, last: str = PARTIAL) -> None:
    """Move a folder's content into `out`, one name at the very end, and remove the folder; nothing if there is none."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir(), key=lambda path: path.name == last):
        target = out / path.name
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)  # a worker that outlived its stage wrote there
        path.rename(target)
    folder.rmdir()


def _discard(folder: Path) -> None:
    """Remove a folder so that a stop in between leaves nothing that looks whole."""
    if folder.is_dir():
        gone = folder.with_name(_GONE)
        _remove(gone)
        folder.rename(gone)
        _remove(gone)


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
