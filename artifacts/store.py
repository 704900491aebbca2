"""Where runs and fetched files live."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def in_checkout() -> bool:
    """Whether this package runs from a source checkout rather than an installed wheel."""
    return (ROOT / "pyproject.toml").is_file() and (ROOT / "artifacts").is_dir()


def rt_home() -> Path:
    """Folder of all runs: `RT_HOME`, else `artifacts/runs` of a checkout, else `./rt-runs`."""
    given = os.environ.get("RT_HOME")
    if given:
        return Path(given).expanduser().resolve()
    return ROOT / "artifacts" / "runs" if in_checkout() else Path.cwd() / "rt-runs"


def packaged(path: str) -> Path:
    """Where a file that comes with this package lies, by its path below the folder of the packages."""
    return ROOT / path


def mirror_folder() -> Path | None:
    """The local mirror (`RT_MIRROR`), searched before any network; None when unset."""
    given = os.environ.get("RT_MIRROR")
    return Path(given).expanduser().resolve() if given else None


def pins_folder() -> Path:
    """Folder of files fetched for pins."""
    return rt_home() / "pins"
