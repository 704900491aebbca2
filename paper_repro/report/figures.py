"""The paper's numbered figures from its published numbers: one function a figure."""

from __future__ import annotations

from collections.abc import Callable

from artifacts.published_tables import FALSE_REFUSAL, METHODS, REFUSAL_BENCHMARKS, REFUSAL_COUNTS
from paper_repro.report.figure import Drawing
from paper_repro.report.figure_forms import draw_refusals
from paper_repro.report.figure_method import figure_01
from paper_repro.report.figure_page import figure_07
from paper_repro.report.figures_quality import (
    figure_02,
    figure_03,
    figure_03_dots,
    figure_04,
    figure_08,
    figure_09,
)
from paper_repro.report.table import Estimate
from paper_repro.report.tables import PAPER, Tables, heading

FIGURE_5_CELL = ("Gemma-2-9B", "LIMA")


def figure_05(tables: Tables) -> Drawing:
    """Figure 5: refusal rates of Gemma-2-9B on LIMA by number of refusals, from Tables 15 and 16."""
    model, dataset = FIGURE_5_CELL
    cells = tables["table_15_16"].cells()
    panels = {
        panel_title(benchmark): {
            method: {count: Estimate(cells[model, dataset, method, count][benchmark]) for count in REFUSAL_COUNTS}
            for method in METHODS
        }
        for benchmark in (*REFUSAL_BENCHMARKS, FALSE_REFUSAL)
    }
    return Drawing(
        "figure_05",
        f"Figure 5. Refusal rates of {model} tuned on {dataset}",
        f"Five panels of bars, IT beside RT, for 0, 100, 200 and 500 refusals in training; {model} on {dataset}. "
        "Four panels of unsafe prompts, and one of benign prompts that look unsafe.",
        f"{PAPER}, Figure 5; numbers of Tables 15 and 16",
        lambda: draw_refusals(panels),
    )


def panel_title(benchmark: str) -> str:
    """A panel's title: the benchmark as Figure 5 calls it."""
    return "XSTest benign" if benchmark == FALSE_REFUSAL else heading(benchmark)


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
