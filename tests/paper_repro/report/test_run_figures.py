"""Numbered figures from a run's own numbers: each base under its own name, intervals drawn, what lacks said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from artifacts.published import read_published
from artifacts.published_tables import JUSTEVAL_ASPECTS
from paper_repro.report.figure import in_style
from paper_repro.report.figures_run import RUN_FIGURES, run_drawings
from paper_repro.report.items import ITEMS
from paper_repro.report.numbered import make_items
from paper_repro.report.run_tables import run_tables
from tests.paper_repro.report.conftest import UNTUNED, rate, tuned

BASES = ("Tiny-1M", "google/gemma-2-9b")


def measured(method: str, benchmark: str, values: dict[str, float], *, base: str = BASES[0], study="instructability"):
    """Rows of one condition: metric to value, an interval of 0.1 to each side."""
    row = UNTUNED if method in ("untuned", "URIAL", "URIAL-R", "0-shot") else tuned(method, 0, None)
    row = replace(row, study=study, base_model=base, method=method)
    found = [rate(row, benchmark, value, metric) for metric, value in values.items()]
    return [replace(one, low=one.value - 0.1, high=one.value + 0.1) for one in found]


@pytest.fixture(scope="module")
def runs():
    rows = []
    for number, base in enumerate(BASES):
        for method, good in (("untuned", 0.1), ("IT", 0.6), ("RT", 0.5)):
            levels = {"human_excellent_rate": good, "human_sufficient_rate": 0.2, "human_acceptable_rate": good + 0.2}
            rows += measured(method, "alpaca-eval", levels, base=base)
            aspects = dict.fromkeys(JUSTEVAL_ASPECTS, 2.0 + good + number)
            rows += measured(method, "just-eval-regular", aspects, base=base)
        preferred = {"human_win_rate": 0.10, "human_tie_rate": 0.75, "human_loss_rate": 0.15, "human_lead": -0.05}
        rows += measured("RT", "alpaca-eval", preferred, base=base)
    for method, score in (("0-shot", 2.0), ("URIAL-R", 3.0), ("URIAL", 4.0)):
        rows += measured(method, "just-eval-regular", dict.fromkeys(JUSTEVAL_ASPECTS, score), study="in-context")
        rows += measured(method, "just-eval-safety", {"safety": score}, study="in-context")
    return run_tables(rows)


def test_claims_read_the_interval_of_a_sum_not_of_its_parts(runs):
    """Shares of the same ratings are not independent: what is acceptable, and who leads, has an interval of its own."""
    from paper_repro.report.quantities import QUANTITIES

    drawn = {name: table.resampled() for name, table in runs.items()}
    place, values = next(iter(QUANTITIES["acceptability_rt"](drawn).items()))
    assert QUANTITIES["acceptability_rt"](runs)[place] == pytest.approx(0.7)
    # its interval is 0.2 wide, the two parts resampled apart would give 0.28
    low, high = np.percentile(values, [2.5, 97.5])
    assert high - low == pytest.approx(0.2, abs=0.02)
    place, values = next(iter(QUANTITIES["human_it_lead"](drawn).items()))
    assert QUANTITIES["human_it_lead"](runs)[place] == pytest.approx(5.0)
    low, high = np.percentile(values, [2.5, 97.5])
    assert high - low == pytest.approx(20, abs=2)


def drawn(number: int, runs, index: int = 0, *, beside: bool = False):
    drawing = run_drawings(number, ITEMS[f"figure_{number:02d}"].title, runs, beside=beside)[index]
    with in_style():
        return drawing, drawing.draw()


def test_figure_2_stacks_a_runs_levels_under_its_own_models(runs):
    drawing, figure = drawn(2, runs)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    assert list(panels) == ["Gemma-2-9B", "Tiny-1M"]  # the paper's come first, as in the tables
    axes = panels["Tiny-1M"]
    widths = list(zip(*([bar.get_width() for bar in bars] for bars in axes.containers), strict=True))
    names = [label.get_text() for label in panels["Gemma-2-9B"].get_yticklabels()]
    assert dict(zip(names, widths, strict=True))["Dolly RT"] == pytest.approx((0.5, 0.2, 0.3))
    assert drawing.title.endswith(": this run")


def test_figure_3_has_radars_and_dots_with_intervals(runs):
    _, radar = drawn(3, runs)
    _, dots = drawn(3, runs, 1)
    assert [axes.get_title() for axes in radar.axes] == ["Gemma-2-9B", "Tiny-1M"]
    line = next(line for line in radar.axes[1].lines if line.get_label() == "RT")
    assert list(line.get_ydata()) == pytest.approx([2.5] * 6)
    segments = [
        part for lines in dots.axes[1].collections if hasattr(lines, "get_segments") for part in lines.get_segments()
    ]
    ends = {tuple(round(float(x), 2) for x, _ in segment) for segment in segments}
    assert (2.4, 2.6) in ends  # RT's interval


def test_figures_8_and_4_show_shares_and_what_no_judge_gave(runs):
    _, figure = drawn(8, runs)
    assert [[bar.get_width() for bar in bars] for bars in figure.axes[1].containers] == [
        pytest.approx([10]),
        pytest.approx([75]),
        pytest.approx([15]),
    ]
    drawing, figure = drawn(4, runs)
    assert [axes.get_title() for axes in figure.axes] == ["Human raters"]
    assert drawing.notes == ("Not in this run: judge, length-controlled.",)
    assert run_drawings(9, "x", runs, beside=False) == []


def test_figure_6_has_three_ways_to_ask_and_safety(runs):
    drawing, figure = drawn(6, runs, beside=True)
    assert drawing.name == "figure_06_run"
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert lines["URIAL-R"] == pytest.approx([3.0] * 7)
    assert list(lines) == ["0-shot", "URIAL-R", "URIAL"]


def test_figure_5_draws_the_papers_cell_where_the_run_has_it(results):
    gemma = [replace(row, base_model="google/gemma-2-9b", response_set="lima") for row in results if row.seed == 0]
    _, own = drawn(5, run_tables(results))
    drawing, figure = drawn(5, run_tables([*results, *gemma]))
    assert "Gemma-2-9B on LIMA" in drawing.title
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    bars = {
        bars.get_label(): [bar.get_height() for bar in bars]
        for bars in panels["(d) XSTest unsafe"].containers
        if bars.get_label()[0] != "_"
    }
    assert bars["RT"] == pytest.approx([0.45, 0.55])
    assert len(panels["(a) AdvBench"].patches) == 0  # not measured: no bar
    assert len(own.axes) == len(figure.axes)


def test_a_missing_number_is_said_and_never_drawn_as_nothing(runs):
    rows = measured("RT", "alpaca-eval", {"human_excellent_rate": 0.4})
    _, figure = drawn(2, run_tables(rows))
    assert [text.get_text().strip() for text in figure.axes[0].texts] == ["missing"]
    assert not any(bar.get_width() for bars in figure.axes[0].containers for bar in bars)


def test_the_testbed_fills_no_numbered_figure_and_both_stand_side_by_side(runs):
    assert all(make(run_tables([])) == [] for make in RUN_FIGURES.values())
    published = {name: read_published(name) for name in ("table_11", "figure_08")}
    made = {one.item.name: one for one in make_items(["figure_02", "figure_08"], published, runs)}
    assert [item.name for item in made["figure_02"].shown] == ["figure_02", "figure_02_run"]
    assert made["figure_02"].own
    theirs, ours = (item.numbers for item in made["figure_02"].shown)
    assert (theirs.name, ours.name) == ("figure_02", "figure_02_run")
    assert "Tiny-1M" in {row[0] for row in ours.rows} - {row[0] for row in theirs.rows}
    assert [type(item).__name__ for item in made["figure_08"].shown][:2] == ["Drawing", "Drawing"]
