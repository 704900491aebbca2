"""Does curation help, and which step of it: raw, curated and faultless responses of the same number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paper_repro.report.figure import Drawing, new_figure
from paper_repro.report.table import Column, Estimate, Table, rounded
from paper_repro.report.testbed_cells import CURED, HEADINGS, SIZES, TUNED, Cell, Cells, select
from paper_repro.report.testbed_figures import WHISKERS
from paper_repro.report.testbed_plots import COLOURS, MARKERS, grouped_bars, legend, share_axis, stem
from paper_repro.report.testbed_statistics import difference, mean_over_seeds, seeds_text
from paper_repro.report.testbed_tables import SOURCE, Missing, missing_notes, usual_notes
from paper_repro.score.metrics import FAULTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STUDY = "curation"
RAW, CLEAN = "raw", "no faults"
# recipe to the arm's name, in the order of the rows
ARMS = {"": RAW, "copies": "copies dropped", "filters": "filtered", CURED: "both", None: CLEAN}
MEASURES = ("acceptable", "content", "stopping", "excellent")
FAULT_COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#F0E442")  # of Okabe and Ito's
FAULT_HATCHES = ("", "///", "...", "xxx", "\\\\\\", "ooo")
NAMES = (
    "Raw: with the planted faults. Copies dropped: by exact and near deduplication alone. Filtered: normalised and "
    "filtered, copies kept. Both: the recipe 'lexical'. No faults: the twin set without planted faults, the most that "
    "curation could reach.",
    "Every arm is sampled down to the same number of rows, anew with each tuning seed.",
)
LEFT = (
    "Faulty rows: those of the training rows that still have the fault planted in them. A copy counts where the row "
    "that it copies was drawn too. Nothing in the recipe looks for wrong answers. The intervals are of rows drawn from "
    "an arm."
)
_LABEL = re.compile(r"(?P<name>[^ ]+?)(?P<dirty>-dirty)?( \((?P<recipe>.+)\))?")


@dataclass(frozen=True)
class Arm:
    """One way to the same number of responses.

    Attributes:
        size: Of the base.
        name: Response set, without its faults.
        recipe: Recipe; empty: untouched; None: the set without planted faults.
        cells: By method.
    """

    size: str
    name: str
    recipe: str | None
    cells: Mapping[str, Cell]

    @property
    def words(self) -> str:
        """The arm's name."""
        return ARMS.get(self.recipe, self.recipe)

    def share(self, method: str, measure: str) -> Estimate:
        """Mean of a measure over the arm's seeds."""
        return mean_over_seeds(self.cells.get(method), measure)

    @property
    def tuned(self) -> Cell:
        """A cell of the arm: both methods train on the same rows."""
        return next(self.cells[method] for method in TUNED if method in self.cells)


def arms_of(cells: Cells) -> list[Arm]:
    """Arms of the study on bases of the corpus `many`, by size, set, and in the order of `ARMS`."""
    found: dict[tuple, dict[str, Cell]] = {}
    for cell in select(cells, study=STUDY, corpus="many", method=TUNED):
        parts = _LABEL.fullmatch(cell.key.response_set)
        recipe = (parts["recipe"] or "") if parts["dirty"] else None
        found.setdefault((cell.key.size, parts["name"], recipe), {})[cell.key.method] = cell
    arms = [Arm(*key, by_method) for key, by_method in found.items()]
    places = list(ARMS)
    return sorted(
        arms,
        key=lambda arm: (
            SIZES.index(arm.size) if arm.size in SIZES else len(SIZES),
            arm.name,
            places.index(arm.recipe) if arm.recipe in ARMS else places.index(CURED) + 0.5,
        ),
    )


def series_of(arms: Sequence[Arm]) -> dict[tuple[str, str], list[Arm]]:
    """Arms that are compared with each other: of one size and response set."""
    series: dict[tuple[str, str], list[Arm]] = {}
    for arm in arms:
        series.setdefault((arm.size, arm.name), []).append(arm)
    return series


def against_raw(arm: Arm, arms: Sequence[Arm], method: str) -> Estimate | None:
    """An arm's acceptability less that of the raw one; None for the raw one itself."""
    raw = next((one for one in arms if one.recipe == ""), None)
    if arm.recipe == "":
        return None
    if raw is None or method not in raw.cells or method not in arm.cells:
        return Estimate(None)
    return difference(arm.cells[method], raw.cells[method], "acceptable")


def curation_table(cells: Cells, missing: Missing, **_: object) -> Table | None:
    """Acceptability by arm and method, and the difference to the raw arm."""
    arms, lacking = arms_of(cells), missing.get(STUDY, {})
    if not arms and not lacking:
        return None
    columns = (
        *_leads(),
        Column("method", "Method", names_row=True),
        Column("seeds", "Seeds", names_row=True),
        *(Column(measure, HEADINGS[measure]) for measure in MEASURES),
        Column("difference", "Acceptable, less raw"),
    )
    rows = [
        (
            *_named(arm),
            method,
            seeds_text(arm.cells[method]),
            *(arm.share(method, measure) for measure in MEASURES),
            "" if (gain := against_raw(arm, of_series, method)) is None else gain,
        )
        for of_series in series_of(arms).values()
        for arm in of_series
        for method in TUNED
        if method in arm.cells
    ]
    rows += [(base, "", "", "", "0", *(Estimate(None) for _ in (*MEASURES, "difference"))) for base in lacking]
    notes = (*NAMES, "Intervals of the difference resample both sides apart.", *usual_notes(), *missing_notes(lacking))
    title = "Testbed: raw against curated responses of the same number"
    return Table("testbed_curation", title, SOURCE, columns, tuple(rows), notes)


def faults_table(cells: Cells, **_: object) -> Table | None:
    """Faulty rows left among the training rows of each arm, in all and by fault; None if they were not counted."""
    arms = [arm for arm in arms_of(cells) if "faulty" in arm.tuned.samples]
    if not arms:
        return None
    measures = ("faulty", *(f"faulty_{fault}" for fault in FAULTS))
    columns = (
        *_leads(),
        Column("rows", "Rows a seed", names_row=True),
        *(Column(measure, HEADINGS[measure], 3) for measure in measures),
    )
    rows = tuple((*_named(arm), _rows(arm), *(mean_over_seeds(arm.tuned, one) for one in measures)) for arm in arms)
    title = "Testbed: planted faults left among the responses tuned on"
    return Table("testbed_curation_faults", title, SOURCE, columns, rows, (*NAMES, LEFT))


def _leads() -> tuple[Column, ...]:
    return (
        Column("size", "Base", names_row=True),
        Column("response_set", "Response set", names_row=True),
        Column("arm", "Arm", names_row=True),
    )


def _named(arm: Arm) -> tuple[str, str, str]:
    return arm.size.upper(), arm.name, arm.words


def _rows(arm: Arm) -> str:
    """How many rows each seed was tuned on: one number, unless an arm had too few."""
    counts = sorted({part.n for part in arm.tuned.samples["faulty"].values()})
    return " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))


def curation_drawings(cells: Cells, **_: object) -> list[Drawing]:
    """Faults left, acceptability and difference to raw by arm: a figure for each size and response set."""
    series = series_of(arms_of(cells))
    return [_drawing(size, name, arms, len(series) > 1) for (size, name), arms in series.items()]


def _drawing(size: str, name: str, arms: Sequence[Arm], several: bool) -> Drawing:
    return Drawing(
        stem("testbed_curation", size, name, several),
        f"Testbed: raw against curated responses ({size.upper()} base, {name})",
        f"Panels over the arms ({', '.join(arm.words for arm in arms)}): stacked bars of the faulty rows left, by "
        "fault; acceptable replies of RT and IT beside each other, and these less those of the raw arm; and the two "
        "parts of acceptable, right content and right stopping.",
        SOURCE,
        lambda: _draw(arms),
        (*NAMES, WHISKERS),
    )


def _draw(arms: Sequence[Arm]) -> Figure:
    figure = new_figure(7.2)
    grid = figure.add_gridspec(3, 2)
    faults, gains, middle = (figure.add_subplot(place) for place in (grid[0, 0], grid[0, 1], grid[1, :]))
    parts = [figure.add_subplot(grid[2, 0]), figure.add_subplot(grid[2, 1])]
    _draw_faults(faults, arms)
    _draw_gains(gains, arms)
    for axes, measure in zip((middle, *parts), ("acceptable", "content", "stopping"), strict=True):
        share_axis(axes, f"{HEADINGS[measure]} (%)")
        grouped_bars(axes, [{method: arm.share(method, measure) for method in TUNED} for arm in arms])
    for axes in (faults, gains, middle, *parts):
        axes.set_xticks(range(len(arms)), [arm.words.replace(" ", "\n") for arm in arms])
        axes.set_xlim(-0.6, len(arms) - 0.4)
        axes.tick_params(axis="x", length=0)
    legend(figure, [middle])
    return figure


def _draw_faults(axes: Axes, arms: Sequence[Arm]) -> None:
    """Stacked bars; a fault of which nothing is left in any arm is in no legend."""
    axes.set_title("Faulty rows left (%)")
    axes.grid(axis="y")
    heights = [0.0] * len(arms)
    for fault, colour, hatch in zip(FAULTS, FAULT_COLOURS, FAULT_HATCHES, strict=True):
        shares = [mean_over_seeds(arm.tuned, f"faulty_{fault}").value or 0.0 for arm in arms]
        if any(shares):
            label, style = FAULTS[fault].replace("-", " "), {"edgecolor": "black", "linewidth": 0.4}
            parts = [100 * share for share in shares]
            axes.bar(range(len(arms)), parts, 0.7, heights, label=label, color=colour, hatch=hatch, **style)
            heights = [height + part for height, part in zip(heights, parts, strict=True)]
    for place, (arm, height) in enumerate(zip(arms, heights, strict=True)):
        known = "faulty" in arm.tuned.samples
        axes.text(place, height, rounded(height, 1) if known else "missing", ha="center", va="bottom", fontsize=6.5)
    axes.set_ylim(0, 1.9 * max(heights, default=0) or 1)  # the legend stands above the bars
    if any(heights):
        axes.legend(loc="upper right", ncols=2, frameon=False, fontsize=6.5, handlelength=1.5, columnspacing=1)


def _draw_gains(axes: Axes, arms: Sequence[Arm]) -> None:
    axes.set_title("Acceptable, less raw (points)")
    axes.axhline(0, color="black", linewidth=0.6)
    axes.grid(axis="y")
    for offset, method in zip((-0.1, 0.1), TUNED, strict=True):
        gains = [(place, against_raw(arm, arms, method)) for place, arm in enumerate(arms)]
        found = [(place, gain) for place, gain in gains if gain is not None and gain.value is not None]
        if not found:
            continue
        ends = [[100 * (one.value - one.low) for _, one in found], [100 * (one.high - one.value) for _, one in found]]
        axes.errorbar(
            [place + offset for place, _ in found],
            [100 * one.value for _, one in found],
            yerr=ends,
            fmt=MARKERS[method],
            color=COLOURS[method],
            markeredgecolor="black",
            markeredgewidth=0.5,
            markersize=5,
            ecolor="black",
            elinewidth=0.8,
            capsize=2,
        )
