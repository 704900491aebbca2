"""Publish an artifact: a copy under NAME@VERSION with its card, its terms, its lineage and how to cite it."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from artifacts import __version__
from artifacts.catalogue import Publication, published_folder, read_published, split
from artifacts.chain import chain_of, lineage, parts
from artifacts.cite import BIB_NAME, CFF_NAME, bibtex, cff_text
from artifacts.errors import UserError
from artifacts.files import disk_faults, write_text
from artifacts.licences import LicencedPart, summarise
from artifacts.manifest import Artifact, read_manifest, verify_outputs
from artifacts.pins import load_pin, pin_names
from artifacts.portable import copy_artifact
from artifacts.publication import verify_publication, write_publication
from artifacts.publish_card import CARD, card

log = logging.getLogger("rt")


def publish(
    folder: Path,
    name: str,
    version: str,
    *,
    title: str | None = None,
    authors: Sequence[str] = (),
) -> tuple[Publication, Path, bool]:
    """Publish the artifact in `folder` as NAME@VERSION in `RT_HOME/published`.

    Args:
        folder: Folder of a finished artifact; it stays as it is.
        name: Small letters, digits, '.', '_', '-'; no pin's name.
        version: For ever this artifact's.
        title: For people; the name and the kind if not given.
        authors: Names as "Family, Given", or a body's name; nobody named = "The makers of NAME".

    Returns:
        Its record, its folder, and whether it had been published before.

    Raises:
        UserError: the name or version cannot be used, or NAME@VERSION is another artifact.
        DigestError: the artifact's files are not those of its manifest.
    """
    if split(f"{name}@{version}") != (name, version):
        raise UserError("give a name and a version", where=f"{name}@{version}")
    if name in pin_names():
        raise UserError("a pin has this name", where=name, fix="publish under another one")
    artifact = read_manifest(folder)
    verify_outputs(artifact)
    target = published_folder() / name / version
    if target.exists():
        return (*_same(target, artifact), True)
    with disk_faults(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / ".lock"):
            if target.exists():
                return (*_same(target, artifact), True)
            publication = _record(artifact, name, version, title, authors)
            publication = _write(artifact, publication, target)
    return publication, target, False


def _same(target: Path, artifact: Artifact) -> tuple[Publication, Path]:
    """What is published there already, if it is this artifact."""
    publication, there = read_published(target)
    if there.digest != artifact.digest:
        raise UserError(
            f"is published already, with digest {there.digest[:12]}; this one has {artifact.digest[:12]}",
            where=publication.label,
            fix="a version never changes: publish this one under another version",
        )
    verify_publication(target)
    return publication, target


def _record(artifact: Artifact, name: str, version: str, title: str | None, authors: Sequence[str]) -> Publication:
    chain = chain_of(artifact)
    made_of = parts(chain)
    return Publication(
        name=name,
        version=version,
        digest=artifact.digest,
        kind=artifact.identity.kind,
        title=_one_line(title or f"{name} ({artifact.identity.kind})"),
        authors=[_author(_one_line(one)) for one in authors] or [{"name": f"The makers of {name}"}],
        date=datetime.now(UTC).date().isoformat(),
        licence=summarise(made_of),
        cites=_works(made_of),
        lineage=lineage(chain),
        made_with=__version__,
    )


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    if not line or re.search(r"[\x00-\x1f\x7f]", line):
        raise UserError("a title or an author is a line of text", where=repr(text))
    return line


def _author(text: str) -> dict[str, str]:
    family, comma, given = (one.strip() for one in text.partition(","))
    return {"family-names": family, "given-names": given} if comma and family and given else {"name": text}


def _works(made_of: Sequence[LicencedPart]) -> list[str]:
    pins = [load_pin(part.name) for part in made_of if part.name in pin_names()]
    return list(dict.fromkeys(pin.citation for pin in pins if pin.citation))


def _write(artifact: Artifact, publication: Publication, target: Path) -> Publication:
    """Fill a sibling folder, check it, and give it its name last: a stop in between leaves nothing that looks whole."""
    if CARD in artifact.identity.outputs:
        raise UserError(f"has a {CARD} among its data, where the card would stand", where=str(artifact.path))
    building = target.with_name(f".{target.name}.part")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        publication = _fill(building, artifact, publication)
        building.replace(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    log.info("published %s (%s)", publication.label, target)
    return publication


def _fill(building: Path, artifact: Artifact, publication: Publication) -> Publication:
    """Copy the artifact, and write the pages beside it; the record comes last."""
    copy_artifact(artifact, building)
    own_card = building / CARD
    own = own_card.read_text(encoding="utf-8") if own_card.is_file() else None
    write_text(own_card, card(publication, artifact, own))
    write_text(building / CFF_NAME, cff_text(publication))
    write_text(building / BIB_NAME, bibtex(publication) + "\n")
    return write_publication(building, publication, artifact)
