"""Records: one response with where it came from, and its two ids."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from json.encoder import encode_basestring as _quoted
from operator import attrgetter

import pyarrow as pa

from artifacts.digests import digest_text

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
QUALITY = "quality"
SCORED = SCHEMA.append(pa.field(QUALITY, pa.float64()))
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
        quality: A score that the source gives its row, higher is better; None where it gives none.
    """

    row_id: str
    record_id: str
    source: str
    row: int
    instruction: str | None
    response: str
    quality: float | None = None


def normalise_for_id(response: str) -> str:
    """The fixed normalisation behind `record_id`: NFC, LF line ends, no white space at line ends or around."""
    text = response if response.isascii() else unicodedata.normalize("NFC", response)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(map(str.rstrip, text.split("\n"))).strip()


def record_id(response: str) -> str:
    """Digest of a response under `normalise_for_id`; not unique (1,514 Alpaca rows share their text with another)."""
    return digest_text(normalise_for_id(response))[:ID_LENGTH]


def make_records(source: str, rows: Iterable[tuple]) -> list[Record]:
    """Give ids to the rows of one source, in order: `(row, instruction, response)`, or with a quality score as fourth.

    The k-th exact repetition of a row gets another `row_id` than the first, so `row_id` is unique.
    """
    seen: Counter[tuple[str | None, str]] = Counter()
    records = []
    for row, instruction, response, *quality in rows:
        occurrence = seen[instruction, response]
        seen[instruction, response] += 1
        row_id = row_digest(source, instruction, response, occurrence)
        records.append(Record(row_id, record_id(response), source, row, instruction, response, *quality))
    return records


def row_digest(source: str, instruction: str | None, response: str, occurrence: int) -> str:
    """`row_id` of a row: `digest_json` of the four as a list, in a third less time."""
    head = f"[{_quoted(source)},{'null' if instruction is None else _quoted(instruction)}"
    return digest_text(f"{head},{_quoted(response)},{occurrence}]")[:ID_LENGTH]


def to_table(records: Iterable[Record]) -> pa.Table:
    """Records as an Arrow table of `SCHEMA`, with the column `quality` if any of them has a score."""
    records = list(records)
    schema = SCORED if any(record.quality is not None for record in records) else SCHEMA
    columns = {name: list(map(attrgetter(name), records)) for name in schema.names}
    return pa.table(columns, schema=schema)


def from_table(table: pa.Table) -> list[Record]:
    """Records of an Arrow table that has the columns of `SCHEMA`, and perhaps `quality`."""
    names = SCORED.names if QUALITY in table.column_names else SCHEMA.names
    return [Record(**row) for row in table.select(names).to_pylist()]
