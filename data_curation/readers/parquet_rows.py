"""Rows of Parquet files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from artifacts.errors import InputError, first_line
from data_curation.readers.rows import ForeignValue, RawRow

BATCH = 1_024  # rows held at a time
_ARROW_SCHEMA = b"ARROW:schema"  # key of the footer under which Arrow keeps its own types of the columns
_NO_PYTHON_VALUE = (ArithmeticError, LookupError, NotImplementedError, TypeError, ValueError)


def parquet_rows(path: Path) -> Iterator[RawRow]:
    """Rows in file order, a batch at a time; a text that is not UTF-8 spoils its own row only.

    Raises:
        InputError: not a Parquet file, damaged, or with a column name given twice.
    """
    try:
        with pq.ParquetFile(path, metadata=_plain_footer(path)) as file:
            _check_names(file.schema_arrow.names, path)
            row = 0
            for batch in file.iter_batches(batch_size=BATCH):
                yield from _batch_rows(batch, row)
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"not a readable Parquet file: {first_line(error)}", where=str(path)) from None


def _plain_footer(path: Path) -> pq.FileMetaData | None:
    """For a file with dictionaries its footer without Arrow's types, so that they are read as plain columns.

    Arrow checks a dictionary as a whole, and one text that is not UTF-8 would cost all rows. None: as it stands.
    """
    with pq.ParquetFile(path) as file:
        if "dictionary<" not in str(file.schema_arrow):
            return None
        footer = io.BytesIO()
        file.metadata.write_metadata_file(footer)
    # a key of the same length that nobody looks for: the lengths in the footer stay right
    return pq.read_metadata(io.BytesIO(footer.getvalue().replace(_ARROW_SCHEMA, _ARROW_SCHEMA.lower())))


def _check_names(names: list[str], path: Path) -> None:
    repeated = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if repeated is not None:
        raise InputError(f"the column name '{repeated}' is given twice", where=str(path))


def _batch_rows(batch: pa.RecordBatch, first: int) -> Iterator[RawRow]:
    spoilt: set[int] = set()
    columns = [_values(column, spoilt) for column in batch.columns]
    for offset, values in enumerate(zip(*columns, strict=True)):
        if offset in spoilt:
            yield RawRow(first + offset, None, fault="not UTF-8", raw=_bytes_of(batch.slice(offset, 1)))
        else:
            yield RawRow(first + offset, None, dict(zip(batch.schema.names, values, strict=True)))


def _values(column: pa.Array, spoilt: set[int]) -> list[Any]:
    """The values of a column; adds the places of those that are not UTF-8 to `spoilt`."""
    try:
        return column.to_pylist()
    except _NO_PYTHON_VALUE:
        return [_value(column, place, spoilt) for place in range(len(column))]


def _value(column: pa.Array, place: int, spoilt: set[int]) -> Any:
    try:
        return column[place].as_py()
    except UnicodeDecodeError:
        spoilt.add(place)
        return None
    except _NO_PYTHON_VALUE:
        return ForeignValue(column.slice(place, 1).to_string(indent=0, skip_new_lines=True))


def _bytes_of(batch: pa.RecordBatch) -> bytes:
    """The row's text columns as bytes, `name: value` a line."""
    parts = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            value = column.cast(pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary())[0].as_py()
            parts.append(name.encode() + b": " + (value or b""))
    return b"\n".join(parts)
