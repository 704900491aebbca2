"""Parts of the testbed's figures: groups of bars, and lines with whiskers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from paper_repro.report.figure import COLOURS, FIRST_LINE, HATCHES, slug
from paper_repro.report.table import Estimate, rounded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# a marker and a dash tell what a colour tells
MARKERS = {"RT": "s", "IT": "o", "untuned": "v", FIRST_LINE: "^"}
DASHES = {"RT": "-", "IT": "-", "untuned": ":", FIRST_LINE: "--"}
# ways to select refusals
MARKERS |= {"paper": "o", "random": "v", "diverse": "s", "targeted": "D"}
DASHES |= {"paper": "-", "random": ":", "diverse": "--", "targeted": "-."}
REFERENCE_INK = "#000000"
GAP = 0.02  # between a whisker and the number above it
FLOOR = -0.05  # of an axis of lines: a marker at 0 stands whole above the axis
BAR = 0.8  # share of a group's place that its bars take


def grouped_bars(axes: Axes, groups: Sequence[Mapping[str, Estimate]], *, numbers: bool = True) -> None:
    """Bars side by side: a group a place on the axis, each bar in the colour and hatch of its series.

    Args:
        axes: Where.
        groups: Series to estimate; a bar without a value is the word "missing".
        numbers: Whether each bar's value (in per cent) stands above it.
    """
    seen: set[str] = set()
    for place, group in enumerate(groups):
        width = BAR / max(len(group), 2)
        for index, (series, estimate) in enumerate(group.items()):
            x = place + (index - (len(group) - 1) / 2) * width
            if estimate.value is None:
                say_missing(axes, x)
                continue
            axes.bar(
                x,
                estimate.value,
                width,
                label=None if series in seen else series,
                color=COLOURS[series],
                hatch=HATCHES[series],
                edgecolor="black",
                linewidth=0.5,
            )
            seen.add(series)
            top = _whisker(axes, x, estimate)
            if numbers:
                patch = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}  # no line runs through the number
                text = rounded(100 * estimate.value, 0)
                axes.text(x, top + GAP, text, ha="center", va="bottom", fontsize=6.5, bbox=patch)


def say_missing(axes: Axes, x: float) -> None:
    """The word, where a number would stand."""
    axes.text(x, 0.02, "missing", rotation=90, ha="center", va="bottom", fontsize=6, style="italic")


def _whisker(axes: Axes, x: float, estimate: Estimate) -> float:
    """A bar's whisker; returns where it ends."""
    if estimate.low is None or estimate.high is None:
        return estimate.value
    ends = [[estimate.value - estimate.low], [estimate.high - estimate.value]]
    axes.errorbar(x, estimate.value, yerr=ends, fmt="none", ecolor="black", elinewidth=0.8, capsize=2)
    return estimate.high


def line(axes: Axes, xs: Sequence[float], estimates: Sequence[Estimate], series: str) -> None:
    """One series as markers joined by a line, with whiskers; at a place without a value the line is broken."""
    if all(one.value is None for one in estimates):
        return
    values = [math.nan if one.value is None else one.value for one in estimates]
    below = [value - (value if one.low is None else one.low) for value, one in zip(values, estimates, strict=True)]
    above = [(value if one.high is None else one.high) - value for value, one in zip(values, estimates, strict=True)]
    if axes.get_ylim()[0] == 0:
        axes.set_ylim(bottom=FLOOR)
    axes.errorbar(
        xs,
        values,
        yerr=[below, above],
        label=series,
        color=COLOURS[series],
        marker=MARKERS[series],
        linestyle=DASHES[series],
        markeredgecolor="black",
        markeredgewidth=0.5,
        markersize=5,
        linewidth=1.2,
        elinewidth=0.8,
        ecolor="black",
        capsize=2,
    )


def reference(axes: Axes, xs: Sequence[float], values: Sequence[float | None], label: str, span: float = 0.0) -> None:
    """Numbers of the bases' cards: black diamonds, apart from everything that was tuned.

    Args:
        axes: Where.
        xs: Places.
        values: Shares; None leaves a place empty.
        label: In the legend.
        span: Half the width of a dashed line through each diamond, e.g. above a group of bars.
    """
    found = [(x, value) for x, value in zip(xs, values, strict=True) if value is not None]
    if not found:
        return
    for x, value in found if span else []:
        axes.plot((x - span, x + span), (value, value), color=REFERENCE_INK, linewidth=0.8, linestyle="--", zorder=4)
    ink = {"color": REFERENCE_INK, "markersize": 4, "zorder": 4, "clip_on": False}
    axes.plot(*zip(*found, strict=True), "D", label=label, **ink)


def stem(name: str, size: str, response_set: str, several: bool) -> str:
    """File stem of a figure, with base and response set where there are figures of several."""
    return f"{name}_{slug(size)}_{slug(response_set)}" if several else name


def share_axis(axes: Axes, title: str) -> None:
    """An axis of shares, in per cent, with room for the number above a full bar."""
    axes.set_title(title)
    axes.set_ylim(0, 1.08)
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0", "25", "50", "75", "100"))
    axes.grid(axis="y")


def legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend above all panels, every series once."""
    named = {name: mark for axes in panels for mark, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    if named:
        figure.legend(
            list(named.values()),
            list(named),
            loc="outside upper center",
            ncols=min(len(named), 5),
            frameon=False,
            handlelength=2.5,
            handleheight=1.2,
        )
