"""Forms of the paper's figures on any numbers: stacked bars, radars, dot plots with intervals, bars by refusals.

A number that is missing has no mark, and stacked bars say so; an interval is drawn where there is one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from math import nan, pi
from typing import TYPE_CHECKING

from paper_repro.report.figure import COLOURS, HATCHES, INK, bars, new_figure, rate_axis
from paper_repro.report.table import MISSING, Estimate, rounded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.projections.polar import PolarAxes

LEVEL_NAMES = ("acceptable (excellent)", "acceptable (sufficient)", "not acceptable")
LEVEL_COLOURS = ("#0072B2", "#56B4E9", "#EEEEEE")
LEVEL_HATCHES = ("", "///", "")
SHORT = {
    "helpfulness": "Helpful",
    "factuality": "Factual",
    "clarity": "Clear",
    "depth": "Deep",
    "engagement": "Engaging",
    "safety": "Safe",
}
LINES = {"IT": "-", "RT": "--", "0-shot": ":", "URIAL-R": "--", "URIAL": "-"}
MARKERS = {"IT": "o", "RT": "s", "0-shot": "v", "URIAL-R": "s", "URIAL": "o"}
WIDEST = 4  # panels side by side
TITLE = 22  # characters on a line of a narrow panel's title
WINS = {"rt_win": ("RT", "RT wins"), "tie": ("tie", "tie"), "it_win": ("IT", "IT wins")}
Place = tuple[str, str]  # what the panel's row is called, and its column
Profiles = Mapping[Place, Mapping[str, Sequence[Estimate]]]  # panel to method to a score an aspect
Stacks = Mapping[str, Mapping[str, Mapping[str, Estimate]]]  # panel to bar to part


def draw_levels(panels: Mapping[str, Mapping[str, Sequence[Estimate]]], label: str) -> Figure:
    """Stacked bars of the raters' three levels (Figure 2), a panel a base model.

    Args:
        panels: Base model to bar to the three shares.
        label: Of the axis.
    """
    wide = min(2, len(panels))
    high = -(-len(panels) // wide)
    most = max(map(len, panels.values()))
    figure = new_figure(0.8 + high * (0.5 + 0.17 * most))
    grid = figure.subplots(high, wide, sharex=True, squeeze=False).flatten()
    for axes, (title, rows) in zip(grid, panels.items(), strict=False):
        stack(axes, list(rows.values()), LEVEL_NAMES, LEVEL_COLOURS, LEVEL_HATCHES)
        axes.set_title(title)
        axes.set_xlim(0, 1)
    _name_bars(grid, [list(rows) for rows in panels.values()], wide)
    _legend_above(figure, grid, len(panels), label)
    return figure


def stack(
    axes: Axes,
    rows: Sequence[Sequence[Estimate]],
    names: Sequence[str],
    colours: Sequence[str],
    hatches: Sequence[str],
    *,
    numbers: Sequence[str] = (),
    size: float = 7,
) -> None:
    """One bar a row, from above, its parts side by side; a row without all its numbers says so.

    Args:
        axes: The panel.
        rows: Parts of every bar.
        names, colours, hatches: Of the parts.
        numbers: Colours of the parts' numbers, which stand in them; empty: none.
        size: Of those numbers.
    """
    lefts = [0.0] * len(rows)
    whole = [all(part.value is not None for part in row) for row in rows]
    for index, (name, colour, hatch) in enumerate(zip(names, colours, hatches, strict=True)):
        widths = [row[index].value if known else 0.0 for row, known in zip(rows, whole, strict=True)]
        style = {"color": colour, "hatch": hatch, "edgecolor": "black", "linewidth": 0.5}
        axes.barh(range(len(rows)), widths, 0.72, lefts, label=name, **style)
        for y, (left, width) in enumerate(zip(lefts, widths, strict=True)):
            if numbers and width:
                # a plain patch behind the number, so that a hatch does not run through it
                patch = {"facecolor": colour, "edgecolor": "none", "pad": 0.8}
                place = {"ha": "center", "va": "center", "color": numbers[index], "fontsize": size}
                axes.text(left + width / 2, y, rounded(width, 0), bbox=patch, **place)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    for y, known in enumerate(whole):
        if not known:
            axes.text(0, y, f" {MISSING}", ha="left", va="center", fontsize=size, color="#555555")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def draw_stacks(panels: Stacks, parts: Sequence[str]) -> Figure:
    """Per cent of instructions won, tied and lost (Figures 8 and 9), a panel a base model, a bar a data set."""
    wide = min(2, len(panels))
    high = -(-len(panels) // wide)
    figure = new_figure(0.8 + high * (0.45 + 0.25 * max(map(len, panels.values()))))
    grid = figure.subplots(high, wide, sharex=True, squeeze=False).flatten()
    for axes, (title, rows) in zip(grid, panels.items(), strict=False):
        _wins(axes, rows, parts, 7)
        axes.set_title(title)
    _name_bars(grid, [list(rows) for rows in panels.values()], wide)
    _legend_above(figure, grid, len(panels), "Instructions (%)")
    return figure


def draw_side_by_side(panels: Stacks) -> Figure:
    """The same, raters beside judge (Figure 4): a panel each, a bar a base model and data set."""
    most = max(map(len, panels.values()))
    figure = new_figure(0.9 + 0.225 * most)
    grid = figure.subplots(1, len(panels), squeeze=False).flatten()
    # ties are a part where they are counted
    for axes, (title, rows) in zip(grid, panels.items(), strict=True):
        _wins(axes, rows, [part for part in WINS if any(part in row for row in rows.values())], 6)
        axes.set_title(title)
    _name_bars(grid, [list(rows) for rows in panels.values()], len(panels))
    _legend_above(figure, grid, len(panels), "Instructions (%)")
    return figure


def _wins(axes: Axes, rows: Mapping[str, Mapping[str, Estimate]], parts: Sequence[str], size: float) -> None:
    colours = [COLOURS[WINS[part][0]] for part in parts]
    values = [[row.get(part, Estimate(None)) for part in parts] for row in rows.values()]
    names, hatches = [WINS[part][1] for part in parts], [HATCHES[WINS[part][0]] for part in parts]
    stack(axes, values, names, colours, hatches, numbers=[INK[WINS[part][0]] for part in parts], size=size)
    axes.set_xlim(0, 100)


def _name_bars(grid: Sequence[Axes], names: Sequence[Sequence[str]], wide: int) -> None:
    """Names at the bars of each panel; not again where the panel to the left has the same."""
    for index, (axes, own) in enumerate(zip(grid, names, strict=False)):
        same = index % wide and own == names[index - 1]
        axes.set_yticks(range(len(own)), [""] * len(own) if same else own)


def _label_lowest(grid: Sequence[Axes]) -> None:
    """Numbers at the axis of every panel without one below it: of a shared axis only the last row shows them."""
    wide = next(
        (index for index, axes in enumerate(grid) if index and axes.get_subplotspec().is_first_col()), len(grid)
    )
    for index, axes in enumerate(grid):
        below = grid[index + wide] if index + wide < len(grid) else None
        if axes.axison and below is not None and not below.axison:
            axes.tick_params(labelbottom=True)


def _titled(name: str) -> str:
    """A base model as the title of a narrow panel: without its owner, on lines that fit."""
    return "\n".join(textwrap.wrap(name.rsplit("/", 1)[-1], TITLE))


def _legend_above(figure: Figure, grid: Sequence[Axes], used: int, label: str) -> None:
    for axes in grid[used:]:
        axes.axis("off")
    _label_lowest(grid)
    named = {name: bar for axes in grid[:used] for bar, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    place = {"loc": "outside upper center", "ncols": len(named), "frameon": False, "handlelength": 2.5}
    figure.legend(list(named.values()), list(named), **place)
    figure.supxlabel(label, fontsize=8)


def _laid_out(places: Sequence[Place]) -> tuple[list[list[Place | None]], int]:
    """Rows of panels, no more than `WIDEST` side by side, and their number; a place without numbers is None."""
    rows, columns = (list(dict.fromkeys(place[index] for place in places)) for index in (0, 1))
    wide = min(WIDEST, len(columns))
    found = []
    for start in range(0, len(columns), wide):
        part = [*columns[start : start + wide], *[None] * wide][:wide]
        found += [[(row, column) if (row, column) in places else None for column in part] for row in rows]
    return found, wide


def draw_radars(scores: Profiles, aspects: Sequence[str]) -> Figure:
    """Radar charts of scores from 1 to 5 (Figures 3 and 6)."""
    rows, wide = _laid_out(list(scores))
    figure = new_figure(0.35 + 1.45 * len(rows))
    grid = figure.subplots(len(rows), wide, subplot_kw={"projection": "polar"}, squeeze=False)
    angles = [2 * pi * index / len(aspects) for index in range(len(aspects))]
    for axes, row, places in _panels(grid, rows):
        for place, panel in zip(row, axes, strict=True):
            if place is None:
                panel.axis("off")
                continue
            for method, values in scores[place].items():
                _radar(panel, angles, [_number(one) for one in values], method)
            panel.set_xticks(angles, [SHORT.get(aspect, aspect.capitalize()) for aspect in aspects], fontsize=6)
            if places:
                panel.set_title(_titled(place[1]), pad=12)
        axes[0].set_ylabel(row[0][0] if row[0] else "", labelpad=26, fontsize=8)
    _legend_of_methods(figure, grid.flatten(), "outside lower center")
    return figure


def _panels(grid, rows: Sequence[Sequence[Place | None]]):
    """Each row of the grid with its places, and whether the columns' names stand above it."""
    seen: set[tuple] = set()
    for axes, row in zip(grid, rows, strict=True):
        columns = tuple(place and place[1] for place in row)
        yield axes, row, columns not in seen
        seen.add(columns)


def _number(one: Estimate) -> float:
    return nan if one.value is None else one.value


def _radar(axes: PolarAxes, angles: Sequence[float], values: Sequence[float], method: str) -> None:
    closed = [*angles, angles[0]], [*values, values[0]]
    style = {"color": COLOURS[method], "linestyle": LINES[method], "marker": MARKERS[method]}
    axes.plot(*closed, label=method, linewidth=1.2, markersize=2.5, **style)
    axes.fill(*closed, color=COLOURS[method], alpha=0.12)
    axes.set_theta_offset(pi / 2)
    axes.set_theta_direction(-1)
    axes.set_ylim(1, 5)
    axes.set_yticks((2, 3, 4, 5), ("", "3", "", "5"), fontsize=5.5)
    axes.tick_params(pad=0)
    axes.spines["polar"].set_linewidth(0.4)


def draw_dots(scores: Profiles, aspects: Sequence[str]) -> Figure:
    """The same as dots on lines, with intervals where there are some: positions are easier to compare than areas."""
    rows, wide = _laid_out(list(scores))
    figure = new_figure(0.8 + (0.2 + 0.2 * len(aspects)) * len(rows))
    grid = figure.subplots(len(rows), wide, sharex=True, sharey=True, squeeze=False)
    for axes, row, places in _panels(grid, rows):
        for place, panel in zip(row, axes, strict=True):
            if place is None:
                panel.axis("off")
                continue
            _dots(panel, scores[place])
            if places:
                panel.set_title(_titled(place[1]))
        axes[0].set_ylabel(row[0][0] if row[0] else "", fontsize=8)
    grid[0][0].set_yticks(range(len(aspects)), [aspect.capitalize() for aspect in aspects])
    grid[0][0].set_ylim(len(aspects) - 0.5, -0.5)
    grid[0][0].set_xlim(1, 5)
    _label_lowest(grid.flatten())
    _legend_of_methods(figure, grid.flatten(), "outside upper center")
    figure.supxlabel("Score, 1 to 5", fontsize=8)
    return figure


def _dots(axes: Axes, methods: Mapping[str, Sequence[Estimate]]) -> None:
    ends = [[_number(one) for one in values] for values in methods.values()]
    places = range(len(ends[0]))
    axes.hlines(places, *(list(map(end, zip(*ends, strict=True))) for end in (min, max)), color="#999999", linewidth=1)
    for index, (method, values) in enumerate(methods.items()):
        shift = 0.22 * (index - (len(methods) - 1) / 2) if any(one.low is not None for one in values) else 0.0
        heights = [place + shift for place in places]
        for y, one in zip(heights, values, strict=True):
            if one.value is not None and one.low is not None and one.high is not None:
                axes.hlines(y, one.low, one.high, color="black", linewidth=0.8)
        style = {"color": COLOURS[method], "marker": MARKERS[method], "edgecolors": "black", "linewidths": 0.4}
        axes.scatter([_number(one) for one in values], heights, s=16, label=method, zorder=3, **style)
    axes.grid(axis="x")


def _legend_of_methods(figure: Figure, grid: Sequence[Axes], place: str) -> None:
    named = {name: mark for axes in grid for mark, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(list(named.values()), list(named), loc=place, ncols=len(named), frameon=False)


def draw_refusals(panels: Mapping[str, Mapping[str, Mapping[int, Estimate]]]) -> Figure:
    """Refusal rates by number of refusals, five panels (Figure 5).

    Args:
        panels: Title to method to number of refusals to its rate.
    """
    figure = new_figure(3.4)
    grid = figure.subplots(2, 3, sharey=True).flatten()
    counts = sorted({count for methods in panels.values() for rates in methods.values() for count in rates})
    for axes, letter, (title, methods) in zip(grid, "abcde", panels.items(), strict=False):
        rate_axis(axes, f"({letter}) {title}")
        for offset, (method, rates) in zip((-0.2, 0.2), methods.items(), strict=True):
            known = [(counts.index(count) + offset, one) for count, one in rates.items() if one.value is not None]
            ends = [None if one.low is None else (one.low, one.high) for _, one in known]
            bars(axes, [place for place, _ in known], [one.value for _, one in known], method, 0.4, ends)
        axes.set_xticks(range(len(counts)), [str(count) for count in counts])
    figure.supylabel("Refusal rate", fontsize=8)
    figure.supxlabel("Refusals in training", fontsize=8)
    handles, names = grid[0].get_legend_handles_labels()
    grid[-1].axis("off")
    grid[-1].legend(handles, names, loc="center", frameon=False, handlelength=2.5, handleheight=1.2)
    return figure
