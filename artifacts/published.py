"""The paper's published numbers (arXiv 2410.02465, version 3), read with types and checked on reading.

One CSV a table or figure under `published/`; an empty `dataset` means "no training set" (untuned models).
`artifacts.published_checks` recomputes the averages and sums in them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from artifacts.errors import InputError
from artifacts.published_tables import SOURCES, Field, Key, Source, Value

PUBLISHED = Path(__file__).resolve().parent / "published"
Row = dict[str, Value]


@dataclass(frozen=True)
class Published:
    """The rows of one CSV in file order, with their line numbers."""

    source: Source
    path: Path
    rows: tuple[Row, ...]
    lines: tuple[int, ...]

    def where(self, index: int) -> str:
        """File, line and key of a row, for messages."""
        return f"{self.path.name}:{self.lines[index]} ({label(self.key(index))})"

    def key(self, index: int) -> Key:
        """The values that name a row."""
        return tuple(self.rows[index][name] for name in self.source.key)

    def cells(self) -> dict[Key, Row]:
        """Rows by key."""
        return {self.key(index): row for index, row in enumerate(self.rows)}


def label(key: Key) -> str:
    """A key as words: `Gemma-2-9B Alpaca RT`."""
    return " ".join(str(part) for part in key if part is not None)


def read_published(name: str, folder: Path = PUBLISHED) -> Published:
    """Read one CSV of the published numbers, e.g. `table_11`.

    Raises:
        InputError: unknown name, or a file whose columns, types, ranges or rows are not the paper's;
            the message names file, line and column.
    """
    if name not in SOURCES:
        raise InputError(f"no published numbers called '{name}'", fix=f"known: {', '.join(SOURCES)}")
    source = SOURCES[name]
    path = folder / source.file
    if not path.is_file():
        raise InputError("no such file of published numbers", where=str(path))
    rows, lines = [], []
    for line, row in _read_rows(path, source):
        rows.append(row)
        lines.append(line)
    published = Published(source, path, tuple(rows), tuple(lines))
    _check_cells(published)
    return published


def _read_rows(path: Path, source: Source) -> Iterator[tuple[int, Row]]:
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            _check_header(next(reader, []), path, source)
            for texts in reader:
                yield reader.line_num, _read_row(texts, f"{path}:{reader.line_num}", source)
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"not readable as CSV: {error}", where=f"{path}:{reader.line_num}") from None


def _check_header(found: list[str], path: Path, source: Source) -> None:
    expected = [field.name for field in source.fields]
    if found != expected:
        raise InputError(f"columns are {', '.join(found)}", where=f"{path}:1", fix=f"expected: {', '.join(expected)}")


def _read_row(texts: list[str], where: str, source: Source) -> Row:
    if len(texts) != len(source.fields):
        raise InputError(f"{len(texts)} cells, expected {len(source.fields)}", where=where)
    return {
        field.name: _read_cell(text, field, f"{where}, column '{field.name}'")
        for field, text in zip(source.fields, texts, strict=True)
    }


def _read_cell(text: str, field: Field, where: str) -> Value:
    if text == "":
        if field.optional:
            return None
        raise InputError("empty", where=where)
    try:
        value = field.kind(text)
    except ValueError:
        raise InputError(f"{text!r} is not of type {field.kind.__name__}", where=where) from None
    if field.choices and value not in field.choices:
        raise InputError(f"{text!r} is not one of {', '.join(map(str, field.choices))}", where=where)
    # written so that NaN, which compares false with everything, is refused
    if not field.choices and not isinstance(value, str) and not field.low <= value <= field.high:
        raise InputError(f"{text} is outside [{field.low:g}, {field.high:g}]", where=where)
    return value


def _check_cells(published: Published) -> None:
    """Every expected cell once, and no other."""
    seen: set[Key] = set()
    for index in range(len(published.rows)):
        key = published.key(index)
        if key in seen or key not in published.source.cells:
            problem = "given twice" if key in seen else "not a cell of this table"
            raise InputError(problem, where=f"{published.path}:{published.lines[index]} ({label(key)})")
        seen.add(key)
    absent = sorted(label(key) for key in published.source.cells - seen)
    if absent:
        raise InputError(f"{len(absent)} rows are missing: {'; '.join(absent[:5])}", where=str(published.path))
