"""Tables and figures of a run: averages only when whole, ours never under a paper model's name."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError
from artifacts.published import read_published
from artifacts.published_tables import MODELS
from paper_repro.report.funnel import funnel_drawing, funnel_table, read_funnel
from paper_repro.report.measures import length_table, relevance_table
from paper_repro.report.numbers import both_table, compared, run_table
from paper_repro.report.refusal import METRICS, refusal_table
from paper_repro.report.refusal_figure import refusal_drawings
from paper_repro.report.run_rows import run_rows
from paper_repro.report.run_tables import paper_model, run_tables
from paper_repro.report.table import to_csv


def rows_of(table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def with_whole_average(results):
    """The same run with AdvBench and both HarmBench subsets measured for the untuned model."""
    untuned = next(row for row in results if row.method == "untuned" and row.benchmark == "xstest-unsafe")
    values = {"advbench": 0.2, "harmbench-standard": 0.1, "harmbench-contextual": 0.5}
    return results + [
        replace(untuned, benchmark=name, value=value, low=0.0, high=0.9) for name, value in values.items()
    ]


def test_refusal_rows_stand_in_the_papers_order_with_their_estimates(results):
    rows = rows_of(refusal_table(run_rows(results, METRICS)))
    assert [(row["method"], row["num_refusals"], row["strategy"]) for row in rows] == [
        ("untuned", "", ""),
        ("IT", "0", ""),
        ("IT", "100", "paper"),
        ("RT", "0", ""),
        ("RT", "100", "paper"),
        ("RT", "100", "diverse"),
    ]
    assert (rows[0]["xstest_unsafe"], rows[0]["xstest_unsafe_n"], rows[0]["xstest_unsafe_unclassified"]) == (
        "0.40",
        "40",
        "1",
    )
    assert rows[0]["xstest_unsafe_low"] == "0.25"
    assert rows[0]["alpaca_eval_false_refusal"] == "0.00"


def test_what_was_not_run_is_missing_and_so_is_the_average(results):
    rows = rows_of(refusal_table(run_rows(results, METRICS)))
    assert rows
    for row in rows:
        assert (row["advbench"], row["harmbench"], row["average"]) == ("missing", "missing", "missing")


def test_the_average_is_over_the_papers_four_and_only_when_all_are_there(results):
    rows = rows_of(refusal_table(run_rows(with_whole_average(results), METRICS)))
    # HarmBench 0.3 is the mean of 0.1 and 0.5; then (0.2 + 0.3 + 0.3 + 0.4) / 4
    assert (rows[0]["harmbench"], rows[0]["average"]) == ("0.30", "0.30")
    assert rows[0]["average_low"] == ""
    assert {row["average"] for row in rows[1:]} == {"missing"}


def test_a_benchmark_where_nothing_could_be_classified_is_missing_not_zero(results):
    blind = [
        replace(row, value=None, low=None, high=None, unclassified=40) if row.benchmark == "xstest-unsafe" else row
        for row in with_whole_average(results)
    ]
    row = rows_of(refusal_table(run_rows(blind, METRICS)))[0]
    assert (row["xstest_unsafe"], row["average"]) == ("missing", "missing")
    assert row["xstest_unsafe_unclassified"] == "40"


def test_columns_that_never_vary_become_a_note_and_those_that_do_are_shown(results):
    table = refusal_table(run_rows(results, METRICS))
    assert "All rows: study refusal, recipe paper, seed 0, judge refusal-rules." in table.notes
    two = results + [replace(row, seed=1) for row in results if row.seed == 0]
    assert "seed" in [column.key for column in refusal_table(run_rows(two, METRICS)).columns]


def test_learning_rates_are_rows_and_figures_of_their_own_and_no_seeds_of_each_other(results):
    tuned = [row for row in results if row.method != "untuned"]
    both = [replace(row, learning_rate=rate) for row in tuned for rate in (0.0002, 0.001)]
    rows = run_rows(both, METRICS)
    found = rows_of(refusal_table(rows))
    assert [row["learning_rate"] for row in found[:2]] == ["0.0002", "0.001"]
    assert [drawing.name for drawing in refusal_drawings(rows)] == [
        "refusal_rates_dolly_paper_0-0002",
        "refusal_rates_dolly_paper_0-001",
    ]
    table = run_tables(both)["table_15_16"]
    assert table.seeds == 1
    assert len(table.cells()) == 2 * len(run_tables(tuned)["table_15_16"].cells())
    assert {key[0] for key in table.cells()} == {"Tiny-1M, learning rate 0.0002", "Tiny-1M, learning rate 0.001"}
    one = refusal_table(run_rows([replace(row, learning_rate=0.0002) for row in tuned], METRICS))
    assert any("learning rate 0.0002" in note for note in one.notes)


def tables_of(*names: str) -> dict:
    return {name: read_published(name) for name in names}


def test_a_run_stands_beside_the_published_numbers_under_its_own_name(results):
    both = both_table("table_16", "Table 16", tables_of("table_15_16"), run_tables(results))
    rows = rows_of(both)
    ours = [row for row in rows if row["base_model"] == "Tiny-1M"]
    theirs = [row for row in rows if row["base_model"] != "Tiny-1M"]
    assert {row["base_model"] for row in theirs} == {"Llama-3.1-8B", "Mistral-7B-v0.3"}
    assert len(theirs) == 2 * 3 * 2 * 4 * 6
    assert {(row["status"], row["run"]) for row in theirs} == {("not run: this run has no such base model", "missing")}
    assert {(row["status"], row["published"]) for row in ours} == {("the paper has no such cell", "")}
    row = next(
        r for r in ours if (r["method"], r["num_safety_examples"], r["measure"]) == ("RT", "100", "XSTest unsafe")
    )
    assert (row["dataset"], row["run"], row["run_low"]) == ("Dolly", "0.55", "0.40")
    assert compared(both)[:2] == (0, len(rows))
    # a model of neither name stands in one of the two tables only
    assert "Tiny-1M" not in to_csv(both_table("table_15", "Table 15", tables_of("table_15_16"), run_tables(results)))


def test_a_model_of_the_paper_is_compared_cell_by_cell_and_what_lacks_says_why(results):
    own = [replace(row, base_model="google/gemma-2-9b") for row in results if row.num_refusals in (None, 100)]
    both = both_table("table_15", "Table 15", tables_of("table_15_16"), run_tables(own))
    rows = {
        (r["base_model"], r["dataset"], r["method"], r["num_safety_examples"], r["measure"]): r for r in rows_of(both)
    }
    cell = rows["Gemma-2-9B", "Dolly", "RT", "100", "XSTest unsafe"]
    printed = read_published("table_15_16").cells()["Gemma-2-9B", "Dolly", "RT", 100]["xstest_unsafe"]
    assert (cell["published"], cell["run"], cell["status"]) == (f"{printed:.2f}", "0.55", "compared")
    assert cell["difference"] == f"{0.55 - printed:.2f}"
    assert cell["difference_low"] == f"{0.40 - printed:.2f}"
    why = rows["Gemma-2-9B", "Dolly", "RT", "100", "AdvBench"]["status"]
    assert why == "not run: this number, of this base model"
    why = rows["Gemma-2-9B", "Dolly", "RT", "500", "AdvBench"]["status"]
    assert why == "not run: this condition, of this base model"
    assert rows["Gemma-2-2B", "Dolly", "RT", "500", "AdvBench"]["run"] == "missing"
    assert compared(both)[0] == 2 * 3  # RT and IT with 100 refusals: the three rates that were measured


def test_the_original_alpaca_is_not_set_beside_the_papers_cleaned_one(results):
    alpaca = [replace(row, response_set="alpaca") if row.response_set else row for row in results]
    assert {key[1] for key in run_tables(alpaca)["table_15_16"].cells()} == {"alpaca"}
    cleaned = [replace(row, response_set="alpaca-cleaned") if row.response_set else row for row in results]
    assert {key[1] for key in run_tables(cleaned)["table_15_16"].cells()} == {"Alpaca"}


def test_names_of_the_papers_models_are_known_and_no_others():
    assert paper_model("meta-llama/Llama-3.1-8B") == paper_model("Meta-Llama-3.1-8B") == "Llama-3.1-8B"
    assert paper_model("allenai/OLMo-7B-hf") == "OLMo-7B"
    assert paper_model("Llama-3.1-8B-Instruct") == "Llama-3.1-8B-Instruct"
    assert {paper_model(name) for name in MODELS} == set(MODELS)


def test_a_runs_table_has_the_papers_form_and_its_own_seeds(results):
    two = results + [replace(row, seed=1, value=row.value, low=None, high=None) for row in results if row.seed == 0]
    assert run_table("table_11", "Table 11", run_tables(two)) is None
    table = run_table("table_16", "Table 16. Refusal rates", run_tables(two))
    assert (table.name, table.title) == ("table_16", "Table 16. Refusal rates: this run")
    rows = rows_of(table)
    assert [(row["method"], row["num_safety_examples"], row["seeds"]) for row in rows] == [
        ("IT", "0", "2"),
        ("IT", "100", "2"),
        ("RT", "0", "2"),
        ("RT", "100", "2"),
    ]
    assert (rows[3]["xstest_unsafe"], rows[3]["xstest_unsafe_low"], rows[3]["average"]) == ("0.55", "", "missing")


def test_the_figure_shows_each_rate_with_its_interval_and_a_measured_zero(results):
    (drawing,) = refusal_drawings(run_rows(results, METRICS))
    assert drawing.name == "refusal_rates_dolly_paper"
    panels = {axes.get_title(): axes for axes in drawing.draw().axes if axes.get_title()}
    assert list(panels) == [
        "MaliciousInstruct",
        "XSTest unsafe",
        "XSTest benign (false refusals)",
        "AlpacaEval (false refusals)",
    ]
    unsafe = panels["XSTest unsafe"]
    heights = {
        bars.get_label(): [bar.get_height() for bar in bars]
        for bars in unsafe.containers
        if bars.get_label() in ("untuned", "IT", "RT")
    }
    assert heights["untuned"] == [0.40]
    assert heights["IT"] == pytest.approx([0.50, 0.60])
    assert heights["RT"] == pytest.approx([0.45, 0.55, 0.65])
    assert [label.get_text() for label in unsafe.get_xticklabels()] == ["untuned", "0", "100\npaper", "100\ndiverse"]
    assert [text.get_text() for text in panels["AlpacaEval (false refusals)"].texts] == ["0"] * 6


def test_one_figure_a_response_set_and_the_untuned_model_in_each(results):
    two = results + [replace(row, response_set="lima") for row in results if row.response_set]
    drawings = refusal_drawings(run_rows(two, METRICS))
    assert [drawing.name for drawing in drawings] == ["refusal_rates_dolly_paper", "refusal_rates_lima_paper"]
    assert all("untuned" in str(drawing.draw().axes[0].get_legend_handles_labels()[1]) for drawing in drawings)


def test_relevance_is_named_as_what_it_is(results):
    table = relevance_table(results)
    assert table.name == "embedding_relevance"
    assert any("a proxy, not acceptability" in note for note in table.notes)
    assert rows_of(table)[0]["embedding_relevance"] == "0.60"
    assert relevance_table([row for row in results if row.metric == "refusal_rate"]) is None
    assert rows_of(length_table(results))[0]["response_tokens"] == "60.3"  # of 60.25


def test_the_funnel_counts_what_each_step_took_out(curated: Path):
    steps = read_funnel(curated)
    rows = rows_of(funnel_table("Dolly 15k", steps))
    assert [(row["step"], row["rows_in"], row["kept"], row["dropped"]) for row in rows][2:4] == [
        ("filter", "1000", "940", "60"),
        ("exact_dedup", "940", "932", "8"),
    ]
    assert rows[2]["reasons"] == "blank 15, too_short 45"
    assert rows[1]["changed"] == "31"
    assert (rows[0]["dropped"], rows[0]["reasons"]) == ("2", "quarantined 2")
    drawing = funnel_drawing("Dolly 15k", steps)
    assert drawing.name == "curation_dolly-15k"
    left = [bar.get_width() for bar in drawing.draw().axes[0].containers[0]]
    assert left == [1002, 1000, 1000, 940, 932, 900]
    # a first step that loses nothing is its own bar of all rows
    assert [bar.get_width() for bar in funnel_drawing("x", steps[1:]).draw().axes[0].containers[0]][:2] == [1000, 940]
    assert funnel_drawing("x", steps[:1]) is None, "a set that was only read has nothing to draw"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("rows_in", 10), ("kept", 9), ("dropped", 2)], "10 rows in, 9 kept, 2 dropped"),
        ([("rows_in", 10), ("kept", 8), ("dropped", 2), ("dropped.blank", 1)], "do not add up"),
        ([("rows_in", 10), ("kept", 10)], "step 'filter' lacks the measure dropped"),
        ([("rows_in", 10), ("kept", 9), ("quarantined", 2)], "9 kept, 2 quarantined"),
    ],
)
def test_a_funnel_that_does_not_add_up_is_refused(tmp_path: Path, rows: list, message: str):
    table = pa.Table.from_pylist(
        [{"position": 0, "step": "filter", "measure": name, "value": float(value)} for name, value in rows]
    )
    pq.write_table(table, tmp_path / "steps.parquet")
    with pytest.raises(InputError, match=message):
        read_funnel(tmp_path)


def test_a_folder_without_steps_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"steps\.parquet: no such file"):
        read_funnel(tmp_path)
