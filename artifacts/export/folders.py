"""The folder that an export fills: new, and whole before it has its name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from artifacts.errors import UserError
from artifacts.files import disk_faults


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a sibling folder to fill; it gets the name `out` when all went well, and is removed when not.

    Raises:
        UserError: `out` is there already, or its place may not be written.
        StageError: the disk is full.
    """
    if out.exists() or out.is_symlink():
        raise UserError("is there already", where=str(out), fix="choose a new folder for --out")
    building = out.with_name(f".{out.name}.part")
    with disk_faults(out):
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        try:
            yield building
            building.replace(out)
        finally:
            shutil.rmtree(building, ignore_errors=True)


def needs(package: str) -> UserError:
    """The error for a library that is not installed."""
    return UserError(f"this needs {package}, which is not installed", fix='pip install "response-tuning[export]"')
