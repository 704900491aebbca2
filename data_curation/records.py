"""Records: one response with where it came from, and its two ids."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from artifacts.digests import digest_json, digest_text

SCHEMA = pa.schema(
    [
        ("row_id", pa.string()),
        ("record_id", pa.string()),
        ("source", pa.string()),
        ("row", pa.int64()),
        ("instruction", pa.string()),
        ("response", pa.string()),
    ]
)
ID_LENGTH = 32  # hex digits kept of a SHA-256: 128 bits


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a response set.

    Attributes:
        row_id: Unique: digest of source, instruction, response and occurrence.
        record_id: Digest of the response under one fixed normalisation; equal texts share it.
        source: Name of the pin or file.
        row: Position in the source, from 0.
        instruction: The instruction, or None where the source has none.
        response: The response text.
    """

    row_id: str
    record_id: str
    source: str
    row: int
    instruction: str | None
    response: str


def normalise_for_id(response: str) -> str:
    """The fixed normalisation behind `record_id`: NFC, LF line ends, no white space at line ends or around."""
    text = unicodedata.normalize("NFC", response).replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def record_id(response: str) -> str:
    """Digest of a response under `normalise_for_id`; not unique (1,514 Alpaca rows share their text with another)."""
    return digest_text(normalise_for_id(response))[:ID_LENGTH]


def make_records(source: str, rows: Iterable[tuple[int, str | None, str]]) -> list[Record]:
    """Give ids to `(row, instruction, response)` triples of one source, in order.

    The k-th exact repetition of a row gets another `row_id` than the first, so `row_id` is unique.
    """
    seen: Counter[tuple[str | None, str]] = Counter()
    records = []
    for row, instruction, response in rows:
        occurrence = seen[instruction, response]
        seen[instruction, response] += 1
        row_id = digest_json([source, instruction, response, occurrence])[:ID_LENGTH]
        records.append(Record(row_id, record_id(response), source, row, instruction, response))
    return records


def to_table(records: Iterable[Record]) -> pa.Table:
    """Records as an Arrow table of `SCHEMA`."""
    records = list(records)
    columns = {name: [getattr(record, name) for record in records] for name in SCHEMA.names}
    return pa.table(columns, schema=SCHEMA)


def from_table(table: pa.Table) -> list[Record]:
    """Records of an Arrow table that has the columns of `SCHEMA`."""
    return [Record(**row) for row in table.select(SCHEMA.names).to_pylist()]
