"""Length-controlled win rates in the paper's items: only over the pairs that the paper's column is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from artifacts.published import read_published
from paper_repro.report.figures_run import run_drawings
from paper_repro.report.numbers import both_table, run_table
from paper_repro.report.run_tables import run_tables
from tests.paper_repro.report.conftest import rate, tuned

GEMMA = "google/gemma-2-9b"
METRIC = "length_controlled_win_rate"


def controlled(value, *, method="RT", dataset="lima", against="method=IT", study="instructability", **changes):
    """A rate of one condition, 0.15 to each side."""
    row = tuned(method, 0, None, study=study, base_model=GEMMA, judge="preference-llm")
    facts = {"response_set": dataset, "against": against} | changes
    return replace(rate(row, "alpaca-eval", value, METRIC), **facts)


def cells(name, *rows):
    found = run_tables(rows)
    return found[name].estimates() if name in found else {}


def test_figure_9_shares_the_instructions_between_rt_and_it():
    ((key, row),) = cells("figure_09", controlled(0.4)).items()
    assert key == ("Gemma-2-9B", "LIMA")
    assert (row["rt_win"].value, row["rt_win"].low, row["rt_win"].high) == pytest.approx((40, 25, 55))
    assert (row["it_win"].value, row["it_win"].low, row["it_win"].high) == pytest.approx((60, 45, 75))


@pytest.mark.parametrize(
    "row",
    [
        controlled(0.7, against="method=untuned"),
        controlled(0.7, against=None),
        controlled(0.7, dataset="lima-refined", against="response_set=lima", study="refinement"),
        controlled(0.7, method="IT", against="method=RT"),
    ],
)
def test_figure_9_takes_no_other_pairs(row):
    assert cells("figure_09", row) == {}
    (value,) = cells("figure_09", row, controlled(0.4)).values()
    assert value["rt_win"].value == pytest.approx(40)


def test_figures_9_and_4b_are_drawn_from_a_run():
    runs = run_tables([controlled(0.4), controlled(0.3, dataset="dolly")])
    (nine,) = run_drawings(9, "Figure 9", runs, beside=False)
    bars = [[bar.get_width() for bar in part] for part in nine.draw().axes[0].containers]
    assert sorted(map(sorted, bars)) == [pytest.approx([30, 40]), pytest.approx([60, 70])]
    (four,) = run_drawings(4, "Figure 4", runs, beside=False)
    assert [axes.get_title() for axes in four.draw().axes] == ["Judge, length-controlled"]
    assert four.notes == ("Not in this run: human raters.",)


def test_table_29_is_of_rewritten_sets_under_the_name_of_what_they_were():
    refined = {"dataset": "alpaca-cleaned-refined", "against": "response_set=alpaca-cleaned", "study": "refinement"}
    rows = [
        controlled(0.6, **refined),
        controlled(0.55, **refined | {"method": "IT"}),
        controlled(0.4),
        controlled(0.8, dataset="dolly", against="response_set=lima", study="refinement"),
        controlled(0.8, dataset="dolly-refined", against="response_set=lima", study="refinement"),
        controlled(0.8, dataset="dolly-refined", against="response_set=dolly, method=IT", study="refinement"),
    ]
    found = cells("table_29", *rows)
    values = {key: row["lc_win_rate_vs_non_refined"].value for key, row in found.items()}
    assert values == {
        ("Gemma-2-9B", "IT", "Alpaca"): pytest.approx(55),
        ("Gemma-2-9B", "RT", "Alpaca"): pytest.approx(60),
    }
    both = both_table("table_29", "x", {"table_29": read_published("table_29")}, run_tables(rows))
    met = [row for row in both.rows if row[-1] == "compared"]
    assert {row[:3] for row in met} == set(values)


def test_table_31_has_it_beside_the_refusals_of_the_study_with_a_hundred_mixed_in():
    facts = {"study": "open-data", "base_model": "allenai/OLMo-7B-hf", "num_refusals": 100, "strategy": "paper"}
    refuses = {
        method: replace(rate(tuned(method, 100, "paper"), "advbench", value), response_set="lima", **facts)
        for method, value in (("IT", 0.9), ("RT", 0.7))
    }
    zero = replace(refuses["RT"], num_refusals=0, strategy=None, value=0.1, low=0.0, high=0.2)
    rows = run_tables([controlled(0.4, **facts), *refuses.values(), zero])["table_31"].estimates()
    assert rows["OLMo-7B", "RT"]["alpacaeval_win_rate_vs_it"].value == pytest.approx(40)
    assert rows["OLMo-7B", "IT"]["alpacaeval_win_rate_vs_it"].value is None, "IT is what it is compared with"
    assert rows["OLMo-7B", "RT"]["advbench_refusal_rate"].value == pytest.approx(0.7)


def test_table_5_is_the_mean_over_the_three_data_sets_and_missing_where_one_is():
    sets = {"alpaca-cleaned": 0.3, "dolly": 0.4, "lima": 0.5}
    rates = [controlled(value, dataset=name) for name, value in sets.items()]
    liked = [
        replace(row, metric="human_acceptable_rate", judge="human-acceptability", against=None, value=0.9)
        for row in rates
    ]
    other = replace(controlled(0.9, dataset="news"), base_model="tiny")
    ((key, row),) = cells("table_05", *rates, *liked[:2], other).items()
    assert key == ("Gemma-2-9B",)
    mean = row["lc_win_rate_vs_it"]
    assert mean.value == pytest.approx(40)
    assert 25 < mean.low < 40 < mean.high < 55, "three sets together are surer than one"
    assert row["response_acceptance_rate"].value is None
    assert run_tables(rates)["table_05"].seeds == 1
    seeds = [replace(row, seed=1, value=row.value + 0.1, low=0.1, high=0.9) for row in rates]
    assert cells("table_05", *rates, *seeds)[key]["lc_win_rate_vs_it"].value == pytest.approx(45)
    (row,) = cells("table_05", *rates, *liked).values()
    assert row["response_acceptance_rate"].value == pytest.approx(0.9)


def test_a_run_without_any_has_no_such_item(results):
    assert not {"figure_09", "table_29"} & run_tables(results).keys()
    assert run_table("figure_09", "x", run_tables(results)) is None
