"""The paper's numbered figures from a run's own numbers, each base model under its own name.

What makes a figure's numbers is what makes its table's (`run_forms`); a figure whose numbers a run has none of is
absent. The testbed's results are no part of these: its own figures are its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from artifacts.published_tables import FALSE_REFUSAL, JUSTEVAL_ASPECTS, METHODS, REFUSAL_BENCHMARKS
from paper_repro.report.figure import Drawing
from paper_repro.report.figure_forms import (
    WINS,
    Profiles,
    Stacks,
    draw_dots,
    draw_levels,
    draw_radars,
    draw_refusals,
    draw_side_by_side,
    draw_stacks,
)
from paper_repro.report.figures import FIGURE_5_CELL, panel_title
from paper_repro.report.figures_quality import LEVELS, bar_name
from paper_repro.report.run_tables import Key, RunTable
from paper_repro.report.table import Estimate

SOURCE = "this run's scores"
WHISKERS = "Lines: 95 % intervals over prompts, and over seeds where there are several; see the table."
IN_CONTEXT = ("0-shot", "URIAL-R", "URIAL")
Runs = Mapping[str, RunTable]
Row = Mapping[str, Estimate]


def run_drawings(number: int, title: str, runs: Runs, *, beside: bool) -> list[Drawing]:
    """A figure's drawings from a run's numbers, the paper's form first; none where the run has no such number.

    Args:
        number: The figure.
        title: Its title without a source.
        runs: The run's tables.
        beside: Whether the published figure stands beside it, which then has the plain file name.
    """
    made = RUN_FIGURES[number](runs) if number in RUN_FIGURES else []
    ending = "_run" if beside else ""
    return [
        replace(one, name=f"{one.name}{ending}", title=f"{title}: this run{one.title}", alt=f"This run's. {one.alt}")
        for one in made
    ]


def _rows(runs: Runs, name: str) -> dict[Key, Row]:
    """Conditions of a table with any number; the table's order."""
    found = runs[name].estimates() if name in runs else {}
    return {key: row for key, row in found.items() if any(one.value is not None for one in row.values())}


def _levels(runs: Runs) -> list[Drawing]:
    panels: dict[str, dict[str, list[Estimate]]] = {}
    for (base, dataset, method), row in _rows(runs, "table_11").items():
        panels.setdefault(base, {})[bar_name(dataset, method)] = [row[level] for level in LEVELS]
    if not panels:
        return []
    alt = (
        "Stacked bars, one panel a base model: shares of responses that human raters found acceptable (excellent), "
        "acceptable (sufficient) and not acceptable."
    )
    return [Drawing("figure_02", "", alt, SOURCE, lambda: draw_levels(panels, "Share of the instructions rated"))]


def _profiles(name: str, scores: Profiles, aspects: Sequence[str]) -> list[Drawing]:
    """Radars, and the same as dots with intervals."""
    if not scores:
        return []
    alt = f"Scores from 1 to 5 on {', '.join(aspects)}, one panel a base model and data set."
    radar = Drawing(name, "", f"Radar charts. {alt}", SOURCE, lambda: draw_radars(scores, aspects))
    dots = Drawing(
        f"{name}_dots",
        ", as a dot plot",
        f"Dots on lines with intervals. {alt}",
        SOURCE,
        lambda: draw_dots(scores, aspects),
        (WHISKERS,),
    )
    return [radar, dots]


def _quality(runs: Runs) -> list[Drawing]:
    scores: dict[tuple[str, str], dict[str, list[Estimate]]] = {}
    for (base, dataset, method), row in _rows(runs, "table_13").items():
        if method in METHODS:
            scores.setdefault((dataset, base), {})[method] = [row[aspect] for aspect in JUSTEVAL_ASPECTS]
    return _profiles("figure_03", scores, JUSTEVAL_ASPECTS)


def _in_context(runs: Runs) -> list[Drawing]:
    aspects = (*JUSTEVAL_ASPECTS, "safety")
    scores: dict[tuple[str, str], dict[str, list[Estimate]]] = {}
    for (base, method), row in _rows(runs, "figure_06").items():
        if method in IN_CONTEXT:
            scores.setdefault(("", base), {})[method] = [row[aspect] for aspect in aspects]
    return _profiles("figure_06", scores, aspects)


def _stacks(runs: Runs, name: str) -> Stacks:
    panels: dict[str, dict[str, Row]] = {}
    for (base, dataset), row in _rows(runs, name).items():
        panels.setdefault(base, {})[dataset] = row
    return panels


def _preference(name: str, alt: str) -> Callable[[Runs], list[Drawing]]:
    def drawings(runs: Runs) -> list[Drawing]:
        panels = _stacks(runs, name)
        parts = [part for part in WINS if any(part in row for rows in panels.values() for row in rows.values())]
        return [Drawing(name, "", alt, SOURCE, lambda: draw_stacks(panels, parts))] if panels else []

    return drawings


def _side_by_side(runs: Runs) -> list[Drawing]:
    """Panels of what there is; every panel has the bars of both, so that a missing one is seen."""
    titles = {"figure_08": "Human raters", "figure_09": "Judge, length-controlled"}
    stacks = {title: _stacks(runs, name) for name, title in titles.items()}
    found = {title: panels for title, panels in stacks.items() if panels}
    bars = list(dict.fromkeys((base, data) for panels in found.values() for base in panels for data in panels[base]))
    if not bars:
        return []
    panels = {
        title: {f"{base}, {dataset}": of.get(base, {}).get(dataset, {}) for base, dataset in bars}
        for title, of in found.items()
    }
    lacking = [title.lower() for title in titles.values() if title not in found]
    notes = (f"Not in this run: {', '.join(lacking)}.",) if lacking else ()
    alt = (
        "Stacked bars, one bar a base model and data set: per cent of instructions on which RT's response, neither, or "
        f"IT's is preferred; panels: {', '.join(found)}."
    )
    return [Drawing("figure_04", "", alt, SOURCE, lambda: draw_side_by_side(panels), notes)]


def _refusals(runs: Runs) -> list[Drawing]:
    """The paper's cell where the run has it, else the first base model and data set of the run."""
    rows = _rows(runs, "table_15_16")
    cells = list(dict.fromkeys((base, dataset) for base, dataset, *_ in rows))
    if not cells:
        return []
    base, dataset = FIGURE_5_CELL if FIGURE_5_CELL in cells else cells[0]
    panels = {panel_title(name): {method: {} for method in METHODS} for name in (*REFUSAL_BENCHMARKS, FALSE_REFUSAL)}
    for (of, on, method, count), row in rows.items():
        if (of, on) == (base, dataset):
            for name in (*REFUSAL_BENCHMARKS, FALSE_REFUSAL):
                panels[panel_title(name)][method][count] = row[name]
    others = f" Of {len(cells)} pairs of base model and data set; all stand in the tables." if len(cells) > 1 else ""
    alt = (
        f"Five panels of bars, IT beside RT by number of refusals in training; {base} on {dataset}. Four panels of "
        "unsafe prompts, and one of benign prompts that look unsafe."
    )
    notes = (f"Whiskers: 95 % intervals over prompts, and over seeds where there are several.{others}",)
    return [Drawing("figure_05", f", {base} on {dataset}", alt, SOURCE, lambda: draw_refusals(panels), notes)]


RUN_FIGURES: dict[int, Callable[[Runs], list[Drawing]]] = {
    2: _levels,
    3: _quality,
    4: _side_by_side,
    5: _refusals,
    6: _in_context,
    8: _preference(
        "figure_08",
        "Stacked bars, one panel a base model: per cent of the instructions rated on which RT's response, neither, or "
        "IT's was found more helpful.",
    ),
    9: _preference(
        "figure_09",
        "Stacked bars, one panel a base model: per cent of instructions on which RT wins and IT wins, controlled for "
        "length.",
    ),
}
