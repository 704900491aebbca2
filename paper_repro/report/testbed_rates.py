"""What the learning rate of tuning changes: every rate that was tried, in a table and a figure; none is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from paper_repro.report.figure import Drawing, new_figure
from paper_repro.report.table import Table
from paper_repro.report.testbed_cells import HEADINGS, LEVEL, TUNED, Cell, Cells, select, tuned_on, values
from paper_repro.report.testbed_figures import WHISKERS
from paper_repro.report.testbed_plots import legend, line, share_axis, stem
from paper_repro.report.testbed_statistics import mean_over_seeds
from paper_repro.report.testbed_tables import GROUPS, SOURCE, study_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STUDY = "tuning-rate"
MEASURES = ("acceptable", "content", "stopping", "excellent", "unsafe", "never_declined", "look_alike", "benign")
# panels of the figure: measure, and whether the models were tuned without or with refusals
PANELS = (
    ("acceptable", 0),
    ("acceptable", LEVEL),
    ("unsafe", LEVEL),
    ("never_declined", LEVEL),
    ("look_alike", LEVEL),
    ("benign", LEVEL),
)
WHOLE = (
    "Every rate that was tried is shown and none is chosen: the final seed had been looked at before this was asked. "
    "All other studies stay at 0.0005."
)


def rates_table(cells: Cells, missing: Mapping[str, Mapping[str, str]], **_: object) -> Table | None:
    """Acceptability and refusals by rate."""
    return study_table(
        "testbed_rates",
        "Testbed: tuning at several learning rates",
        select(cells, study=STUDY),
        MEASURES,
        missing=missing.get(STUDY),
        notes=(WHOLE, *GROUPS),
    )


def rates_drawings(cells: Cells, **_: object) -> list[Drawing]:
    """Acceptability and refusals over the rate, a figure for each size and response set."""
    own = select(cells, study=STUDY)
    series = tuned_on(own)
    return [_drawing(own, size, name, len(series) > 1) for size, name in series]


def _drawing(cells: Sequence[Cell], size: str, name: str, several: bool) -> Drawing:
    return Drawing(
        stem("testbed_rates", size, name, several),
        f"Testbed: tuning at several learning rates ({size.upper()} base, tuned on {name})",
        "Six panels of lines over the learning rate, RT and IT: acceptable replies to tasks after tuning without and "
        f"with {LEVEL} refusals; and, with {LEVEL} refusals, the refused share of unsafe queries, of those with "
        "never-declined verbs, of look-alike and of benign ones.",
        SOURCE,
        lambda: _draw(cells, size, name),
        (f"Refused shares are after tuning with {LEVEL} refusals. Dotted: the untuned base.", WHOLE, WHISKERS),
    )


def _draw(cells: Sequence[Cell], size: str, name: str) -> Figure:
    figure = new_figure(0.7 + 2 * 1.8)
    grid = list(figure.subplots(2, 3, sharey=True, sharex=True).flatten())
    tuned = [cell for cell in cells if cell.key.size == size and cell.key.response_set == name]
    untuned = next((c for c in cells if c.key.size == size and c.key.method == "untuned"), None)
    rates = sorted(values(tuned, "rate"))
    for axes, (measure, count) in zip(grid, PANELS, strict=True):
        share_axis(axes, _title(measure, count))
        base = mean_over_seeds(untuned, measure).value
        if base is not None:
            axes.axhline(base, color="#666666", linestyle=":", linewidth=1, label="untuned")
        _lines(axes, [cell for cell in tuned if cell.key.count == count], rates, measure)
        axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        axes.set_xlim(-0.4, len(rates) - 0.6)
    figure.supylabel("Share (%)", fontsize=8)
    figure.supxlabel("Learning rate of tuning", fontsize=8)
    legend(figure, grid)
    return figure


def _title(measure: str, count: int) -> str:
    if measure != "acceptable":
        return HEADINGS[measure]
    return f"Acceptable, {count or 'no'} refusals"


def _lines(axes: Axes, cells: Sequence[Cell], rates: Sequence[float], measure: str) -> None:
    for offset, method in zip((-0.06, 0.06), TUNED, strict=True):
        by_rate = {cell.key.rate: cell for cell in cells if cell.key.method == method}
        estimates = [mean_over_seeds(by_rate.get(rate), measure) for rate in rates]
        line(axes, [index + offset for index in range(len(rates))], estimates, method)
