"""`publication.json`: the record beside a published artifact, written and read with its own digest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from artifacts.digests import digest_file, digest_json
from artifacts.errors import DigestError, InputError, SettingsError
from artifacts.files import read_json, write_json
from artifacts.manifest import MANIFEST, Artifact, read_manifest, verify_outputs
from artifacts.settings import Settings, validate_settings

PUBLICATION = "publication.json"
_RECORD = "record"  # its key of the digest of all others
_OF_THE_HUB = (".gitattributes", ".git", ".cache")  # what the hub, a clone of it, or a download adds beside the files


class Publication(Settings):
    """What `publication.json` holds beside a published artifact.

    Attributes:
        schema_version: Of this layout.
        name: Name under which it is published.
        version: Its version; another digest under the same one is refused.
        digest: The artifact's digest.
        kind: Its kind.
        title: For people.
        authors: As the Citation File Format has them.
        date: Day of the publication, as YYYY-MM-DD; null where it is not to be told.
        licence: What `artifacts.licences.summarise` says of its parts.
        cites: Keys of `artifacts/references.yaml`: the paper, and works behind its parts.
        lineage: The chain up to the pins.
        made_with: Version of this package.
        pages: SHA-256 of each file beside the data and the manifest: card, citations, what its stage wrote beside it.
    """

    schema_version: Literal[2] = 2
    name: str
    version: str
    digest: str
    kind: str
    title: str
    authors: list[dict[str, str]]
    date: str | None
    licence: dict[str, Any]
    cites: list[str]
    lineage: dict[str, Any]
    made_with: str
    pages: dict[str, str] = Field(default_factory=dict)

    @property
    def label(self) -> str:
        """NAME@VERSION."""
        return f"{self.name}@{self.version}"


def write_publication(folder: Path, publication: Publication, artifact: Artifact) -> Publication:
    """Write the record into a folder that is whole but for it; returns it with the digests of the other pages."""
    own = {MANIFEST, PUBLICATION, *artifact.identity.outputs}
    pages = {name: digest_file(folder / name) for name in _files(folder) if name not in own}
    publication = publication.model_copy(update={"pages": pages})
    value = publication.model_dump(mode="json")
    write_json(folder / PUBLICATION, value | {_RECORD: digest_json(value)})
    return publication


def read_publication(folder: Path) -> tuple[Publication, Artifact]:
    """A published artifact's record and manifest, compared with each other; files are not read.

    Raises:
        InputError: the record is missing or is none, or its lineage goes in a circle.
        DigestError: record and manifest disagree, or the record was edited after it was written.
    """
    artifact = read_manifest(folder)
    path = folder / PUBLICATION
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError("not a publication", where=str(path))
    recorded = value.pop(_RECORD, None)
    try:
        publication = validate_settings(Publication, value)
    except SettingsError as error:
        raise InputError(f"not a publication: {'; '.join(error.faults)}", where=str(path)) from None
    if (publication.digest, publication.kind) != (artifact.digest, artifact.identity.kind):
        raise DigestError("the record is of another artifact than the one beside it", where=str(path))
    _check_lineage(publication.lineage, path)
    if digest_json(value) != recorded:
        fix = "restore it, or remove the folder and publish again"
        raise DigestError("the record was changed after it was written (digest differs)", where=str(path), fix=fix)
    return publication, artifact


def name_of(folder: Path) -> str:
    """NAME@VERSION of what is published in a folder; of any other the folder's name."""
    return read_publication(folder)[0].label if (folder / PUBLICATION).is_file() else folder.name


def verify_publication(folder: Path) -> tuple[Publication, Artifact]:
    """Read everything that is published in a folder, and compare it with its digests.

    What a repository of the hub has of its own, where the folder was fetched from one, is passed over.

    Raises:
        InputError, DigestError: as `read_publication`; or a file is missing, changed, or belongs to nothing.
    """
    publication, artifact = read_publication(folder)
    verify_outputs(artifact)
    found = _files(folder)
    known = {MANIFEST, PUBLICATION, *artifact.identity.outputs, *publication.pages}
    strange = [name for name in found if name not in known and name.partition("/")[0] not in _OF_THE_HUB]
    faults = [f"{name}: belongs to nothing that was published" for name in strange]
    for name, digest in sorted(publication.pages.items()):
        if name not in found:
            faults.append(f"{name}: missing")
        elif digest_file(folder / name) != digest:
            faults.append(f"{name}: bytes differ from {PUBLICATION}")
    if faults:
        fix = "restore the folder, or remove it and publish again"
        raise DigestError("; ".join(faults), where=str(folder), fix=fix)
    return publication, artifact


def _files(folder: Path) -> list[str]:
    """Files and links of a folder, as paths within it."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _check_lineage(lineage: Mapping[str, Any], path: Path) -> None:
    """Refuse a chain in which something is made from itself, or that ends in something it does not have."""
    nodes = lineage.get("nodes")
    if not isinstance(nodes, dict) or lineage.get("digest") not in nodes:
        raise InputError("lineage: does not hold the artifact itself", where=str(path))
    done: set[str] = set()

    def visit(digest: str, above: tuple[str, ...]) -> None:
        if digest in above:
            raise InputError(f"lineage: {digest[:12]} is made from itself", where=str(path))
        if digest not in nodes:
            raise InputError(f"lineage: {digest[:12]} is named and not there", where=str(path))
        if digest not in done:
            for below in nodes[digest].get("inputs", {}).values():
                visit(below, (*above, digest))
            done.add(digest)

    for digest in nodes:
        visit(digest, ())
