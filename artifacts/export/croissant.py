"""A data set as Croissant: its files with digests, and every table's columns, read back by mlcroissant."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import __version__
from artifacts.catalogue import Publication
from artifacts.chain import chain_of, parts
from artifacts.cite import bibtex
from artifacts.errors import InputError, StageError
from artifacts.export.folders import needs, new_folder
from artifacts.files import write_json
from artifacts.licences import spdx, summarise
from artifacts.manifest import Artifact
from artifacts.portable import copy_artifact
from artifacts.references import PAPER, reference_entry

if TYPE_CHECKING:
    import mlcroissant as mlc
    import pyarrow as pa

METADATA = "croissant.json"
PARQUET = "application/x-parquet"  # the word that mlcroissant knows


def write_croissant(artifact: Artifact, out: Path, publication: Publication | None = None) -> dict[str, Any]:
    """Copy an artifact's data into `out` and describe it in `croissant.json`; then read it through mlcroissant.

    Args:
        artifact: An artifact with at least one Parquet table.
        out: A new folder.
        publication: Its record, if it is published: then it bears that name and version.

    Returns:
        `tables` and `files` (numbers), `rows` (per table, as mlcroissant read them: at most 3).

    Raises:
        InputError: it has no table.
        DigestError: a file is not what the manifest says.
        UserError: the library is not installed, or `out` cannot be used.
        StageError: mlcroissant finds a fault, or reads other columns than the file has.
    """
    try:
        import mlcroissant as mlc
    except ImportError:
        raise needs("mlcroissant") from None
    with new_folder(out) as building:
        copy_artifact(artifact, building)
        tables = _tables(artifact)
        files = _files(mlc, artifact)
        records = [_record_set(mlc, name, schema, inside) for name, (schema, inside) in tables.items()]
        metadata = mlc.Metadata(
            **_about(artifact, publication), distribution=[*files, *_sets(mlc, tables)], record_sets=records
        )
        write_json(building / METADATA, _jsonable(metadata.to_json()))
        rows = _read_back(mlc, building, {name: schema for name, (schema, _) in tables.items()})
    return {"tables": len(tables), "files": len(files), "rows": rows}


def _tables(artifact: Artifact) -> dict[str, tuple[pa.Schema, bool]]:
    """Name of each table to its columns, and whether it is a folder of parts."""
    import pyarrow.parquet as pq

    found: dict[str, tuple[pa.Schema, bool]] = {}
    for file in sorted(artifact.identity.outputs):
        folder, _, _ = file.rpartition("/")
        if not file.endswith(".parquet") or folder in found:
            continue
        found[folder or file] = pq.read_schema(artifact.path / file), bool(folder)
    if not found:
        raise InputError(f"this {artifact.identity.kind} artifact has no Parquet table", where=str(artifact.path))
    return found


def _about(artifact: Artifact, publication: Publication | None) -> dict[str, Any]:
    identity = artifact.identity
    terms = publication.licence if publication else summarise(parts(chain_of(artifact)))
    return {
        "name": publication.name if publication else f"{identity.kind}-{artifact.digest[:12]}",
        "version": _version(publication.version) if publication else "0.0.0",
        "description": (
            f"A {identity.kind} artifact made by rt {identity.stage} (response-tuning {__version__}), digest "
            f"sha256:{artifact.digest}. Use: {terms['use']}."
        ),
        "license": [spdx(terms["licence"]) or terms["licence"]],
        "cite_as": bibtex(publication) if publication else reference_entry(PAPER),
        "date_published": _date(artifact, publication),
        "url": f"urn:sha256:{artifact.digest}",
    }


def _date(artifact: Artifact, publication: Publication | None) -> datetime:
    """The day of its publication; where none is told, when it was made; where that is not told either, the epoch."""
    if publication and publication.date:
        return datetime.fromisoformat(publication.date).replace(tzinfo=UTC)
    started = artifact.provenance.get("started")
    return datetime.fromisoformat(started) if isinstance(started, str) else datetime(1970, 1, 1, tzinfo=UTC)


def _version(version: str) -> str:
    """Croissant wants MAJOR.MINOR.PATCH; another way of counting is kept behind a 0.0.0."""
    return version if re.fullmatch(r"\d+\.\d+\.\d+", version) else f"0.0.0+{re.sub(r'[^0-9A-Za-z.-]', '-', version)}"


def _files(mlc: Any, artifact: Artifact) -> list[mlc.FileObject]:
    return [
        mlc.FileObject(
            id=name,
            name=name,
            content_url=name,
            content_size=f"{output.bytes} B",
            encoding_formats=[PARQUET if name.endswith(".parquet") else "text/plain"],
            sha256=output.sha256,
        )
        for name, output in sorted(artifact.identity.outputs.items())
        if output.bytes
    ]


def _sets(mlc: Any, tables: Mapping[str, tuple[pa.Schema, bool]]) -> list[mlc.FileSet]:
    """A set of files for each table in parts."""
    return [
        mlc.FileSet(id=name, name=name, encoding_formats=[PARQUET], includes=[f"{name}/*.parquet"])
        for name, (_, inside) in tables.items()
        if inside
    ]


def _record_set(mlc: Any, name: str, schema: pa.Schema, inside: bool) -> mlc.RecordSet:
    stem = _stem(name)
    fields = []
    for column in schema:
        value, repeated = _type(mlc, column)
        source = mlc.Source(
            extract=mlc.Extract(column=column.name), **({"file_set": name} if inside else {"file_object": name})
        )
        fields.append(
            mlc.Field(
                id=f"{stem}/{column.name}",
                name=column.name,
                description=f"Column {column.name} of {name}, {column.type}.",
                data_types=[value],
                repeated=repeated,
                source=source,
            )
        )
    return mlc.RecordSet(id=stem, name=stem, description=f"Rows of {name}.", fields=fields)


def _stem(name: str) -> str:
    return name.removesuffix(".parquet").replace("/", "-")


def _type(mlc: Any, column: pa.Field) -> tuple[Any, bool]:
    """Croissant's type for a column, and whether it holds lists."""
    import pyarrow.types as kinds

    kind, repeated = column.type, kinds.is_list(column.type) or kinds.is_large_list(column.type)
    kind = kind.value_type if repeated else kind
    for is_kind, value in (
        (kinds.is_boolean, mlc.DataType.BOOL),
        (kinds.is_integer, mlc.DataType.INTEGER),
        (kinds.is_floating, mlc.DataType.FLOAT),
        (kinds.is_string, mlc.DataType.TEXT),
        (kinds.is_large_string, mlc.DataType.TEXT),
        (kinds.is_temporal, mlc.DataType.DATETIME),
    ):
        if is_kind(kind):
            return value, repeated
    raise InputError(f"column '{column.name}' has type {column.type}, for which Croissant has no word")


def _read_back(mlc: Any, folder: Path, tables: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Load the description as a reader would, and some rows of each table; their number by table."""
    try:
        dataset = mlc.Dataset(jsonld=folder / METADATA)
        read = {}
        for name, schema in tables.items():
            rows = list(itertools.islice(dataset.records(_stem(name)), 3))
            wanted = {f"{_stem(name)}/{column}" for column in schema.names}
            if any(set(row) != wanted for row in rows):
                raise StageError(f"mlcroissant reads other columns of {name} than it has", where=str(folder))
            read[name] = len(rows)
    except (mlc.ValidationError, mlc.GenerationError) as error:
        raise StageError(f"mlcroissant refuses the description: {error}", where=str(folder)) from error
    if issues := dataset.metadata.issues.errors:
        raise StageError("mlcroissant finds:\n  - " + "\n  - ".join(sorted(map(str, issues))), where=str(folder))
    return read


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime) else value
