"""Does it matter which refusals are mixed in? Selections of a pool by their number: a table and a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from paper_repro.report.figure import Drawing, new_figure
from paper_repro.report.table import Table
from paper_repro.report.testbed_cells import SELECTION, STRATEGIES, TUNED, Cell, Cells, select, tuned_on
from paper_repro.report.testbed_figures import WHISKERS
from paper_repro.report.testbed_plots import legend, line, share_axis, stem
from paper_repro.report.testbed_statistics import mean_over_seeds
from paper_repro.report.testbed_tables import GROUPS, REFUSALS, SOURCE, study_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {"unsafe": "Unsafe refused", "look_alike": "Look-alike refused", "acceptable": "Acceptable replies"}
SPREAD = 0.14  # between the marks of two strategies at one number
WAYS = (
    "Selection: paper, the first of a shuffled pool; random, the same without near duplicates; diverse, each next one "
    "the farthest from all before; targeted, the nearest to texts on three kinds of unsafe acts, in turn. Distances "
    "are of the 0.5M base's hidden states. The selection of a number holds that of every smaller one.",
)


def selection_table(cells: Cells, missing: Mapping[str, Mapping[str, str]], **_: object) -> Table | None:
    """Refused shares and acceptability by number of refusals and by how they were selected."""
    return study_table(
        "testbed_selection",
        "Testbed: refusals by how they were selected",
        select(cells, study=SELECTION),
        REFUSALS,
        missing=missing.get(SELECTION),
        notes=(*WAYS, *GROUPS),
    )


def selection_drawings(cells: Cells, **_: object) -> list[Drawing]:
    """RT and IT over the number of refusals, a line a strategy: a figure for each size and response set."""
    own = select(cells, study=SELECTION)
    series = tuned_on(own)
    return [_drawing(own, size, name, len(series) > 1) for size, name in series]


def _drawing(cells: Sequence[Cell], size: str, name: str, several: bool) -> Drawing:
    return Drawing(
        stem("testbed_selection", size, name, several),
        f"Testbed: refusals by how they were selected ({size.upper()} base, tuned on {name})",
        "Two rows of three panels, RT above and IT below: refused share of unsafe and of look-alike queries, and "
        "acceptable replies to tasks, over the number of refusals in training, a line for each way to select them.",
        SOURCE,
        lambda: _draw(cells, size, name),
        ("Dotted grey: the untuned base.", *WAYS, WHISKERS),
    )


def _draw(cells: Sequence[Cell], size: str, name: str) -> Figure:
    figure = new_figure(0.7 + 2 * 1.8)
    grid = figure.subplots(len(TUNED), len(PANELS), sharex=True, sharey=True)
    own = [cell for cell in cells if cell.key.size == size and cell.key.response_set == name]
    untuned = next((one for one in cells if one.key.size == size and one.key.method == "untuned"), None)
    counts = sorted({cell.key.count for cell in own if cell.key.count is not None})
    for row, method in zip(grid, TUNED, strict=True):
        of_method = [cell for cell in own if cell.key.method == method]
        for axes, (measure, title) in zip(row, PANELS.items(), strict=True):
            share_axis(axes, f"{method}: {title[0].lower()}{title[1:]}")
            base = mean_over_seeds(untuned, measure).value
            if base is not None:
                axes.axhline(base, color="#666666", linestyle=":", linewidth=1)
            _lines(axes, of_method, counts, measure)
            axes.set_xticks(range(len(counts)), [str(count) for count in counts])
    figure.supylabel("Share (%)", fontsize=8)
    figure.supxlabel("Refusals in training", fontsize=8)
    legend(figure, list(grid[0]))
    return figure


def _lines(axes: Axes, cells: Sequence[Cell], counts: Sequence[int], measure: str) -> None:
    """A line a strategy; without refusals they are one and the same model."""
    none = next((cell for cell in cells if cell.key.count == 0), None)
    for index, strategy in enumerate(STRATEGIES):
        found = {cell.key.count: cell for cell in cells if cell.key.strategy == strategy}
        if not found:
            continue
        estimates = [mean_over_seeds(found.get(count, none if count == 0 else None), measure) for count in counts]
        shift = (index - (len(STRATEGIES) - 1) / 2) * SPREAD
        line(axes, [place + shift for place in range(len(counts))], estimates, strategy)
