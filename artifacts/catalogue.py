"""Published artifacts: folders of `RT_HOME/published/NAME/VERSION`, found by NAME@VERSION: no name ever moves."""

from __future__ import annotations

import re
from pathlib import Path

from artifacts.digests import digest_json
from artifacts.errors import DigestError, InputError, UserError
from artifacts.lock import locked_digests, locked_version
from artifacts.manifest import Artifact, is_artifact
from artifacts.pin_types import Pin
from artifacts.pins import load_pin, near, pin_names
from artifacts.publication import Publication, read_publication
from artifacts.store import rt_home

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")


Found = Pin | tuple[Publication, Artifact]


def published_folder() -> Path:
    """Folder of all published artifacts."""
    return rt_home() / "published"


def split(label: str) -> tuple[str, str | None]:
    """Name and version of NAME@VERSION or NAME.

    Raises:
        UserError: characters that no name or version has; a path among them.
    """
    name, at, version = label.partition("@")
    if not NAME.fullmatch(name):
        raise UserError(
            "a name has small letters, digits, '.', '_' and '-', and begins with one of the first two", where=label
        )
    if at and not VERSION.fullmatch(version):
        raise UserError("a version has letters, digits and . + _ -, and begins with one of the first two", where=label)
    return name, version or None


def versions(name: str) -> list[str]:
    """Published versions of a name, in alphabetical order."""
    folder = published_folder() / name
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if VERSION.fullmatch(path.name) and is_artifact(path))


def published_labels() -> list[str]:
    """NAME@VERSION of everything published."""
    home = published_folder()
    names = sorted(path.name for path in home.iterdir() if path.is_dir()) if home.is_dir() else []
    return [f"{name}@{version}" for name in names for version in versions(name)]


def resolve(label: str) -> Found:
    """The pin or the published artifact that NAME@VERSION means.

    A name alone means the version that the lock file has for it. A pin's name means the one version that this package
    pins, unless the lock file has another one.

    Raises:
        UserError: no such name or version, or a name alone that the lock file does not have.
        DigestError: the lock file has another digest for it.
    """
    found = find(label)
    digest, locked = digest_of(found), locked_digests().get(label_of(found))
    if locked not in (None, digest):
        fix = "it is not what was locked under this name and version (rt artifacts lock --help)"
        raise DigestError(f"digest is {digest}, locked is {locked}", where=label_of(found), fix=fix)
    return found


def find(label: str) -> Found:
    """The same, whatever digest the lock file has for it."""
    name, version = split(label)
    version = version or locked_version(name)
    if name in pin_names():
        pin = load_pin(name)
        if version not in (None, pin.version):
            fix = f"another version of this package has that one; rt artifacts lock --update {pin.label} takes this one"
            raise UserError(f"'{name}' is pinned at version {pin.version}, not {version}", where=label, fix=fix)
        return pin
    known = versions(name)
    if not known:
        fix = f"{near(label, published_labels(), 'published')}; {near(name, pin_names(), 'pins')}"
        raise UserError(f"nothing is called '{name}'", where=label, fix=fix)
    if version is None:
        fix = (
            f"name one: {', '.join(f'{name}@{one}' for one in known)}; or lock it: rt artifacts lock {name}@{known[-1]}"
        )
        raise UserError("a name without a version, and the lock file has none for it", where=label, fix=fix)
    if version not in known:
        raise UserError(f"'{name}' has no version {version}", where=label, fix=f"versions: {', '.join(known)}")
    return read_published(published_folder() / name / version)


def read_published(folder: Path) -> tuple[Publication, Artifact]:
    """What is published in a folder of `RT_HOME/published`.

    Raises:
        InputError, DigestError: as `read_publication`; or the folder is another one's, or a link that leads elsewhere.
    """
    if folder.resolve() != published_folder().resolve() / folder.parent.name / folder.name:
        raise InputError("a link that leads out of the store", where=str(folder), fix="publish what it leads to")
    publication, artifact = read_publication(folder)
    if (publication.name, publication.version) != (folder.parent.name, folder.name):
        raise InputError(f"this is {publication.label}, in a folder of another name", where=str(folder))
    return publication, artifact


def pin_digest(pin: Pin) -> str:
    """Digest of what a pin promises: its version, origins and their digests; a reworded note changes nothing."""
    return digest_json(pin.model_dump(mode="json", include={"name", "version", "kind", "origins"}))


def digest_of(found: Found) -> str:
    """Digest of a pin or of a published artifact: what the lock file keeps."""
    return pin_digest(found) if isinstance(found, Pin) else found[0].digest


def label_of(found: Found) -> str:
    """NAME@VERSION of a pin or of a published artifact."""
    return found.label if isinstance(found, Pin) else found[0].label


def citable(found: Found) -> Pin | Publication:
    """What `artifacts.cite` takes."""
    return found if isinstance(found, Pin) else found[0]


def lockable() -> list[Found]:
    """All pins, and published names that are locked or have one version: those a name alone can mean."""
    found: list[Found] = [load_pin(name) for name in pin_names()]
    for name in dict.fromkeys(label.partition("@")[0] for label in published_labels()):
        known, locked = versions(name), locked_version(name)
        if locked or len(known) == 1:
            found.append(read_published(published_folder() / name / (locked or known[0])))
    return found
