"""Pins: external files by name, with origins in order, digests and licence; fetched once and verified.

A pin is one YAML file in `artifacts/pins/`. Its origins are tried in the order it gives: mirror, PyPI wheel, hub, URL;
but a mirror that holds only a part of the rows comes last, and using it is said aloud. Pins of what comes with this
package (origin `package`) are made by `artifacts.shipped_pins`.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Sequence
from pathlib import Path

from artifacts.digests import digest_file
from artifacts.errors import DigestError, MissingDataError, UserError
from artifacts.files import disk_faults, read_yaml
from artifacts.lock import LOCK, lock_digest, lock_key, locked_digests
from artifacts.origins import OriginUnavailable, bring, is_here, lacking, set_aside
from artifacts.pin_types import Fetched, Origin, Pin, PinnedFile
from artifacts.settings import validate_settings
from artifacts.store import pins_folder

log = logging.getLogger("rt")
PINS = Path(__file__).resolve().parent / "pins"
_FEW = 12  # names that a message may list


def pin_names() -> list[str]:
    """Names of all pins."""
    return sorted(path.stem for path in PINS.glob("*.yaml"))


def load_pin(name: str) -> Pin:
    """Read a pin by name; an unknown name is refused with the known ones."""
    path = PINS / f"{name}.yaml"
    if "/" in name or not path.is_file():
        raise UserError(f"no pin is called '{name}'", fix=near(name, pin_names(), "known pins"))
    pin = validate_settings(Pin, read_yaml(path), where=str(path))
    if pin.name != name:
        raise UserError(f"the pin's name is '{pin.name}', its file's '{name}'", where=str(path))
    return pin


def near(name: str, known: Sequence[str], what: str) -> str:
    """Advice on an unknown name: all known ones where they are few, else those that are like it."""
    if len(known) <= _FEW:
        return f"{what}: {', '.join(known) or '-'}"
    like = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    meant = f"did you mean {' or '.join(like)}? " if like else ""
    return f"{meant}rt artifacts list shows all {len(known)}"


def fetch(name: str) -> Fetched:
    """Make a pin's files available and verified; returns where they are.

    Raises:
        MissingDataError: no origin could give the files; the message lists each origin and why.
        DigestError: an origin gave other bytes than pinned.
        StageError: no space is left.
        UserError: the folder of fetched files may not be written.
    """
    with disk_faults(pins_folder()):
        return _fetch(load_pin(name))


def _fetch(pin: Pin) -> Fetched:
    """The files of a pin from the first origin that has them."""
    reasons = []
    for origin in pin.origins:
        try:
            paths = bring(pin, origin)
        except OriginUnavailable as unavailable:
            reasons.append(f"{origin.kind}: {unavailable}")
            continue
        if origin.coverage == "partial":
            log.warning("%s: only a part of it is at hand (%s; %s)", pin.name, origin.kind, pin.note)
        digests = tuple(_verified(pin, origin, path, file) for path, file in zip(paths, origin.files, strict=True))
        return Fetched(
            pin=pin.name, version=pin.version, origin=origin.kind, coverage=origin.coverage, paths=paths, sha256=digests
        )
    raise MissingDataError(
        f"'{pin.name}' ({pin.title}) cannot be had:\n  - " + "\n  - ".join(reasons),
        fix="set RT_MIRROR to a folder that holds the file at the path named above, or allow the network"
        + (f"; access is gated: accept its terms first ({pin.licence})" if pin.gated else ""),
    )


def availability(name: str) -> str:
    """Where a pin's files would come from, without any network or verification.

    Returns:
        `here: mirror`, `here: package`, `here: fetched before (pypi)`, `to be downloaded: pypi`, `asked through a
        server: NAME`, or `missing: ...` with what is wanted.
    """
    pin = load_pin(name)
    wanted = []
    for origin in pin.origins:
        if origin.kind == "api":
            return f"asked through a server: {origin.model}"
        if is_here(pin, origin):
            told = origin.kind if origin.kind in ("mirror", "package") else f"fetched before ({origin.kind})"
            return f"here: {told}"
        if origin.kind != "mirror":
            return f"to be downloaded: {origin.kind}"
        wanted.append(lacking(origin))
    return f"missing: {'; '.join(wanted)}"


def _verified(pin: Pin, origin: Origin, path: Path, file: PinnedFile) -> str:
    """The file's digest, equal to the pinned one; where the pin has none, to the one that the first fetch recorded."""
    found = digest_file(path)
    wanted = file.sha256 or lock_digest(lock_key(pin.name, pin.version, origin.kind, file.path), found)
    if found != wanted:
        word = "pinned" if file.sha256 else f"recorded in {pins_folder() / LOCK}"
        raise DigestError(f"SHA-256 is {found}, {word} is {wanted}", where=str(path), fix=_mend(origin, path, file))
    return found


def _mend(origin: Origin, path: Path, file: PinnedFile) -> str:
    """What to do about a wrong file; what was fetched is moved out of the way."""
    fix = set_aside(origin, path)
    return fix if file.sha256 else f"{fix}; if what was recorded first was wrong, take its line out of that file"


def has_files(pin: Pin) -> bool:
    """Whether there is anything to fetch."""
    return any(origin.files for origin in pin.origins)


def verification(pin: Pin) -> str:
    """How far a pin's bytes are fixed: `pinned`, `locked` (by the first fetch on this machine) or `unverified`.

    `by name` where there are no bytes: a model that is only served.
    """
    if not has_files(pin):
        return "by name"
    if all(file.sha256 for origin in pin.origins for file in origin.files):
        return "pinned"
    locked = locked_digests()
    known = [
        all(file.sha256 or lock_key(pin.name, pin.version, origin.kind, file.path) in locked for file in origin.files)
        for origin in pin.origins
        if not all(file.sha256 for file in origin.files)
    ]
    return "locked" if any(known) else "unverified"
