"""What may go from RT_HOME: leftovers always; artifacts that nothing refers to only where it is asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from artifacts.aside import LOCK, PARTIAL, SLOTS
from artifacts.catalogue import published_folder, read_published
from artifacts.chain import artifacts_below
from artifacts.errors import InputError, ResponseTuningError
from artifacts.files import disk_faults, read_json
from artifacts.lock import locked_digests
from artifacts.manifest import MANIFEST, Artifact, is_artifact, read_manifest
from artifacts.pins import load_pin, pin_names
from artifacts.publication import PUBLICATION, read_publication
from artifacts.store import pins_folder, rt_home

# kinds that runs end in: all that these were made from is in use
_ENDS = ("report",)
_LEFTOVERS = ("*.part", ".*.partial", "*.wrong", ".*.tmp")
# beside a version: a published name or version may itself end in .part, and what lies in a version is of it
_HALF_PUBLISHED = (".*.part", ".*.tmp")


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
    stopped run that would resume, nor what either was begun from.

    Args:
        unreferenced: Also artifacts that no report, published or locked artifact, and none of `keep`, was made from.
        keep: Artifacts to be kept, or folders of such, with all that they were made from; they may lie anywhere.

    Raises:
        InputError: there is no artifact in a folder of `keep`; or a publication or the lock file cannot be read.
        InputError, DigestError: with `unreferenced`, a manifest or a stopped run's plan cannot be read, of RT_HOME, of
            `keep`, or of what was used from elsewhere: nobody can say what it refers to.
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
    pins, published = pins_folder(), published_folder()
    found = {path for pattern in _LEFTOVERS for path in pins.rglob(pattern)} | set(pins.glob("*/*/wheel"))
    hidden = (path for pattern in _HALF_PUBLISHED for path in published.rglob(pattern))
    found |= {path for path in hidden if path.parent.parent == published}
    for path in sorted(found):
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
    artifacts = {folder: _read(folder) for folder in _stage_folders(home)}
    used = _used(home, list(artifacts.values()), keep)
    for folder, artifact in sorted(artifacts.items()):
        if artifact.digest not in used and _free(folder):
            yield Waste(folder, f"a {artifact.identity.kind} that nothing refers to", _size(folder))


def _stage_folders(home: Path) -> list[Path]:
    outside = (pins_folder(), published_folder())
    return [folder for folder in artifacts_below(home) if not any(folder.is_relative_to(one) for one in outside)]


def _used(home: Path, artifacts: Sequence[Artifact], keep: Sequence[Path]) -> set[str]:
    """Digests of all that is in use, and of all that it was made from.

    In use are the ends of runs, what is published, locked or to be kept, what stages that are not done were begun from,
    and what these are to replace.
    """
    replaced, begun = _unfinished(home)
    ends = [*replaced, *(artifact for artifact in artifacts if artifact.identity.kind in _ENDS)]
    ends += [artifact for path in keep for artifact in _kept(path)]
    digests = begun | {digest for key, digest in locked_digests().items() if "/" not in key}
    for folder in artifacts_below(published_folder()):
        digests |= set(read_published(folder)[0].lineage["nodes"])
    return _with_sources(digests, ends, {artifact.digest: artifact for artifact in artifacts})


def _with_sources(digests: Iterable[str], ends: Iterable[Artifact], shelf: dict[str, Artifact]) -> set[str]:
    """Some digests and artifacts, and all that these were made from, wherever it lies; `shelf` has those of RT_HOME."""
    used, done = set(digests), set()
    found = [*ends, *(shelf[digest] for digest in used if digest in shelf)]
    while found:
        artifact = found.pop()
        used.add(artifact.digest)
        if artifact.digest in done:
            continue
        done.add(artifact.digest)
        below = {digest: artifact.places.get(role) for role, digest in artifact.identity.inputs.items()}
        if (artifact.path / PUBLICATION).is_file():  # its manifest tells no places, but its record the whole chain
            below = dict.fromkeys(read_publication(artifact.path)[0].lineage["nodes"]) | below
        used |= below.keys()
        sources = (shelf.get(digest) or _elsewhere(digest, place) for digest, place in below.items())
        found += [source for source in sources if source is not None]
    return used


def _elsewhere(digest: str, place: str | None) -> Artifact | None:
    """The artifact with this digest where an input lay, or None: a plain file, or gone, or another one by now."""
    if not isinstance(place, str) or not is_artifact(Path(place)):
        return None
    artifact = _read(Path(place))
    return artifact if artifact.digest == digest else None


def _unfinished(home: Path) -> tuple[list[Artifact], set[str]]:
    """What running and stopped stages are to replace, and digests of what they were begun from."""
    replaced: list[Artifact] = []
    begun: set[str] = set()
    for here, _, files in os.walk(home):
        folder = Path(here)
        if MANIFEST in files:  # a finished one keeps its plan, which its manifest has too
            replaced += [_read(folder)] if folder.name in SLOTS else []
        elif PARTIAL in files:
            begun |= _begun_from(read_json(folder / PARTIAL))
    return replaced, begun


def _begun_from(partial: Any) -> set[str]:
    """Digests of the inputs in a stopped run's plan; none in one that was being cleared."""
    plan = partial.get("plan") if isinstance(partial, dict) else None
    return set(plan["inputs"].values()) if isinstance(plan, dict) else set()


def _kept(path: Path) -> list[Artifact]:
    """The artifacts below a folder."""
    folders = list(artifacts_below(path))
    if not folders:
        raise InputError(
            "holds no artifact, so there is nothing to keep",
            where=str(path),
            fix="give --keep the folder of an artifact (with a manifest.json), or a folder of such folders",
        )
    return [_read(folder) for folder in folders]


def _read(folder: Path) -> Artifact:
    """The artifact in a folder; one that cannot be read may have been made from anything, so nothing may go then."""
    try:
        return read_manifest(folder)
    except ResponseTuningError as error:
        error.fix = "nobody can say what it was made from: make it again, or remove its folder, then ask again"
        raise


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
