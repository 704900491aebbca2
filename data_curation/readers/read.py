"""From rows to records: recognise the columns, take the texts, quarantine what cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from artifacts.errors import InputError, MissingDataError, StageError, first_line
from data_curation.optional import require
from data_curation.readers.formats import raw_rows
from data_curation.readers.layout import Columns, Layout, RowFault, Texts, no_layout, recognise, texts
from data_curation.readers.rows import Quarantined, RawRow, quarantined
from data_curation.records import Record, make_records

LOOKAHEAD = 100  # rows whose columns are looked at together before a layout is chosen
_HUB = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})", re.ASCII)


@dataclass
class Reading:
    """What a file gave.

    Attributes:
        records: The usable rows, in order.
        quarantined: The unusable ones.
        rows_in: All of them.
        multi_turn: Records of a longer conversation (a system turn counts), of which only the first exchange was taken.
        layout: The columns that were read; None before the first row.
    """

    records: list[Record] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    rows_in: int = 0
    multi_turn: int = 0
    layout: Layout | None = None


def read_file(path: Path, source: str, columns: Columns | None = None, limit: int | None = None) -> Reading:
    """Read a JSONL, JSON, CSV, TSV or Parquet file, or a folder of such files as one set.

    Args:
        path: The file or folder.
        source: Name that its records bear (part of their ids).
        columns: Names of the columns; None = recognise them.
        limit: Read the first so many rows only.

    Raises:
        InputError: the file as a whole cannot be used; names file, line where there is one, and what would be right.
    """
    return read_rows(raw_rows(path), source, columns or Columns(), str(path), limit)


def read_hub(address: str, split: str = "train", columns: Columns | None = None) -> Reading:
    """Read one split of a data set of the hub, `owner/name@<40-hex revision>`.

    Raises:
        InputError: the address names no data set at a fixed revision.
        MissingDataError: the hub cannot be reached, or has no such data set.
    """
    match = _HUB.fullmatch(address)
    if match is None:
        raise InputError(
            f"'{address}' is not owner/name@revision",
            where="hub",
            fix="name the revision by its 40 hexadecimal digits: a branch may change under you",
        )
    datasets = require("datasets")
    try:
        rows = datasets.load_dataset(match["repo"], revision=match["revision"], split=split)
    except Exception as error:  # the library raises a dozen unrelated classes for "not there"
        raise MissingDataError(
            f"cannot be had: {first_line(error)}",
            where=f"hub:{address}",
            fix="check name, revision, split and network, or download the file and give its path",
        ) from None
    raws = (RawRow(index, None, values) for index, values in enumerate(rows))
    return read_rows(raws, match["repo"], columns or Columns(), f"hub:{address}")


def read_rows(raws: Iterable[RawRow], source: str, columns: Columns, where: str, limit: int | None = None) -> Reading:
    """Turn rows into records and quarantined rows; every row becomes one of the two."""
    reading = Reading()
    reading.records = make_records(source, _usable(islice(raws, limit), source, columns, where, reading))
    if not reading.records:
        raise _none_usable(reading, where)
    if reading.rows_in != len(reading.records) + len(reading.quarantined):
        raise StageError("rows in are not rows out plus quarantined", where=where)
    return reading


def _usable(
    raws: Iterator[RawRow], source: str, columns: Columns, where: str, reading: Reading
) -> Iterator[tuple[int, str | None, str, float | None]]:
    """`(row, instruction, response, quality)` of each usable row; counts and quarantines in `reading` on the way."""
    reading.layout, held = choose_layout(raws, columns, where)
    for raw in chain(held, raws):
        reading.rows_in += 1
        try:
            found = row_texts(reading.layout, raw, where)
        except RowFault as fault:
            reading.quarantined.append(quarantined(raw, str(fault), source))
            continue
        reading.multi_turn += found.turns_left_out > 0
        yield raw.row, found.instruction, found.response, found.quality


def row_texts(layout: Layout, raw: RawRow, where: str) -> Texts:
    """The texts of a row of `where`, a file or a folder of files.

    Raises:
        RowFault: the row cannot be used.
        InputError: the row shows that the layout is not that of the whole; names file and line.
    """
    try:
        return texts(layout, parsed(raw))
    except InputError as error:
        error.where = _place(where, raw)
        raise


def _place(where: str, raw: RawRow) -> str:
    """File and line of a row; where the format has no lines, the row."""
    file = where if raw.file is None else f"{where}/{raw.file}"
    return f"{file}:{raw.line}" if raw.line is not None else f"{file}, row {raw.row}"


def parsed(raw: RawRow) -> Mapping[str, Any]:
    """The values of a row; a RowFault if it could not be parsed."""
    if raw.values is None:
        raise RowFault(raw.fault)
    return raw.values


def choose_layout(raws: Iterator[RawRow], columns: Columns, where: str) -> tuple[Layout, list[RawRow]]:
    """The layout, and the rows that had to be looked at to choose it: `LOOKAHEAD`, or as many as it takes."""
    held: list[RawRow] = []
    present: dict[str, None] = {}
    for raw in raws:
        held.append(raw)
        known = len(present)
        present.update(dict.fromkeys(raw.values or ()))
        if len(held) == LOOKAHEAD or (len(held) > LOOKAHEAD and len(present) > known):
            layout = recognise(present, columns, where)
            if layout is not None:
                return layout, held
    layout = recognise(present, columns, where) if present else None
    if layout is None:
        raise no_layout(present, columns, where) if present else _none_parsed(held, where)
    return layout, held


def _none_parsed(held: list[RawRow], where: str) -> InputError:
    if not held:
        return InputError("there are no rows in it", where=where)
    place = where if held[0].line is None else f"{where}:{held[0].line}"
    return InputError(f"none of its {len(held)} rows can be read; the first: {held[0].fault}", where=place)


def _none_usable(reading: Reading, where: str) -> InputError:
    first = reading.quarantined[0]
    place = f"{where}:{first.line}" if first.line is not None else f"{where}, row {first.row}"
    return InputError(f"none of its {reading.rows_in} rows can be used; the first: {first.reason}", where=place)
