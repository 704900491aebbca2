"""Parquet files of fixed columns: read with a check that names the file, written with bytes that depend on content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from artifacts.errors import InputError

OPTIONAL = {b"optional": b"yes"}


def optional(name: str, type: pa.DataType) -> pa.Field:
    """A column that a file may lack, which then is null in every row; it is written only where a row has a value.

    So a column can be added without changing the bytes of artifacts that have no use for it.
    """
    return pa.field(name, type, metadata=OPTIONAL)


def is_optional(field: pa.Field) -> bool:
    """Whether a column was made by `optional`."""
    return field.metadata == OPTIONAL


def read_rows(path: Path, schema: pa.Schema) -> list[dict[str, Any]]:
    """Rows of a Parquet file that has at least the columns of `schema`, without others; see `optional`.

    Raises:
        InputError: no such file, not Parquet, a column that is missing or of another type, or null where not allowed.
    """
    import pyarrow.parquet as pq

    if not path.is_file():
        raise InputError("no such file", where=str(path))
    try:
        table = pq.ParquetFile(path).read()
    except pa.ArrowInvalid as error:
        raise InputError(f"not a Parquet file: {error}", where=str(path)) from None
    for field in schema:
        if is_optional(field) and field.name not in table.schema.names:
            table = table.append_column(field.name, pa.nulls(table.num_rows, field.type))
    faults = []
    for field in schema:
        if field.name not in table.schema.names:
            faults.append(f"column '{field.name}' is missing")
        elif not table.schema.field(field.name).type.equals(field.type):
            faults.append(f"column '{field.name}' is {table.schema.field(field.name).type}, expected {field.type}")
        elif not field.nullable and table[field.name].null_count:
            faults.append(f"column '{field.name}' has {table[field.name].null_count} nulls")
    if faults:
        raise InputError("; ".join(faults), where=str(path), fix=f"columns: {', '.join(schema.names)}")
    return table.select(schema.names).to_pylist()


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    """Write rows as Parquet with the columns of `schema`, atomically; see `optional`."""
    from data_curation.tables import write_table

    rows = list(rows)
    fields, columns = [], {}
    for field in schema:
        values = [row.get(field.name) if is_optional(field) else row[field.name] for row in rows]
        if not is_optional(field) or any(value is not None for value in values):
            fields.append(field.remove_metadata())
            columns[field.name] = values
    write_table(path, pa.table(columns, schema=pa.schema(fields)))
