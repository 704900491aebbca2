"""Digests of files whose pin has none: the first download records them, later ones must match.

One JSON file below RT_HOME, `pins/lock.json`: "pin@version/origin/path" to SHA-256. It can be copied to another
machine, which then gets the same bytes or an error.
"""

from __future__ import annotations

import re

from filelock import FileLock

from artifacts.errors import InputError
from artifacts.files import read_json, write_json
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
    if not path.exists():
        return {}
    value = read_json(path)
    whole = isinstance(value, dict) and all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in value.values())
    if not whole:
        fix = "restore it; without it the next download records anew"
        raise InputError("not a lock: names of files to SHA-256", where=str(path), fix=fix)
    return value


def lock_digest(key: str, found: str) -> str:
    """Record a digest unless there is one; returns the recorded one. Safe between processes."""
    folder = pins_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{LOCK}.lock"):
        digests = locked_digests()
        if key not in digests:
            write_json(folder / LOCK, digests | {key: found})
        return digests.get(key, found)
