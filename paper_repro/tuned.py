"""Folders of `model` artifacts: which one a folder of weights belongs to, and what such weights are called."""

from __future__ import annotations

from pathlib import Path

from artifacts.errors import InputError
from artifacts.manifest import read_manifest

PARTS = ("merged", "adapter")  # of a `model` artifact: every one has folders of these names


def tuned_folder(path: Path) -> Path | None:
    """The `model` artifact that a folder is, or whose `merged/` or `adapter/` it is; None for any other folder.

    Raises:
        DigestError: the artifact's manifest was changed.
    """
    if _is_tuned(path):
        return path
    whole = path.resolve()
    return whole.parent if whole.name in PARTS and whole.is_dir() and _is_tuned(whole.parent) else None


def folder_label(path: Path) -> str:
    """Name of the weights in a folder: the folder's, below a `model` artifact after that one's (`m1-merged`).

    Without a slash, so that it is one part of a path wherever it stands, and the label of itself.
    """
    whole = path.resolve()
    tuned = tuned_folder(whole)
    return whole.name if tuned in (None, whole) else f"{tuned.name}-{whole.name}"


def _is_tuned(folder: Path) -> bool:
    try:
        return read_manifest(folder).identity.kind == "model"
    except InputError:  # no manifest, or one of another tool
        return False
