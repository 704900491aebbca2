"""The reference set of a curation: rows that are elsewhere already, and must not come in again.

Deduplication steps drop rows that are like one of the reference; the reference itself is only read. It is compared as
it stands: where a recipe repairs texts before it compares them, curate the reference by the same recipe first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from artifacts.errors import InputError, UserError
from artifacts.manifest import is_artifact, read_manifest
from artifacts.settings import Settings
from data_curation.readers import Columns, read_file
from data_curation.records import Record, from_table
from data_curation.survivors import DedupSettings

REFERENCE = "reference"  # its name among the inputs of the stage
log = logging.getLogger("rt")


@dataclass(frozen=True, slots=True)
class Reference:
    """The rows, and facts about where they come from; no rows and no facts where there is no reference."""

    records: Sequence[Record] = ()
    facts: dict[str, Any] | None = None


def check_reference(steps: Iterable[Settings], given: bool) -> None:
    """Refuse a reference that no step would look at, and a step that has nothing but a reference to look at.

    Raises:
        UserError: as said.
    """
    comparing = [step for step in steps if isinstance(step, DedupSettings)]
    if given and not comparing:
        raise UserError("a reference is given, and no step of the recipe compares with one", fix="add a dedup step")
    alone = [step.step for step in comparing if not step.within]
    if alone and not given:
        raise UserError(f"{alone[0]} has 'within: false' and no reference to compare with", fix="give --reference")


def reference_input(given: Path | str | None, columns: Columns, of: Path | None) -> dict[str, Path]:
    """The reference as an input of the stage: a file, or the folder of a corpus or curated artifact.

    Args:
        given: Its path; None = there is none.
        columns: Columns of a plain file.
        of: The input itself, which cannot be its own reference.

    Raises:
        UserError: it is not there, is something else, or is the input; or there is none, and columns of one.
    """
    if given is None:
        if columns != Columns():
            raise UserError("reference_columns are given, and no reference", fix="give --reference")
        return {}
    path = Path(given)
    if of is not None and path.resolve() == of.resolve():
        raise UserError("the reference is the input itself: nothing would be left", where=str(path))
    if is_artifact(path):
        kind = read_manifest(path).identity.kind
        if kind not in ("corpus", "curated"):
            raise InputError(f"the reference holds '{kind}', not responses", where=str(path))
        if columns != Columns():
            raise UserError("reference_columns are for plain files; an artifact has its own", where=str(path))
    elif not path.is_file():
        problem = "a folder without a manifest.json" if path.is_dir() else "no such file"
        fix = "give as reference a file, or the folder of a corpus or curated artifact"
        raise InputError(problem, where=str(path), fix=fix)
    return {REFERENCE: path}


def read_reference(path: Path | None, columns: Columns) -> Reference:
    """The rows of the reference; those that cannot be read are counted and reported, and compared with nothing."""
    if path is None:
        return Reference()
    if is_artifact(path):
        artifact = read_manifest(path)
        records = from_table(pq.read_table(artifact.file("data.parquet")))
        return Reference(records, {"response_set": artifact.summary.get("response_set"), "rows": len(records)})
    reading = read_file(path, path.name, columns)
    if reading.quarantined:
        log.warning("curate: %d rows of the reference %s cannot be used", len(reading.quarantined), path)
    facts = {"response_set": path.name, "rows": len(reading.records), "quarantined": len(reading.quarantined)}
    return Reference(reading.records, facts)
