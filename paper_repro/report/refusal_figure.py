"""Refusal rates of our own runs as bars: one figure a series, one panel a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paper_repro.conditions import UNTUNED
from paper_repro.report.figure import Drawing, bars, new_figure, rate_axis, slug
from paper_repro.report.names import benchmark_order, called
from paper_repro.report.run_rows import RunRow
from paper_repro.report.table import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# what one figure holds constant; study, model and judge enter the file's name only where they vary
SERIES = ("study", "base_model", "judge", "response_set", "recipe", "seed", "learning_rate")
Group = tuple[int | None, str | None]


def refusal_drawings(rows: Sequence[RunRow]) -> list[Drawing]:
    """One bar figure a response set, recipe, seed and learning rate; the untuned model stands in each.

    What was asked in context stands in none.
    """
    tuned = [row for row in rows if row["method"] not in UNTUNED]
    series = list(dict.fromkeys(tuple(row[name] for name in SERIES) for row in tuned))
    varying = [len({key[index] for key in series}) > 1 for index in range(len(SERIES))]
    drawings = []
    for key in series:
        members = [row for row in rows if _belongs(row, key)]
        named = [
            str(value)
            for value, name, vary in zip(key, SERIES, varying, strict=True)
            if vary or name in ("response_set", "recipe")
        ]
        drawings.append(_drawing("_".join(["refusal_rates", *map(slug, named)]), key, members))
    return drawings


def _belongs(row: RunRow, key: tuple) -> bool:
    if row["method"] == "untuned":
        return tuple(row[name] for name in SERIES[:3]) == key[:3]
    return tuple(row[name] for name in SERIES) == key


def _drawing(name: str, key: tuple, rows: Sequence[RunRow]) -> Drawing:
    facts = dict(zip(SERIES, key, strict=True))
    found = {panel for row in rows for panel in row.estimates}
    panels = sorted(found, key=lambda panel: (benchmark_order(panel[0]), panel[1]))
    title = f"Refusal rates of {facts['base_model']} tuned on {facts['response_set']} (recipe {facts['recipe']})"
    rate = "" if facts["learning_rate"] is None else f", learning rate {facts['learning_rate']:g}"
    return Drawing(
        name,
        title,
        "Bars of refusal rates for the untuned model, and for IT beside RT by number of refusals in training, with "
        f"95 % intervals; one panel for each of: {', '.join(_panel_title(panel) for panel in panels)}.",
        f"this run's scores; judge {facts['judge']}, seed {facts['seed']}{rate}",
        lambda: _draw(rows, panels),
        ("Whiskers: 95 % intervals over prompts. No bar: no response could be classified, or it was not measured.",),
    )


def _panel_title(panel: tuple[str, str]) -> str:
    title = called(panel[0])
    return f"{title} (false refusals)" if panel[1] == "false_refusal_rate" else title


def _draw(rows: Sequence[RunRow], panels: Sequence[tuple[str, str]]) -> Figure:
    wide = 2 if len(panels) in (2, 4) else min(3, len(panels))
    high = -(-len(panels) // wide)
    figure = new_figure(0.7 + 1.7 * high)
    grid = figure.subplots(high, wide, sharey=True, squeeze=False).flatten()
    found = {(row["num_refusals"], row["strategy"]) for row in rows if row["method"] != "untuned"}
    groups = sorted(found, key=lambda group: (group[0] or 0, group[1] != "paper", group[1] or ""))
    for axes, panel in zip(grid, panels, strict=False):
        rate_axis(axes, _panel_title(panel))
        _panel(axes, rows, panel, groups)
    for axes in grid[len(panels) :]:
        axes.axis("off")
    figure.supylabel("Refusal rate", fontsize=8)
    figure.supxlabel("Refusals in training", fontsize=8)
    named = {name: bar for axes in grid for bar, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    order = [name for name in ("untuned", "IT", "RT") if name in named]
    figure.legend(
        [named[name] for name in order], order, loc="outside upper center", ncols=3, frameon=False, handlelength=2.5
    )
    return figure


def _panel(axes: Axes, rows: Sequence[RunRow], panel: tuple[str, str], groups: Sequence[Group]) -> None:
    places = {(None, None): 0} | {group: index + 1 for index, group in enumerate(groups)}
    for method, offset, width in (("untuned", 0.0, 0.4), ("IT", -0.2, 0.4), ("RT", 0.2, 0.4)):
        measured = [
            (places[row["num_refusals"], row["strategy"]] + offset, row.estimates[panel])
            for row in rows
            if row["method"] == method and panel in row.estimates and row.estimates[panel].value is not None
        ]
        if measured:
            values = [estimate.value for _, estimate in measured]
            bars(axes, [x for x, _ in measured], values, method, width, [_interval(e) for _, e in measured])
    axes.set_xticks(range(len(places)), ["untuned", *(_group_name(group) for group in groups)])
    axes.set_xlim(-0.6, len(places) - 0.4)


def _group_name(group: Group) -> str:
    count, strategy = group
    return f"{count}\n{strategy}" if strategy else str(count)


def _interval(estimate: Estimate) -> tuple[float, float] | None:
    return None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)
