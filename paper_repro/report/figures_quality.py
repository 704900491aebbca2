"""The paper's figures of response quality and preference from its published numbers: 2, 3 and 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import pi
from typing import TYPE_CHECKING

from artifacts.published_tables import DATASETS, JUSTEVAL_ASPECTS, METHODS, MODELS
from paper_repro.report.figure import COLOURS, HATCHES, INK, Drawing, new_figure
from paper_repro.report.tables import PAPER, Tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.projections.polar import PolarAxes

LEVELS = ("acceptable_excellent", "acceptable_sufficient", "not_acceptable")
LEVEL_NAMES = ("acceptable (excellent)", "acceptable (sufficient)", "not acceptable")
LEVEL_COLOURS = ("#0072B2", "#56B4E9", "#EEEEEE")
LEVEL_HATCHES = ("", "///", "")
PART = "The printed figure shows a part of these numbers; all of them stand here."
SHORT = {
    "helpfulness": "Helpful",
    "factuality": "Factual",
    "clarity": "Clear",
    "depth": "Deep",
    "engagement": "Engaging",
}
LINES = {"IT": "-", "RT": "--"}
MARKERS = {"IT": "o", "RT": "s"}
Levels = Mapping[tuple[str, str], Sequence[float]]


def figure_02(tables: Tables) -> Drawing:
    """Figure 2: acceptability of responses by human raters, from Table 11."""
    cells = tables["table_11"].cells()
    rows = {
        (model, _bar(dataset, method)): [cells[model, dataset, method][level] for level in LEVELS]
        for model in MODELS
        for dataset, method in ((None, "untuned"), *((d, m) for d in DATASETS for m in METHODS))
    }
    return Drawing(
        "figure_02",
        "Figure 2. Acceptability of responses, human raters",
        "Stacked bars, one panel a base model: shares of responses rated acceptable (excellent), acceptable "
        "(sufficient) and not acceptable, for the untuned base and for IT and RT on each data set.",
        f"{PAPER}, Figure 2; numbers of Table 11",
        lambda: _draw_levels(rows),
        (PART,),
    )


def _bar(dataset: str | None, method: str) -> str:
    return method if dataset is None else f"{dataset} {method}"


def _draw_levels(rows: Levels) -> Figure:
    figure = new_figure(4.2)
    grid = figure.subplots(2, 2, sharex=True, sharey=True).flatten()
    for axes, model in zip(grid, MODELS, strict=True):
        names = [name for of, name in rows if of == model]
        lefts = [0.0] * len(names)
        for level, (label, colour, hatch) in enumerate(zip(LEVEL_NAMES, LEVEL_COLOURS, LEVEL_HATCHES, strict=True)):
            widths = [rows[model, name][level] for name in names]
            style = {"color": colour, "hatch": hatch, "edgecolor": "black", "linewidth": 0.5}
            axes.barh(range(len(names)), widths, 0.75, lefts, label=label, **style)
            lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
        axes.set_title(model)
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 1)
    grid[0].invert_yaxis()  # shared by all panels
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, handlelength=2.5)
    figure.supxlabel("Share of 805 instructions", fontsize=8)
    return figure


def figure_03(tables: Tables) -> Drawing:
    """Figure 3: five aspects of response quality as radar charts, from Table 13."""
    scores = _aspects(tables)
    return Drawing(
        "figure_03",
        "Figure 3. Response quality on JustEval, five aspects",
        "Radar charts, a row a data set and a column a base model: scores from 1 to 5 on helpfulness, factuality, "
        "clarity, depth and engagement, IT beside RT.",
        f"{PAPER}, Figure 3; numbers of Table 13",
        lambda: _draw_radars(scores),
        (PART,),
    )


def figure_03_dots(tables: Tables) -> Drawing:
    """Figure 3 as a dot plot: positions on one line are easier to compare than areas."""
    scores = _aspects(tables)
    return Drawing(
        "figure_03_dots",
        "Figure 3 as a dot plot. Response quality on JustEval, five aspects",
        "Dots on lines, one line an aspect and one panel a base model and data set: IT and RT joined by a bar, scores "
        "from 1 to 5.",
        f"{PAPER}, Figure 3; numbers of Table 13",
        lambda: _draw_dots(scores),
        (PART,),
    )


def _aspects(tables: Tables) -> dict[tuple[str, str, str], list[float]]:
    cells = tables["table_13"].cells()
    return {
        (model, dataset, method): [cells[model, dataset, method][aspect] for aspect in JUSTEVAL_ASPECTS]
        for model in MODELS
        for dataset in DATASETS
        for method in METHODS
    }


def _draw_radars(scores: Mapping[tuple[str, str, str], Sequence[float]]) -> Figure:
    figure = new_figure(4.7)
    grid = figure.subplots(len(DATASETS), len(MODELS), subplot_kw={"projection": "polar"})
    angles = [2 * pi * i / len(JUSTEVAL_ASPECTS) for i in range(len(JUSTEVAL_ASPECTS))]
    for row, dataset in zip(grid, DATASETS, strict=True):
        for axes, model in zip(row, MODELS, strict=True):
            for method in METHODS:
                _radar(axes, angles, scores[model, dataset, method], method)
            if dataset == DATASETS[0]:
                axes.set_title(model, pad=12)
        row[0].set_ylabel(dataset, labelpad=26, fontsize=8)
    handles, names = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _radar(axes: PolarAxes, angles: Sequence[float], values: Sequence[float], method: str) -> None:
    closed = [*angles, angles[0]], [*values, values[0]]
    style = {"color": COLOURS[method], "linestyle": LINES[method], "marker": MARKERS[method]}
    axes.plot(*closed, label=method, linewidth=1.2, markersize=2.5, **style)
    axes.fill(*closed, color=COLOURS[method], alpha=0.12)
    axes.set_theta_offset(pi / 2)
    axes.set_theta_direction(-1)
    axes.set_ylim(1, 5)
    axes.set_yticks((2, 3, 4, 5), ("", "3", "", "5"), fontsize=5.5)
    axes.set_xticks(angles, [SHORT.get(aspect, aspect.capitalize()) for aspect in JUSTEVAL_ASPECTS], fontsize=6)
    axes.tick_params(pad=0)
    axes.spines["polar"].set_linewidth(0.4)


def _draw_dots(scores: Mapping[tuple[str, str, str], Sequence[float]]) -> Figure:
    figure = new_figure(4.4)
    grid = figure.subplots(len(DATASETS), len(MODELS), sharex=True, sharey=True)
    places = range(len(JUSTEVAL_ASPECTS))
    for row, dataset in zip(grid, DATASETS, strict=True):
        for axes, model in zip(row, MODELS, strict=True):
            ends = [scores[model, dataset, method] for method in METHODS]
            axes.hlines(places, *ends, color="#999999", linewidth=1.5)
            for method, values in zip(METHODS, ends, strict=True):
                style = {"color": COLOURS[method], "marker": MARKERS[method], "edgecolors": "black", "linewidths": 0.4}
                axes.scatter(values, places, s=16, label=method, zorder=3, **style)
            axes.grid(axis="x")
            if dataset == DATASETS[0]:
                axes.set_title(model)
        row[0].set_ylabel(dataset, fontsize=8)
    grid[0][0].set_yticks(places, [aspect.capitalize() for aspect in JUSTEVAL_ASPECTS])
    grid[0][0].invert_yaxis()
    grid[0][0].set_xlim(1, 5)
    handles, names = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2, frameon=False)
    figure.supxlabel("Score, 1 to 5", fontsize=8)
    return figure


def figure_04(tables: Tables) -> Drawing:
    """Figure 4: RT against IT by human raters and by GPT-4, from Figures 8 and 9."""
    human, judged = tables["figure_08"].cells(), tables["figure_09"].cells()
    panels = {
        "(a) Human raters": {
            (m, d): [human[m, d][k] for k in ("rt_win", "tie", "it_win")] for m in MODELS for d in DATASETS
        },
        "(b) GPT-4, length-controlled": {
            (m, d): [judged[m, d]["rt_win"], 0, judged[m, d]["it_win"]] for m in MODELS for d in DATASETS
        },
    }
    return Drawing(
        "figure_04",
        "Figure 4. Preference: RT against IT",
        "Two panels of stacked bars, one bar a base model and data set: per cent of 805 instructions on which RT's "
        "response, neither, or IT's is preferred, by human raters and by GPT-4.",
        f"{PAPER}, Figure 4; numbers of Figures 8 and 9",
        lambda: _draw_panels(panels),
        (PART,),
    )


def _draw_panels(panels: Mapping[str, Mapping[tuple[str, str], Sequence[int]]]) -> Figure:
    figure = new_figure(3.6)
    grid = figure.subplots(1, len(panels), sharey=True)
    for axes, (title, rows) in zip(grid, panels.items(), strict=True):
        stack_preferences(axes, list(rows.values()), ("RT", "tie", "IT"), ("RT wins", "tie", "IT wins"), size=6)
        axes.set_title(title)
        names = [f"{model}, {dataset}" for model, dataset in rows]
    grid[0].set_yticks(range(len(names)), names)
    grid[0].invert_yaxis()
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, handlelength=2.5)
    figure.supxlabel("Instructions (%)", fontsize=8)
    return figure


def stack_preferences(
    axes: Axes, rows: Sequence[Sequence[int]], parts: Sequence[str], labels: Sequence[str], size: float = 7
) -> None:
    """One bar a row, its parts side by side in the colours of `parts`, each with its number."""
    lefts = [0] * len(rows)
    for index, (part, label) in enumerate(zip(parts, labels, strict=True)):
        widths = [row[index] for row in rows]
        style = {"color": COLOURS[part], "hatch": HATCHES[part], "edgecolor": "black", "linewidth": 0.5}
        axes.barh(range(len(rows)), widths, 0.7, lefts, label=label, **style)
        for y, (left, width) in enumerate(zip(lefts, widths, strict=True)):
            if width:
                # a plain patch behind the number, so that a hatch does not run through it
                patch = {"facecolor": COLOURS[part], "edgecolor": "none", "pad": 0.8}
                place = {"ha": "center", "va": "center", "color": INK[part], "fontsize": size}
                axes.text(left + width / 2, y, str(width), bbox=patch, **place)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    axes.set_xlim(0, 100)
    axes.tick_params(axis="y", length=0)
