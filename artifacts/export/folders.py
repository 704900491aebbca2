"""The folder that an export fills: new, and whole before it has its name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from artifacts.errors import UserError
from artifacts.files import disk_faults


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a sibling folder to fill; it gets the name `out` when all went well, and is removed when not.

    Raises:
        UserError: `out` is there already, another process is filling it, or its place may not be written.
        StageError: the disk is full.
    """
    building = out.with_name(f".{out.name}.part")
    with disk_faults(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with _alone(out):
            if out.exists() or out.is_symlink():
                raise UserError("is there already", where=str(out), fix="choose a new folder for --out")
            shutil.rmtree(building, ignore_errors=True)  # what a killed process left
            building.mkdir()
            try:
                yield building
                building.replace(out)
            finally:
                shutil.rmtree(building, ignore_errors=True)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """One process fills a folder; the lock goes with it."""
    lock = FileLock(out.with_name(f".{out.name}.part.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError("another process is writing there", where=str(out), fix="choose another --out") from None
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def needs(package: str) -> UserError:
    """The error for a library that is not installed."""
    fix = "install the extra 'export' (in a checkout: pip install -c constraints.txt -e '.[export]')"
    return UserError(f"this needs {package}, which is not installed", fix=fix)
