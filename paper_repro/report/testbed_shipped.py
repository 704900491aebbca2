"""Results that come with the package: a full run of the testbed, shown as shipped where a run made fewer."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from artifacts.errors import InputError
from artifacts.files import read_json
from paper_repro.report.figure import Drawing
from paper_repro.report.table import Table
from paper_repro.report.testbed_cells import Cells
from paper_repro.score.schema import COLUMNS, RESULTS_CSV, Result, faults

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUN = "run.json"
MARK = "shipped results, not of this run"
MARGIN = 0.03  # share of a figure's width


@dataclass(frozen=True)
class Shipped:
    """A shipped run.

    Attributes:
        results: Its results table.
        facts: How it was made: `profile`, `date`, `commit`, `machine`.
    """

    results: list[Result]
    facts: dict[str, object]

    def words(self) -> str:
        """Where the numbers are from, for readers."""
        given = [f"{name} {self.facts[name]}" for name in ("profile", "commit", "machine") if self.facts.get(name)]
        made = f"made on {self.facts['date']}" if self.facts.get("date") else "made earlier"
        return f"{made} ({'; '.join(given)})" if given else made


def read_shipped(folder: Path) -> Shipped:
    """Read a shipped run: `results.csv` and `run.json`.

    Raises:
        InputError: a file is missing, or is no results table.
    """
    path = folder / RESULTS_CSV
    if not path.is_file():
        raise InputError("no such file", where=str(path), fix="restore it from the package or from git")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        given = reader.fieldnames or []
        columns = [column for column in COLUMNS if column.name in given or not column.optional]
        if given != [column.name for column in columns]:
            raise InputError("not a results table: other columns", where=str(path))
        try:
            results = [
                Result(**{column.name: _value(row[column.name], column.type) for column in columns}) for row in reader
            ]
        except (TypeError, ValueError) as error:
            raise InputError(f"not a results table: {error}", where=str(path)) from None
    wrong = faults(results)
    if wrong:
        raise InputError("not a results table:\n  - " + "\n  - ".join(wrong), where=str(path))
    facts = read_json(folder / RUN) if (folder / RUN).is_file() else {}
    return Shipped(results, facts)


def _value(text: str, kind: pa.DataType) -> str | int | float | None:
    if text == "":
        return None
    if pa.types.is_integer(kind):
        return int(text)
    return float(text) if pa.types.is_floating(kind) else text


def lacks(own: Cells, shipped: Cells, studies: Sequence[str]) -> bool:
    """Whether a run lacks any condition or seed of a shipped one, in these studies."""
    return any(
        key not in own or not set(cell.units) <= set(own[key].units)
        for key, cell in shipped.items()
        if key.study in studies
    )


def as_shipped(item: Table | Drawing, source: str) -> Table | Drawing:
    """The item under a name, a title and a source that say what it is; a figure bears the words as well."""
    named = {"name": f"shipped_{item.name}", "title": f"{item.title} (shipped)", "source": source}
    if isinstance(item, Table):
        return replace(item, **named)
    return replace(item, **named, alt=f"Shipped results. {item.alt}", draw=lambda: _marked(item.draw()))


def _marked(figure: Figure) -> Figure:
    """The figure with the words along its right edge, in a margin of their own."""
    figure.get_layout_engine().set(rect=(0, 0, 1 - MARGIN, 1))
    words = {"rotation": 90, "ha": "right", "va": "center", "fontsize": 7, "fontstyle": "italic", "color": "#A33A00"}
    figure.text(0.998, 0.5, MARK, **words)
    return figure
