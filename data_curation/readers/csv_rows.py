"""Rows of CSV and TSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from artifacts.errors import InputError
from data_curation.readers.rows import RawRow, is_utf8

_MAX_FIELD = 2**31 - 1  # characters; the module's own limit of 131,072 is below the longest responses there are
_UNCLOSED = "unexpected end of data"  # what the csv module says of a quote that is still open at the end


class _Lines:
    """The physical lines of a text stream, with those of the record at hand remembered."""

    def __init__(self, stream: io.TextIOBase):
        self._stream = stream
        self.held: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._stream)
        self.held.append(line)
        return line


def csv_rows(stream: BinaryIO, where: str, delimiter: str) -> Iterator[RawRow]:
    """Records under a header line. Line ends inside quotes belong to the field, CRLF included.

    Raises:
        InputError: no header, a column name given twice, or a quote that is never closed (the rest of the file
            cannot be split into rows then).
    """
    csv.field_size_limit(_MAX_FIELD)
    lines = _Lines(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=""))
    records = _records(lines, csv.reader(lines, delimiter=delimiter, strict=True), where)
    header = _header(next(records, None), where)
    for row, (line, fields, fault, raw) in enumerate(records):
        fault = fault or _row_fault(fields, header, raw)
        yield RawRow(row, line, None if fault else dict(zip(header, fields, strict=True)), fault, raw)


def _records(lines: _Lines, reader, where: str) -> Iterator[tuple[int, list[str], str | None, str]]:
    """First line, fields, fault and raw text of each record."""
    while True:
        first, lines.held = reader.line_num + 1, []
        fields, fault = [], None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if _UNCLOSED in str(error):
                raise InputError("a quote that opens in this row is never closed", where=f"{where}:{first}") from None
            fault = f"not CSV: {error}"
        yield first, fields, fault, "".join(lines.held).rstrip("\r\n")


def _header(record, where: str) -> list[str]:
    if record is None:
        raise InputError("the file is empty", where=where)
    _, header, fault, raw = record
    if fault or not header or not is_utf8(raw):
        raise InputError(f"no usable header: {fault or 'blank or not UTF-8'}", where=f"{where}:1")
    repeated = next((name for index, name in enumerate(header) if name in header[:index]), None)
    if repeated is not None:
        raise InputError(
            f"the column name '{repeated}' is given twice",
            where=f"{where}:1",
            fix="give every column one name of its own",
        )
    return header


def _row_fault(fields: list[str], header: list[str], raw: str) -> str | None:
    if not fields:
        return "empty line"
    if not is_utf8(raw):
        return "not UTF-8"
    if len(fields) != len(header):
        return f"fields: {len(fields)}, columns in the header: {len(header)}"
    return None
