"""What may go from RT_HOME: leftovers always; artifacts that nothing refers to only where it is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from artifacts.aside import LOCK
from artifacts.catalogue import published_folder, read_published
from artifacts.chain import artifacts_below, chain_of, lineage
from artifacts.errors import InputError, ResponseTuningError
from artifacts.files import disk_faults
from artifacts.lock import locked_digests
from artifacts.manifest import Artifact, read_manifest
from artifacts.pins import load_pin, pin_names
from artifacts.store import pins_folder, rt_home

# kinds that runs end in: all that these were made from is in use
_ENDS = ("report",)
_LEFTOVERS = ("*.part", ".*.partial", "*.wrong", ".*.tmp")


@dataclass(frozen=True)
class Waste:
    """Something that may go: its path, why, and its size in bytes."""

    path: Path
    reason: str
    bytes: int


def collect(*, unreferenced: bool = False, keep: Sequence[Path] = ()) -> list[Waste]:
    """What may go, in order of path; nothing is removed here.

    Leftovers: what an interrupted publication, fetch or write left, downloads set aside as wrong, and files of pins at
    other versions than this package's and the lock file's. What a running process holds is not among them, nor is a
    stopped run that would resume.

    Args:
        unreferenced: Also artifacts that no report, published or locked artifact, and none of `keep`, was made from.
        keep: Artifacts to be kept, or folders of such, with all that they were made from; they may lie anywhere.

    Raises:
        InputError: there is no artifact in a folder of `keep`; or a publication, the lock file or an artifact of `keep`
            cannot be read; then nothing can be said.
    """
    home = rt_home()
    if not home.is_dir():
        return []
    with disk_faults(home):
        found = [*_leftovers(), *_old_pins()]
        if unreferenced:
            found += _unreferenced(home, keep)
    return sorted(found, key=lambda waste: waste.path)


def remove(wastes: Iterable[Waste]) -> list[Waste]:
    """Remove what `collect` found, but for what a process has begun to work in; returns what went."""
    gone = []
    for waste in wastes:
        with disk_faults(waste.path):
            if waste.path.is_dir():
                if not _free(waste.path):
                    continue
                shutil.rmtree(waste.path)
            else:
                waste.path.unlink(missing_ok=True)
        gone.append(waste)
    return gone


def _leftovers() -> Iterator[Waste]:
    folders = (pins_folder(), published_folder())
    found = {path for folder in folders for pattern in _LEFTOVERS for path in folder.rglob(pattern)}
    for path in sorted(found | set(pins_folder().glob("*/*/wheel"))):
        if not path.is_symlink() and _free(path):
            yield Waste(path, "left by an interrupted or refused download or publication", _size(path))


def _old_pins() -> Iterator[Waste]:
    """Versions of pins that neither this package nor the lock file names."""
    wanted = {f"{name}@{load_pin(name).version}" for name in pin_names()}
    wanted |= {key.partition("/")[0] for key in locked_digests()}
    for folder in sorted(pins_folder().glob("*/*")):
        if folder.is_dir() and not folder.is_symlink() and f"{folder.parent.name}@{folder.name}" not in wanted:
            yield Waste(folder, "files of a pin at a version that nothing names", _size(folder))


def _unreferenced(home: Path, keep: Sequence[Path]) -> Iterator[Waste]:
    artifacts = {folder: _readable(folder) for folder in _stage_folders(home)}
    used = _used(artifacts, keep)
    for folder, artifact in sorted(artifacts.items()):
        if artifact is not None and artifact.digest not in used and _free(folder):
            yield Waste(folder, f"a {artifact.identity.kind} that nothing refers to", _size(folder))


def _stage_folders(home: Path) -> list[Path]:
    outside = (pins_folder(), published_folder())
    return [folder for folder in artifacts_below(home) if not any(folder.is_relative_to(one) for one in outside)]


def _used(artifacts: dict[Path, Artifact | None], keep: Sequence[Path]) -> set[str]:
    """Digests of all that is in use: the ends of runs, what is published, locked or to be kept, and what it is of."""
    used = {digest for key, digest in locked_digests().items() if "/" not in key}
    for path in keep:
        used |= _kept(path)
    for folder in artifacts_below(published_folder()):
        used |= set(read_published(folder)[0].lineage["nodes"])
    made_from: dict[str, set[str]] = {}
    for artifact in filter(None, artifacts.values()):
        made_from[artifact.digest] = set(artifact.identity.inputs.values())
        if artifact.identity.kind in _ENDS:
            used.add(artifact.digest)
    waiting = list(used)
    while waiting:
        new = made_from.get(waiting.pop(), set()) - used
        used |= new
        waiting += new
    return used


def _kept(path: Path) -> set[str]:
    """Digests of the artifacts below a folder, and of all that they were made from, wherever it lies."""
    folders = list(artifacts_below(path))
    if not folders:
        raise InputError(
            "holds no artifact, so there is nothing to keep",
            where=str(path),
            fix="give --keep the folder of an artifact (with a manifest.json), or a folder of such folders",
        )
    return {digest for folder in folders for digest in lineage(chain_of(read_manifest(folder)))["nodes"]}


def _readable(folder: Path) -> Artifact | None:
    """The artifact, or None for one whose manifest is damaged: `verify` tells of it, and it is not ours to remove."""
    try:
        return read_manifest(folder)
    except ResponseTuningError:
        return None


def _free(path: Path) -> bool:
    """Whether no process holds a lock in the path or beside it."""
    locks = [*path.parent.glob("*.lock"), path.parent / LOCK, *((path / LOCK,) if path.is_dir() else ())]
    return all(_unheld(lock) for lock in locks if lock.is_file())


def _unheld(lock: Path) -> bool:
    try:
        with FileLock(lock, timeout=0):
            return True
    except Timeout:
        return False


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    return sum(file.stat().st_size for file in files)
