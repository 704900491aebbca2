"""Results that come with the package: a full run of the testbed, shown as shipped where a run made fewer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.errors import InputError
from artifacts.files import read_json
from paper_repro.report.figure import Drawing
from paper_repro.report.table import Table
from paper_repro.report.testbed_cells import Cells
from paper_repro.score.schema import Result, read_results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUN = "run.json"
MARK = "shipped results, not of this run"
SHORT = 12  # digits of a commit that a reader is told
MARGIN = 0.03  # share of a figure's width


@dataclass(frozen=True)
class Shipped:
    """Shipped results.

    Attributes:
        results: Their table.
        facts: How they were made (`paper_repro.report.testbed_ship`): `profile`, and an entry of `runs` for each run,
            with its `studies`, `date`, `commit` and `machine`.
    """

    results: list[Result]
    facts: Mapping[str, Any]

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The runs that the studies are from, each with the studies it still has."""
        return list(self.facts["runs"])

    def words(self, studies: Collection[str] | None = None) -> str:
        """Where the numbers of some studies are from (None: of all), for readers; each named where runs differ."""
        made: dict[str, set[str]] = {}
        for run in self.runs:
            names = set(run["studies"]).intersection(run["studies"] if studies is None else studies)
            commits = " and ".join(commit[:SHORT] for commit in run["commit"].split(", "))
            facts = f"made on {run['date']} by {commits} on {run['machine']}"
            if names:
                made[facts] = made.get(facts, set()) | names
        told = [f"{', '.join(sorted(names))} {facts}" for facts, names in made.items()] if len(made) > 1 else made
        return f"profile {self.facts['profile']}, {'; '.join(told)}"


def read_shipped(folder: Path) -> Shipped:
    """Read shipped results: `results.parquet` and `run.json`.

    Raises:
        InputError: a file is missing or is something else, or they tell of different studies.
    """
    results, facts = read_results(folder), read_json(folder / RUN)
    runs = facts.get("runs") if isinstance(facts, dict) else None
    told = [study for run in runs or () for study in run.get("studies", ())]
    if sorted(told) != sorted({result.study for result in results}):
        raise InputError("tells of other studies than the results beside it", where=str(folder / RUN))
    return Shipped(results, facts)


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
