"""One kind of table, and its forms: CSV, Markdown and, through the page's template, HTML."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from artifacts.errors import StageError
from artifacts.files import write_text

MISSING = "missing"
NOT_APPLICABLE = "\u2013"
HIDDEN = 9  # decimals beyond which a float's digits are its own, and not the number's
MARKUP = re.compile(r"[\\`*~|\[\]]|(?<!\w)_|_(?!\w)")  # of Markdown, beside HTML


@dataclass(frozen=True)
class Estimate:
    """A measured rate or mean with what is needed to judge it.

    Attributes:
        value: The number; None: not measured, or nothing could be classified.
        low, high: Ends of its interval, or None.
        n: Items it is over.
        unclassified: Items without a readable verdict, or None where that has no meaning.
        failed: Items the judge could not be asked about, or None likewise.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    unclassified: int | None = None
    failed: int | None = None


# None is a number that should be there and is not; "" is a cell that has no meaning (an untuned model's data set)
Cell = str | int | float | Estimate | None


@dataclass(frozen=True)
class Column:
    """A column: its key in the CSV, its heading for people, decimals of its numbers, and whether it names the row."""

    key: str
    heading: str
    decimals: int = 2
    names_row: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes:
        name: File stem, e.g. `table_11`.
        title: Heading.
        source: Where the numbers are from, in words.
        columns: Left to right.
        rows: One tuple of cells a row.
        notes: Sentences below the table.
    """

    name: str
    title: str
    source: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = [index for index, row in enumerate(self.rows) if len(row) != len(self.columns)]
        if wrong:
            raise StageError(f"row {wrong[0]} does not have {len(self.columns)} cells", where=self.name)

    def repeats(self, index: int, column: int) -> bool:
        """Whether a naming cell and all to its left are those of the row above (shown muted)."""
        if index == 0 or not self.columns[column].names_row:
            return False
        return self.rows[index][: column + 1] == self.rows[index - 1][: column + 1]


def show(cell: Cell, column: Column) -> str:
    """A cell as people read it; a missing number is the word `missing`, never 0."""
    if isinstance(cell, Estimate):
        return "; ".join((show(cell.value, column), *details(cell, column)))
    if cell is None:
        return MISSING
    if cell == "":
        return NOT_APPLICABLE
    return rounded(cell, column.decimals) if isinstance(cell, float) else str(cell)


def rounded(value: float, decimals: int) -> str:
    """A number as people round it, in tables and figures alike: a half goes up, and 0.735 has one at its end.

    `format` would make 0.73 of 0.735, whose float lies a little below it, and 74 of 73.5.
    """
    if not math.isfinite(value):
        return str(value)
    exact = Decimal(repr(round(float(value), HIDDEN)))
    return f"{exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):zf}"


def details(cell: Cell, column: Column) -> list[str]:
    """What stands in small type beside an estimate: its interval; its n, unclassified and (if any) failed items."""
    if not isinstance(cell, Estimate):
        return []
    counts = [f"n {cell.n}"] if cell.n is not None else []
    counts += [f"unclassified {cell.unclassified}"] if cell.unclassified is not None else []
    counts += [f"failed {cell.failed}"] if cell.failed else []
    known = cell.low is not None and cell.high is not None
    interval = [interval_text(cell.low, cell.high, column.decimals)] if known else []
    return interval + ([", ".join(counts)] if counts else [])


def interval_text(low: float, high: float, decimals: int) -> str:
    """An interval in brackets."""
    return f"[{rounded(low, decimals)}, {rounded(high, decimals)}]"


def to_csv(table: Table) -> str:
    """CSV text; an estimate takes six columns: `key`, and `key_` with low, high, n, unclassified, failed."""
    estimates = [any(isinstance(row[i], Estimate) for row in table.rows) for i in range(len(table.columns))]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        key
        for column, estimate in zip(table.columns, estimates, strict=True)
        for key in ([column.key] + [f"{column.key}_{part}" for part in _PARTS] if estimate else [column.key])
    )
    for row in table.rows:
        cells = zip(row, table.columns, estimates, strict=True)
        writer.writerow(text for cell, column, estimate in cells for text in _csv_cells(cell, column, estimate))
    return file.getvalue()


_PARTS = ("low", "high", "n", "unclassified", "failed")


def _csv_cells(cell: Cell, column: Column, estimate: bool) -> list[str]:
    if not estimate:
        return ["" if cell == "" else show(cell, column)]
    if not isinstance(cell, Estimate):
        return ["" if cell == "" else show(cell, column), *("" for _ in _PARTS)]
    rest = [getattr(cell, part) for part in _PARTS]
    return [show(cell.value, column), *("" if value is None else show(value, column) for value in rest)]


def to_markdown(table: Table) -> str:
    """Markdown text: title, table, notes, source."""
    align = ["---" if column.names_row else "---:" for column in table.columns]
    lines = [
        f"# {_escape(table.title)}",
        "",
        _line([_escape(column.heading) for column in table.columns]),
        _line(align),
        *(_line([_cell(c, k) for c, k in zip(row, table.columns, strict=True)]) for row in table.rows),
        "",
        *(f"- {_escape(note)}" for note in table.notes),
        f"- Source: {_escape(table.source)}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(cell: Cell, column: Column) -> str:
    shown = show(cell, column)
    return _escape(shown) if isinstance(cell, str) else shown  # a number's interval has brackets of its own


def _escape(text: str) -> str:
    """A cell of Markdown that shows the text as it is: a reply may hold links, pictures or emphasis."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return MARKUP.sub(r"\\\g<0>", text).replace("\r", " ").replace("\n", "<br>")


def write_table(table: Table, folder: Path) -> None:
    """Write `<name>.csv`, `<name>.md` and `<name>.tex`."""
    from paper_repro.report.latex import to_latex

    write_text(folder / f"{table.name}.csv", to_csv(table))
    write_text(folder / f"{table.name}.md", to_markdown(table))
    write_text(folder / f"{table.name}.tex", to_latex(table))
