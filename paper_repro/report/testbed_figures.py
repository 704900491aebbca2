"""Figures of the testbed's studies: acceptability by response set, in context, and by size of the base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paper_repro.report.figure import FIRST_LINE, Drawing, new_figure
from paper_repro.report.table import Estimate
from paper_repro.report.testbed_cells import HEADINGS, MAIN_SIZE, TUNED, Cell, Cells, select, values
from paper_repro.report.testbed_plots import COLOURS, grouped_bars, legend, line, share_axis
from paper_repro.report.testbed_statistics import difference, mean_over_seeds
from paper_repro.report.testbed_tables import SOURCE, rt_it_pairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WHISKERS = "Whiskers: 95 % intervals over seeds and prompts (over prompts alone with one seed); see the table's notes."
PANEL = 2.1  # inches high
BESIDE = 2  # sizes of bases whose numbers fit where panels stand side by side
SET_COLOURS = ("#000000", "#D55E00", "#009E73", "#CC79A7")  # of Okabe and Ito's, those that are no method's
ASPECTS = ("content", "stopping", "excellent", "familiar", "held_out", "requirements")


def instructability_drawing(cells: Cells, **_: object) -> Drawing | None:
    """The headline: untuned, untuned cut at its first newline, RT and IT, one panel a size."""
    own = select(cells, study="instructability", corpus="many")
    if not own:
        return None
    sizes = values(own, "size")
    return Drawing(
        "testbed_instructability",
        "Testbed: acceptable replies, untuned and after tuning",
        f"Bars, one panel for each size of base ({', '.join(sizes)}): share of acceptable replies of the untuned base, "
        "of the same replies cut at their first newline, and of RT and IT beside each other for each response set. "
        "A dashed line goes on at the height of the cut replies.",
        SOURCE,
        lambda: _draw_sizes(own, sizes),
        (f"Dashed: '{FIRST_LINE}', the untuned replies cut at their first newline, which RT has to beat.", WHISKERS),
    )


def _draw_sizes(cells: Sequence[Cell], sizes: Sequence[str]) -> Figure:
    figure = new_figure(0.8 + (2.4 if len(sizes) == 1 else PANEL * len(sizes)))
    panels = list(figure.subplots(len(sizes), 1, squeeze=False, sharex=True)[:, 0])
    sets = [name for name in values(cells, "response_set") if name is not None]
    for axes, size in zip(panels, sizes, strict=True):
        of_size = [cell for cell in cells if cell.key.size == size]
        share_axis(axes, f"{size.upper()} base")
        _by_set(axes, of_size, "acceptable", sets)
    figure.supylabel("Acceptable replies (%)", fontsize=8)
    legend(figure, panels)
    return figure


def _by_set(axes: Axes, cells: Sequence[Cell], measure: str, sets: Sequence[str]) -> None:
    """The untuned base, then RT and IT by response set."""
    untuned = next((cell for cell in cells if cell.key.method == "untuned"), None)
    first = {"untuned": mean_over_seeds(untuned, measure)}
    if measure == "acceptable":
        first[FIRST_LINE] = mean_over_seeds(untuned, "first_line")
    groups = [first, *({method: _tuned(cells, method, name, measure) for method in TUNED} for name in sets)]
    grouped_bars(axes, groups, numbers=True)
    height = first.get(FIRST_LINE, Estimate(None)).value
    if height is not None:
        axes.axhline(height, color=COLOURS[FIRST_LINE], linestyle="--", linewidth=1, zorder=0.9)
    axes.set_xticks(range(len(groups)), ["untuned", *sets])
    axes.set_xlim(-0.5, len(groups) - 0.5)
    axes.tick_params(axis="x", length=0)


def _tuned(cells: Sequence[Cell], method: str, name: str, measure: str) -> Estimate:
    found = [cell for cell in cells if cell.key.has(response_set=name, method=method, count=0)]
    return mean_over_seeds(found[0] if found else None, measure)


def aspects_drawing(cells: Cells, **_: object) -> Drawing | None:
    """Content and stopping apart, excellent, familiar and held-out tasks, requirements; the main size."""
    own = select(cells, study="instructability", corpus="many")
    sizes = values(own, "size")
    if not sizes:
        return None
    size = MAIN_SIZE if MAIN_SIZE in sizes else sizes[0]
    shown = [cell for cell in own if cell.key.size == size]
    return Drawing(
        "testbed_aspects",
        f"Testbed: what makes a reply acceptable ({size.upper()} base)",
        "Six panels of bars for the untuned base and for RT beside IT by response set: "
        f"{', '.join(HEADINGS[name].lower() for name in ASPECTS)}.",
        SOURCE,
        lambda: _draw_aspects(shown),
        ("Acceptable needs both content and stopping. Requirements are of the format tasks.", WHISKERS),
    )


def _draw_aspects(cells: Sequence[Cell]) -> Figure:
    figure = new_figure(0.6 + 3 * 1.8)
    panels = list(figure.subplots(3, 2, sharey=True, sharex=True).flatten())
    sets = [name for name in values(cells, "response_set") if name is not None]
    for axes, measure in zip(panels, ASPECTS, strict=True):
        share_axis(axes, HEADINGS[measure])
        _by_set(axes, cells, measure, sets)
    figure.supylabel("Share (%)", fontsize=8)
    legend(figure, panels)
    return figure


def in_context_drawing(cells: Cells, **_: object) -> Drawing | None:
    """0-shot, URIAL-R and URIAL, one group of bars a size."""
    own = select(cells, study="in-context", method=("0-shot", "URIAL-R", "URIAL"))
    if not own:
        return None
    return Drawing(
        "testbed_in_context",
        "Testbed: untuned weights in context",
        "Three panels of bars (acceptable, content right, stops right) for 0-shot, URIAL-R and URIAL, one group for "
        f"each size of base: {', '.join(values(own, 'size'))}.",
        SOURCE,
        lambda: _draw_in_context(own),
        ("0-shot: nothing shown; URIAL-R: responses shown; URIAL: pairs shown.", WHISKERS),
    )


def _draw_in_context(cells: Sequence[Cell]) -> Figure:
    sizes = values(cells, "size")
    measures = ("acceptable", "content", "stopping")
    beside = len(sizes) <= BESIDE  # of more, numbers above bars would touch
    figure = new_figure(0.6 + PANEL * (1 if beside else len(measures)))
    panels = list(figure.subplots(*((1, len(measures)) if beside else (len(measures), 1)), sharex=True, sharey=True))
    for axes, measure in zip(panels, measures, strict=True):
        share_axis(axes, HEADINGS[measure])
        grouped_bars(axes, [_styles(cells, size, measure) for size in sizes])
        axes.set_xticks(range(len(sizes)), [f"{size.upper()} base" for size in sizes])
        axes.set_xlim(-0.6, len(sizes) - 0.4)
        axes.tick_params(axis="x", length=0)
    figure.supylabel("Share (%)", fontsize=8)
    legend(figure, panels)
    return figure


def _styles(cells: Sequence[Cell], size: str, measure: str) -> dict[str, Estimate]:
    by_method = {cell.key.method: cell for cell in cells if cell.key.size == size}
    return {method: mean_over_seeds(by_method.get(method), measure) for method in ("0-shot", "URIAL-R", "URIAL")}


def sizes_drawing(cells: Cells, **_: object) -> Drawing | None:
    """RT's distance to IT against the size of the base; None with fewer than two sizes."""
    pairs = rt_it_pairs(cells)
    if len({rt.key.size for rt, _ in pairs}) < 2:
        return None
    return Drawing(
        "testbed_sizes",
        "Testbed: RT's distance to IT by size of the base",
        "Two panels of lines over the size of the base, 0.5M to 5M: acceptable replies of RT and IT averaged over the "
        "response sets, and IT's share less RT's, one line for each response set.",
        SOURCE,
        lambda: _draw_distances(pairs),
        ("Intervals of the difference resample both sides apart.", WHISKERS),
    )


def _draw_distances(pairs: Sequence[tuple[Cell, Cell]]) -> Figure:
    figure = new_figure(0.7 + PANEL)
    left, right = figure.subplots(1, 2)
    sizes, sets = values((rt for rt, _ in pairs), "size"), values((rt for rt, _ in pairs), "response_set")
    share_axis(left, "Acceptable (mean of the sets, %)")
    for index, method in enumerate(TUNED):
        by_size = [[mean_over_seeds(pair[index], "acceptable") for pair in _at(pairs, size)] for size in sizes]
        line(left, range(len(sizes)), [_mean(parts) for parts in by_size], method)
    right.set_title("IT less RT (points)")
    right.axhline(0, color="black", linewidth=0.6)
    right.grid(axis="y")
    for index, name in enumerate(sets):
        own = [(rt, it) for rt, it in pairs if rt.key.response_set == name]
        places = [(sizes.index(rt.key.size), difference(it, rt, "acceptable")) for rt, it in own]
        _distance_line(right, places, name, index, (index - (len(sets) - 1) / 2) * 0.06)
    for axes in (left, right):
        axes.set_xticks(range(len(sizes)), [f"{size.upper()}" for size in sizes])
        axes.set_xlim(-0.3, len(sizes) - 0.7)
    figure.supxlabel("Size of the base (parameters)", fontsize=8)
    left.legend(frameon=False)
    right.legend(frameon=False)
    return figure


def _at(pairs: Sequence[tuple[Cell, Cell]], size: str) -> list[tuple[Cell, Cell]]:
    return [pair for pair in pairs if pair[0].key.size == size]


def _mean(parts: Sequence[Estimate]) -> Estimate:
    found = [part.value for part in parts]
    return Estimate(None if None in found or not found else sum(found) / len(found))


def _distance_line(axes: Axes, places: Sequence[tuple[int, Estimate]], name: str, index: int, offset: float) -> None:
    found = [(x + offset, one) for x, one in places if one.value is not None]
    if not found:
        return
    ends = [[100 * (one.value - one.low) for _, one in found], [100 * (one.high - one.value) for _, one in found]]
    axes.errorbar(
        [x for x, _ in found],
        [100 * one.value for _, one in found],
        yerr=ends,
        label=name,
        color=SET_COLOURS[index % len(SET_COLOURS)],
        marker="so^v"[index % 4],
        linestyle=("-", "--", ":", "-.")[index % 4],
        markersize=4.5,
        linewidth=1.1,
        elinewidth=0.8,
        capsize=2,
    )
