"""News, refinement, open data, size and selections: each in the paper's form, nothing under a wrong name."""

from __future__ import annotations

import pytest

from paper_repro.report import testbed_selection, testbed_studies
from paper_repro.report.figure import new_figure
from paper_repro.report.table import Estimate, to_csv
from paper_repro.report.testbed_cells import MEASURES, read_cells
from paper_repro.report.testbed_plots import line, share_axis
from paper_repro.score.schema import Result

BASE = "testbed-0.5m-many-0"


def result(
    study, name, method, share, *, measure="acceptable", count=0, strategy=None, seed=0, base=BASE, recipe="paper"
):
    benchmark, metric = MEASURES[measure]
    tuned = method != "untuned"
    return Result(
        study, base, 480_000, f"testbed-{name}" if tuned else None, recipe if tuned else None, method,
        count if tuned else None, strategy, seed if tuned else None, benchmark, metric,
        share, 400, share - 0.05, share + 0.05, 0, 0, "made-up", "d" * 64, 0.0005 if tuned else None,
    )  # fmt: skip


def only(table, **facts):
    """The row of a table with these values, as a mapping."""
    keys = [column.key for column in table.columns]
    (row,) = [row for row in (dict(zip(keys, one, strict=True)) for one in table.rows) if facts.items() <= row.items()]
    return row


def test_a_win_rate_is_half_the_distance_of_the_acceptable_shares_from_the_middle():
    rows = [result("refinement", "terse", "RT", 0.40), result("refinement", "terse-refined", "RT", 0.52)]
    table = testbed_studies.refinement_table(read_cells(rows), {})
    found = only(table, response_set="terse", method="RT")
    assert found["win_rate"].value == pytest.approx(56)
    assert 50 < found["win_rate"].low < 56 < found["win_rate"].high
    assert (found["acceptable_plain"].value, found["acceptable_refined"].value) == (0.40, 0.52)


def test_refined_without_its_plain_twin_has_no_win_rate():
    table = testbed_studies.refinement_table(read_cells([result("refinement", "terse-refined", "IT", 0.5)]), {})
    assert only(table, method="IT")["win_rate"] == Estimate(None)
    assert "missing" in to_csv(table)


def test_open_data_has_the_form_of_table_31():
    rows = [
        result("open-data", "structured-dirty", method, share, recipe="lexical")
        for method, share in (("RT", 0.4), ("IT", 0.6))
    ]
    for method, share in (("RT", 0.2), ("IT", 0.9)):
        more = {"measure": "unsafe", "count": 100, "strategy": "paper", "recipe": "lexical"}
        rows.append(result("open-data", "structured-dirty", method, share, **more))
    table = testbed_studies.open_data_table(read_cells(rows), {})
    rt, it = only(table, method="RT"), only(table, method="IT")
    assert rt["win_rate"].value == pytest.approx(40) and it["win_rate"] == ""
    assert (rt["unsafe"].value, it["unsafe"].value) == (0.2, 0.9)


def test_sizes_are_means_over_the_response_sets_and_over_seeds():
    shares = {("terse", "RT"): 0.2, ("curated", "RT"): 0.4, ("terse", "IT"): 0.4, ("curated", "IT"): 0.4}
    rows = [
        result("size", name, method, share + shift, seed=seed)
        for (name, method), share in shares.items()
        for seed, shift in ((0, 0.0), (1, 0.1))
    ]
    missing = {"size": {"testbed-5m-many-0": "not there"}}
    table = testbed_studies.size_table(read_cells(rows), missing)
    row = only(table, size="0.5M")
    assert row["acceptable"].value == pytest.approx(0.35)
    assert row["win_rate"].value == pytest.approx(45)
    assert row["seeds"] == "2 on 1 base"
    assert only(table, size="testbed-5m-many-0")["acceptable"] == Estimate(None)


def test_news_stands_beside_responses_and_says_why_it_is_not_table_25():
    rows = [
        result("news", "news", "RT", 0.1),
        result("news", "structured", "RT", 0.5),
        result("news", "", "untuned", 0.0),
    ]
    table = testbed_studies.news_table(read_cells(rows), {})
    assert {row[0] for row in table.rows} >= {"news", "structured"}
    assert any("Table 25" in note and "not applicable" in note for note in table.notes)


@pytest.fixture
def selections():
    """Every strategy at two numbers, and the one set without refusals."""
    levels = {"paper": 0.3, "random": 0.35, "diverse": 0.5, "targeted": 0.6}
    made = {"study": "selection", "name": "structured", "method": "RT"}
    rows = [result(**made, share=0.0, measure=measure) for measure in ("unsafe", "acceptable")]
    rows += [
        result(**made, share=level + count / 1000, measure="unsafe", count=count, strategy=strategy)
        for strategy, level in levels.items()
        for count in (25, 100)
    ]
    return read_cells(rows)


def test_strategies_are_told_apart_in_their_study(selections):
    table = testbed_selection.selection_table(selections, {})
    keys = [column.key for column in table.columns]
    found = {(row[keys.index("num_refusals")], row[keys.index("strategy")]) for row in table.rows}
    assert found == {
        (0, ""),
        *((count, way) for count in (25, 100) for way in ("paper", "random", "diverse", "targeted")),
    }
    assert only(table, num_refusals=100, strategy="diverse")["unsafe"].value == pytest.approx(0.6)


def test_other_studies_take_the_papers_way_alone():
    made = {"study": "refusal", "name": "structured", "method": "RT", "measure": "unsafe", "count": 100}
    rows = [result(**made, share=share, strategy=way) for way, share in (("paper", 0.2), ("diverse", 0.8))]
    (cell,) = read_cells(rows).values()
    assert cell.key.strategy is None
    assert [one.value for one in cell.samples["unsafe"].values()] == [0.2]


def test_a_figure_has_a_line_for_each_strategy_that_begins_without_refusals(selections):
    (drawing,) = testbed_selection.selection_drawings(selections)
    figure = drawing.draw()
    axes = figure.axes[0]
    assert axes.get_title() == "RT: unsafe refused"
    lines = {container.get_label(): container[0] for container in axes.containers}
    assert set(lines) == {"paper", "random", "diverse", "targeted"}
    assert lines["targeted"].get_ydata().tolist() == pytest.approx([0.0, 0.625, 0.7])


def test_nothing_is_made_of_studies_that_did_not_run():
    tables = (
        testbed_studies.news_table,
        testbed_studies.refinement_table,
        testbed_studies.open_data_table,
        testbed_studies.size_table,
        testbed_selection.selection_table,
    )
    assert [make(read_cells([]), {}) for make in tables] == [None] * len(tables)
    assert testbed_selection.selection_drawings(read_cells([])) == []


def test_a_line_at_zero_is_seen_whole_above_its_axis():
    """A rate of 0 is a finding: its markers must not lie behind the axis."""
    figure = new_figure(2)
    axes = figure.subplots()
    share_axis(axes, "Refused")
    line(axes, (0, 1), (Estimate(0.0, 0.0, 0.1, 10), Estimate(0.5, 0.4, 0.6, 10)), "RT")
    low, high = axes.get_ylim()
    assert low < -0.02 and high > 1  # half a marker of 5 points in a panel of these
    assert axes.get_yticks()[0] == 0
