"""Origins of pins: how the files of each kind come to this machine. What they are is checked by `artifacts.pins`."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from artifacts.download import Resuming
from artifacts.errors import DigestError, UserError, first_line
from artifacts.files import FULL, REFUSED
from artifacts.pin_types import (
    ApiOrigin,
    HubOrigin,
    MirrorOrigin,
    Origin,
    PackageOrigin,
    Pin,
    PinnedFile,
    UrlOrigin,
    WheelOrigin,
)
from artifacts.store import mirror_folder, packaged, pins_folder

log = logging.getLogger("rt")
RESTORE = "restore it from the package or from git"
_SHOWN = 3  # files to name of those that an origin lacks


class OriginUnavailable(Exception):
    """An origin that cannot be reached or does not hold the file."""


def bring(pin: Pin, origin: Origin) -> tuple[Path, ...]:
    """Paths of an origin's files on this machine, in its order, fetched if need be; their bytes are not checked.

    Raises:
        OriginUnavailable: it cannot be reached, or lacks a file.
        DigestError: a wheel has other bytes than pinned, or a file that comes with this package is missing.
        OSError: this machine's disk refuses.
    """
    return FETCHERS[origin.kind](pin, origin)


def is_here(pin: Pin, origin: Origin) -> bool:
    """Whether an origin's files are on this machine already: nothing is fetched or checked."""
    if origin.kind == "mirror":
        return not lacking(origin)
    if origin.kind == "hub":
        return _in_hub_cache(origin)
    # what comes with the package is meant to be here: fetching it tells what is missing
    return origin.kind == "package" or all(path.is_file() for path in _kept(pin, origin)[1])


def lacking(origin: MirrorOrigin) -> str | None:
    """What the mirror lacks of an origin, in words; None where it has all."""
    mirror = mirror_folder()
    if mirror is None:
        return f"RT_MIRROR is not set (wanted: {_named([file.path for file in origin.files])})"
    missing = [str(path) for file in origin.files if not (path := mirror / file.path).is_file()]
    return f"not in the mirror: {_named(missing)}" if missing else None


def set_aside(origin: Origin, path: Path) -> str:
    """Move a wrong file out of the way, so that the next fetch gets it anew; returns what to do next.

    What the mirror or this package holds is not ours to move. In the hub's cache a snapshot's file is a link to what
    was downloaded, and that would be linked again.
    """
    if origin.kind == "package":
        return RESTORE
    if origin.kind not in ("pypi", "url", "hub"):
        return "remove or replace that file"
    with suppress(FileNotFoundError):  # another process that fetched it was first
        downloaded = path.parent / path.readlink() if path.is_symlink() else path
        aside = downloaded.with_name(f"{downloaded.name}.wrong")
        downloaded.replace(aside)
        path.unlink(missing_ok=True)
        return f"it was set aside as {aside.name}; fetch again, or look at what the origin gives now"
    return "another process set it aside; fetch again, or look at what the origin gives now"


def _from_mirror(pin: Pin, origin: MirrorOrigin) -> tuple[Path, ...]:
    if lacks := lacking(origin):
        raise OriginUnavailable(lacks)
    return tuple(mirror_folder() / file.path for file in origin.files)


def _kept(pin: Pin, origin: Origin) -> tuple[Path, tuple[Path, ...]]:
    folder = pins_folder() / pin.name / pin.version / origin.kind
    return folder, tuple(folder / file.path for file in origin.files)


def _from_wheel(pin: Pin, origin: WheelOrigin) -> tuple[Path, ...]:
    folder, paths = _kept(pin, origin)
    if all(path.is_file() for path in paths):
        return paths  # without the lock: the store may be one that can only be read
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
        raise OriginUnavailable(f"{origin.requirement}: {lines[-1]}")
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path, files: tuple[PinnedFile, ...], folder: Path) -> None:
    """Unpack only the pinned files, into a sibling first, so that a stop never leaves half a file."""
    unpacking = folder.with_name(folder.name + ".part")
    shutil.rmtree(unpacking, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        if missing := sorted({file.path for file in files} - set(archive.namelist())):
            raise OriginUnavailable(f"{wheel.name} does not hold {_named(missing)}")
        for file in files:
            archive.extract(file.path, unpacking)
    shutil.rmtree(folder, ignore_errors=True)
    unpacking.replace(folder)


def _from_hub(pin: Pin, origin: HubOrigin) -> tuple[Path, ...]:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub import logging as hub_logging
        from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
    except ImportError:
        raise OriginUnavailable("huggingface_hub is not installed") from None
    hub_logging.set_verbosity_error()  # each of its retries would be told
    log.info("fetching %s from the hub", pin.name)
    try:
        return tuple(
            Path(hf_hub_download(origin.repo, file.path, repo_type=origin.repo_type, revision=origin.revision))
            for file in origin.files
        )
    except (LocalEntryNotFoundError, OfflineModeIsEnabled):
        raise OriginUnavailable(f"the hub cannot be reached (wanted: {origin.repo})") from None
    except hub_failures() as error:
        _raise_if_ours(error)
        raise OriginUnavailable(f"{origin.repo}@{origin.revision[:12]}: {first_line(error)}") from None


def _from_url(pin: Pin, origin: UrlOrigin) -> tuple[Path, ...]:
    if len(origin.files) != 1:
        raise UserError(f"a url origin names one file, not {len(origin.files)}", where=f"pin {pin.name}")
    folder, paths = _kept(pin, origin)
    if paths[0].is_file():
        return paths  # without the lock: the store may be one that can only be read
    try:
        import pooch
        import requests
    except ImportError:
        raise OriginUnavailable("pooch is not installed") from None
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
        raise OriginUnavailable(f"{host} cannot be reached ({first_line(error)}; wanted: {origin.url})") from None
    except OSError as error:
        _raise_if_ours(error)
        raise OriginUnavailable(f"{origin.url}: {first_line(error)}") from None
    return paths


def _raise_if_ours(error: Exception) -> None:
    """A full disk or a folder that may not be written is no fault of an origin: the next one would not help."""
    if getattr(error, "errno", None) in (*FULL, *REFUSED):
        raise error


def _from_api(pin: Pin, origin: ApiOrigin) -> tuple[Path, ...]:
    raise OriginUnavailable(f"{origin.model} is served by its maker alone; there is nothing to fetch")


def hub_failures() -> tuple[type[Exception], ...]:
    """What an exchange with the hub may raise: the library's own errors, its HTTP client's, and the system's.

    The library's error is a kind of the other two, whichever client its version has.
    """
    from huggingface_hub.errors import HfHubHTTPError

    return (HfHubHTTPError, *HfHubHTTPError.__bases__, OSError)


def _in_hub_cache(origin: HubOrigin) -> bool:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return False
    cached = (
        try_to_load_from_cache(origin.repo, file.path, revision=origin.revision, repo_type=origin.repo_type)
        for file in origin.files
    )
    return all(isinstance(one, str) for one in cached)


def _from_package(pin: Pin, origin: PackageOrigin) -> tuple[Path, ...]:
    paths = tuple(packaged(file.path) for file in origin.files)
    if missing := [file.path for file, path in zip(origin.files, paths, strict=True) if not path.is_file()]:
        raise DigestError(f"missing: {_named(missing)}", where=f"files of '{pin.name}'", fix=RESTORE)
    return paths


def _named(paths: Sequence[str]) -> str:
    """The first of some paths, and how many more there are."""
    more = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


FETCHERS = {
    "mirror": _from_mirror,
    "pypi": _from_wheel,
    "hub": _from_hub,
    "url": _from_url,
    "package": _from_package,
    "api": _from_api,
}
