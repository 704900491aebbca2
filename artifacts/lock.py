"""The lock file: names at their versions, and digests of files whose pin has none.

One JSON file below RT_HOME, `pins/lock.json`. "pin@version/origin/path" to SHA-256: the first download of a file that
has no pinned digest records it, later ones must match. "name@version" to the digest of a pin or of a published
artifact: what the name alone means. The file can be taken over on another machine, which then gets the same bytes or
an error.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from artifacts.errors import DigestError, InputError, UserError
from artifacts.files import disk_faults, read_json, write_json
from artifacts.store import pins_folder

LOCK = "lock.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def lock_key(pin: str, version: str, origin: str, path: str) -> str:
    """Name of a file in the lock: digests are per origin."""
    return f"{pin}@{version}/{origin}/{path}"


def locked_digests() -> dict[str, str]:
    """All recorded digests by `lock_key`.

    Raises:
        InputError: the file is not such a lock; it is never repaired silently.
    """
    path = pins_folder() / LOCK
    return read_lock(path) if path.exists() else {}


def read_lock(path: Path) -> dict[str, str]:
    """A lock file, of this machine or of another.

    Raises:
        InputError: there is none, or it is something else.
    """
    value = read_json(path)
    whole = isinstance(value, dict) and all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in value.values())
    if not whole:
        fix = "restore it; without it the next download records anew"
        raise InputError("not a lock: names of files to SHA-256", where=str(path), fix=fix)
    return value


def lock_digest(key: str, found: str) -> str:
    """Record a digest unless there is one; returns the recorded one. Safe between processes, read-only ones too."""
    if key in (digests := locked_digests()):
        return digests[key]
    folder = pins_folder()
    with _writing(folder):
        digests = locked_digests()
        if key not in digests:
            write_json(folder / LOCK, digests | {key: found})
        return digests.get(key, found)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """One process at a time; what the disk refuses is an error of ours."""
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{LOCK}.lock"):
            yield


def locked_version(name: str) -> str | None:
    """The version that the lock has for a name, or None."""
    found = [key.partition("@")[2] for key in locked_digests() if "/" not in key and key.partition("@")[0] == name]
    return found[0] if found else None


def lock_names(wanted: Mapping[str, str], *, update: bool = False, pins: Collection[str] = ()) -> dict[str, str]:
    """Lock names at versions: from now on a name alone means this one, and its digest must be this one.

    Args:
        wanted: NAME@VERSION to digest.
        update: Whether a name that is locked at another version may move.
        pins: Those of them that are pins. Another version of this package may know more origins or digests of the same
            version, so `update` takes a pin as it is now.

    Returns:
        NAME@VERSION to what was done: `kept`, `added`, `changed` or `moved from VERSION`.

    Raises:
        DigestError: the lock has another digest for the same version; but for pins no update changes that.
        UserError: a name is locked at another version, and `update` is not given. Nothing is written then.
    """
    if wanted.items() <= locked_digests().items():
        return dict.fromkeys(wanted, "kept")  # nothing to write: a read-only store will do
    folder = pins_folder()
    with _writing(folder):
        digests = locked_digests()
        done = {label: _lock_one(digests, label, digest, update, label in pins) for label, digest in wanted.items()}
        write_json(folder / LOCK, digests)
    return done


def lock_as(path: Path, *, update: bool = False) -> dict[str, str]:
    """Take over somebody's lock file: its names, and its digests of files; raises and returns as `lock_names`."""
    theirs = read_lock(path)
    return lock_names({key: digest for key, digest in theirs.items() if "@" in key}, update=update)


def _lock_one(digests: dict[str, str], label: str, digest: str, update: bool, is_pin: bool) -> str:
    """Put one name, or one file of a pin, into the digests, in place."""
    name, _, version = label.partition("@")
    earlier = [] if "/" in label else [key for key in digests if "/" not in key and key.partition("@")[0] == name]
    if label in digests:
        if digests[label] != digest and is_pin and update:
            digests[label] = digest
            return "changed"
        if digests[label] != digest:
            fix = "a version never changes: publish what is new under another one"
            fix = "see what the pin says now, then --update takes it as it is" if is_pin else fix
            raise DigestError(f"digest is {digest}, locked is {digests[label]}", where=label, fix=fix)
        return "kept"
    if earlier and not update:
        old = earlier[0].partition("@")[2]
        raise UserError(f"'{name}' is locked at {old}, not {version}", where=label, fix="--update moves it")
    for key in earlier:
        del digests[key]
    digests[label] = digest
    return f"moved from {earlier[0].partition('@')[2]}" if earlier else "added"
