"""The paper's numbered figures from its published numbers: one function a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from artifacts.published import Published
from artifacts.published_tables import DATASETS, FALSE_REFUSAL, METHODS, MODELS, REFUSAL_BENCHMARKS, REFUSAL_COUNTS
from paper_repro.report.figure import Drawing, bars, new_figure, rate_axis
from paper_repro.report.figure_method import figure_01
from paper_repro.report.figure_page import figure_07
from paper_repro.report.figures_quality import figure_02, figure_03, figure_03_dots, figure_04, stack_preferences
from paper_repro.report.tables import PAPER, Tables, heading

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE_5_CELL = ("Gemma-2-9B", "LIMA")


def figure_05(tables: Tables) -> Drawing:
    """Figure 5: refusal rates of Gemma-2-9B on LIMA by number of refusals, from Tables 15 and 16."""
    model, dataset = FIGURE_5_CELL
    cells = tables["table_15_16"].cells()
    rates = {
        (benchmark, method): [cells[model, dataset, method, count][benchmark] for count in REFUSAL_COUNTS]
        for benchmark in (*REFUSAL_BENCHMARKS, FALSE_REFUSAL)
        for method in METHODS
    }
    return Drawing(
        "figure_05",
        f"Figure 5. Refusal rates of {model} tuned on {dataset}",
        f"Five panels of bars, IT beside RT, for 0, 100, 200 and 500 refusals in training; {model} on {dataset}. "
        "Four panels of unsafe prompts, and one of benign prompts that look unsafe.",
        f"{PAPER}, Figure 5; numbers of Tables 15 and 16",
        lambda: _draw_refusal(rates),
    )


def _draw_refusal(rates: Mapping[tuple[str, str], Sequence[float]]) -> Figure:
    figure = new_figure(3.4)
    grid = figure.subplots(2, 3, sharey=True).flatten()
    for axes, letter, benchmark in zip(grid, "abcde", (*REFUSAL_BENCHMARKS, FALSE_REFUSAL), strict=False):
        title = "XSTest benign" if benchmark == FALSE_REFUSAL else heading(benchmark)
        rate_axis(axes, f"({letter}) {title}")
        for offset, method in zip((-0.2, 0.2), METHODS, strict=True):
            bars(axes, [i + offset for i in range(len(REFUSAL_COUNTS))], rates[benchmark, method], method, 0.4)
        axes.set_xticks(range(len(REFUSAL_COUNTS)), [str(count) for count in REFUSAL_COUNTS])
    figure.supylabel("Refusal rate", fontsize=8)
    figure.supxlabel("Refusals in training", fontsize=8)
    handles, names = grid[0].get_legend_handles_labels()
    grid[-1].axis("off")
    grid[-1].legend(handles, names, loc="center", frameon=False, handlelength=2.5, handleheight=1.2)
    return figure


def figure_08(tables: Tables) -> Drawing:
    """Figure 8: which response human raters found more helpful."""
    return _preference(tables["figure_08"], 8, {"rt_win": "RT", "tie": "tie", "it_win": "IT"})


def figure_09(tables: Tables) -> Drawing:
    """Figure 9: which response GPT-4 preferred, controlled for length."""
    return _preference(tables["figure_09"], 9, {"rt_win": "RT", "it_win": "IT"})


def _preference(published: Published, number: int, parts: Mapping[str, str]) -> Drawing:
    return Drawing(
        f"figure_{number:02d}",
        f"Figure {number}. {published.source.title}: RT against IT",
        "Stacked bars, one for each base model and data set: per cent of 805 AlpacaEval instructions on which "
        f"{', '.join(f'{part} wins' if part != 'tie' else 'neither wins' for part in parts.values())}.",
        f"{PAPER}, Figure {number}",
        lambda: _draw_preference(published, parts),
    )


def _draw_preference(published: Published, parts: Mapping[str, str]) -> Figure:
    figure = new_figure(3.3)
    grid = figure.subplots(2, 2, sharex=True, sharey=True).flatten()
    cells = published.cells()
    words = [part if part == "tie" else f"{part} wins" for part in parts.values()]
    for axes, model in zip(grid, MODELS, strict=True):
        rows = [[cells[model, dataset][part] for part in parts] for dataset in DATASETS]
        stack_preferences(axes, rows, list(parts.values()), words)
        axes.set_yticks(range(len(DATASETS)), DATASETS)
        axes.set_title(model)
    grid[0].invert_yaxis()  # the panels share their axis
    handles, names = grid[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=3, frameon=False, handlelength=2.5)
    figure.supxlabel("Instructions (%)", fontsize=8)
    return figure


FIGURES: dict[int, Callable[[Tables], Drawing]] = {
    1: figure_01,
    2: figure_02,
    3: figure_03,
    4: figure_04,
    5: figure_05,
    7: figure_07,
    8: figure_08,
    9: figure_09,
}
# a better form of the same numbers, drawn beside the paper's own
ALTERNATIVES: dict[int, Callable[[Tables], Drawing]] = {3: figure_03_dots}
