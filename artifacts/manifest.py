"""`manifest.json`: what an artifact is (`identity`) and how it came about (`provenance`).

Only `identity` enters digests and reports, so the same work gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from artifacts.digests import digest_file, digest_json
from artifacts.errors import DigestError, InputError
from artifacts.files import read_json, write_json
from artifacts.settings import faults_of

MANIFEST = "manifest.json"
SCHEMA = 1


class OutputFile(BaseModel):
    """One file of an artifact: SHA-256 of its bytes and its size in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    sha256: str
    bytes: int


class Identity(BaseModel):
    """What decides an artifact's content, and the content itself.

    Attributes:
        kind: Artifact kind, e.g. `curated`, `model`, `verdicts`.
        stage: Command word that made it.
        stage_version: Version number of that stage's code.
        settings: Every setting, resolved.
        inputs: Name to digest, of artifacts (their identity) or files (their bytes).
        packages: Distribution name to version, those that can change the result.
        threads: Number of compute threads where that can change the result, else None.
        summary: Small deterministic facts the stage reports (counts, condition, final loss).
        outputs: Relative path to digest and size of every data file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: str
    stage: str
    stage_version: int
    settings: dict[str, Any]
    inputs: dict[str, str]
    packages: dict[str, str]
    threads: int | None
    summary: dict[str, Any]
    outputs: dict[str, OutputFile]

    @field_validator("outputs")
    @classmethod
    def _names_stay_inside(cls, value: dict[str, OutputFile]) -> dict[str, OutputFile]:
        """No manifest can lead to a file outside its folder."""
        for name in value:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or str(path) != name:
                raise ValueError(f"'{name}' is no path within the artifact's folder")
        return value

    @property
    def digest(self) -> str:
        """SHA-256 of the whole identity: the artifact's name for downstream stages and citations."""
        return digest_json(self.model_dump(mode="json"))


class Artifact(BaseModel):
    """A finished artifact: its folder and its manifest's two parts."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: Path
    identity: Identity
    provenance: dict[str, Any]

    @property
    def digest(self) -> str:
        """Digest of the identity."""
        return self.identity.digest

    @property
    def summary(self) -> dict[str, Any]:
        """The stage's own deterministic facts."""
        return self.identity.summary

    @property
    def places(self) -> dict[str, str]:
        """Where its inputs lay when it was made, by name; nothing of a published copy, which tells no place."""
        found = self.provenance.get("inputs")
        return found if isinstance(found, dict) else {}

    def file(self, name: str) -> Path:
        """Path of one output file, or of the folder of a table in parts; raises InputError if there is neither."""
        if name not in self.identity.outputs and not any(key.startswith(f"{name}/") for key in self.identity.outputs):
            raise InputError(f"this {self.identity.kind} artifact has no file '{name}'", where=str(self.path))
        return self.path / name


def write_manifest(artifact: Artifact) -> None:
    """Write the manifest; called last, so a folder with one is whole."""
    value = {
        "schema": SCHEMA,
        "digest": artifact.digest,
        "identity": artifact.identity.model_dump(mode="json"),
        "provenance": artifact.provenance,
    }
    write_json(artifact.path / MANIFEST, value)


def read_manifest(folder: Path, kind: str | None = None) -> Artifact:
    """Read an artifact's manifest and check that its digest is that of its identity.

    Args:
        folder: The artifact's folder.
        kind: Expected kind; another one is refused.

    Raises:
        InputError: no manifest, not a manifest, or another kind.
        DigestError: the identity was edited after it was written.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder))
    if not path.exists():
        raise InputError(
            "no manifest.json: not an artifact, or its stage has not finished",
            where=str(folder),
            fix="run the stage that makes it again; it resumes where it was stopped",
        )
    value = read_json(path)
    try:
        artifact = Artifact(path=folder, identity=value["identity"], provenance=value["provenance"])
        recorded = value["digest"]
    except ValidationError as error:
        faults = "; ".join(faults_of(Artifact, error))
        raise InputError(f"not a manifest of schema {SCHEMA}: {faults}", where=str(path)) from None
    except (KeyError, TypeError) as error:
        raise InputError(f"not a manifest of schema {SCHEMA}: {error}", where=str(path)) from None
    if artifact.digest != recorded:
        raise DigestError("the manifest was changed after it was written (digest differs)", where=str(path))
    if kind is not None and artifact.identity.kind != kind:
        raise InputError(f"expected a '{kind}' artifact, found '{artifact.identity.kind}'", where=str(folder))
    return artifact


def is_artifact(path: Path) -> bool:
    """Whether `path` is a folder with a manifest."""
    return (path / MANIFEST).is_file()


def verify_outputs(artifact: Artifact, contents: bool = True) -> None:
    """Check every output file's size and, with `contents`, its bytes; raises DigestError naming each fault."""
    found = (
        (name, _fault(artifact.path, name, output, contents)) for name, output in artifact.identity.outputs.items()
    )
    faults = sorted(f"{name}: {fault}" for name, fault in found if fault)
    if faults:
        raise DigestError("; ".join(faults), where=str(artifact.path), fix="delete the folder and run its stage again")


def _fault(folder: Path, name: str, output: OutputFile, contents: bool) -> str | None:
    """What is wrong with one output file, or None. A link that leaves the folder is not followed."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        return f"a link that leads out of the folder, to {path.resolve()}"
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size != output.bytes:
        return f"bytes differ from the manifest ({size} of them, not {output.bytes})"
    return "bytes differ from the manifest" if contents and digest_file(path) != output.sha256 else None
