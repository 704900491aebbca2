"""Rows of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from artifacts.errors import InputError
from data_curation.readers.rows import RawRow

BATCH = 1_024  # rows held at a time


def parquet_rows(path: Path) -> Iterator[RawRow]:
    """Rows in file order, a batch at a time; a text that is not UTF-8 spoils its own row only.

    Raises:
        InputError: not a Parquet file, damaged, or with a column name given twice.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check_names(file.schema_arrow.names, path)
            row = 0
            for batch in file.iter_batches(batch_size=BATCH):
                yield from _batch_rows(batch, row)
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).split("\n")[0]
        raise InputError(f"not a readable Parquet file: {reason}", where=str(path)) from None


def _check_names(names: list[str], path: Path) -> None:
    repeated = next((name for index, name in enumerate(names) if name in names[:index]), None)
    if repeated is not None:
        raise InputError(f"the column name '{repeated}' is given twice", where=str(path))


def _batch_rows(batch: pa.RecordBatch, first: int) -> Iterator[RawRow]:
    try:
        for offset, values in enumerate(batch.to_pylist()):
            yield RawRow(first + offset, None, values)
    except UnicodeDecodeError:
        yield from (_single_row(batch.slice(offset, 1), first + offset) for offset in range(batch.num_rows))


def _single_row(batch: pa.RecordBatch, row: int) -> RawRow:
    try:
        return RawRow(row, None, batch.to_pylist()[0])
    except UnicodeDecodeError:
        return RawRow(row, None, fault="not UTF-8", raw=_bytes_of(batch))


def _bytes_of(batch: pa.RecordBatch) -> bytes:
    """The row's text columns as bytes, `name: value` a line."""
    parts = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            value = column.cast(pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary())[0].as_py()
            parts.append(name.encode() + b": " + (value or b""))
    return b"\n".join(parts)
