"""Every numbered item has a state on each side: what stands for it, or the reason why nothing does."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError
from artifacts.files import read_yaml
from paper_repro.report.examples import example_tables
from paper_repro.report.items import ITEMS, published_state, run_state
from paper_repro.report.prompts import JUDGES, PROMPTS, prompt_table
from paper_repro.report.stage import FIGURES, TABLES

TESTBED = ("testbed_instructability", "testbed_refusal", "testbed_in_context", "sample-replies", "training_examples")


def words(text: str) -> list[str]:
    return text.split()


def run(name: str, made=TESTBED, own=(), missing=None, studies=("instructability",)):
    return run_state(ITEMS[name], made, own, missing or {}, studies)


def test_every_number_of_the_paper_is_an_item():
    assert set(ITEMS) == {*(f"table_{n:02d}" for n in TABLES), *(f"figure_{n:02d}" for n in FIGURES)}
    assert (TABLES[-1], FIGURES[-1]) == (31, 9)


def test_on_the_testbed_an_item_has_its_counterpart_or_cannot_be_asked():
    assert (run("table_11").word, run("table_11").anchors) == ("counterpart", ("testbed_instructability",))
    assert run("figure_06").anchors == ("testbed_in_context",)
    assert (run("table_12").word, run("figure_08").word) == ("not applicable", "not applicable")
    assert "made-up world" in run("table_12").reason
    assert run("table_02").anchors == ("sample-replies",)
    assert run("table_22").anchors == ("training_examples",)
    with_news = run_state(ITEMS["table_22"], (*TESTBED, "training_examples_news"), (), {}, ())
    assert with_news.anchors == ("training_examples",), "rows made from news are another item's"


def test_each_figure_of_preference_says_what_it_needs():
    four, eight, nine = (run(f"figure_0{number}").reason for number in (4, 8, 9))
    assert "rt annotate" in eight and "judge" not in eight
    assert "judge that prefers" in nine and "rt annotate" not in nine
    assert "rt annotate" in four and "judge that prefers" in four  # its halves are of the one kind and the other


def test_what_was_not_run_says_why():
    assert (run("table_30").word, run("table_30").reason) == ("not run", "the run has no study 'refinement'")
    assert run("table_26", missing={"news": "left to a longer run"}).reason == "left to a longer run"
    assert run("table_26", studies=("news",)).word == "given"
    left = run("table_25", made=(*TESTBED, "testbed_news"), missing={"news": "left to a longer run"})
    assert (left.word, left.reason) == ("not run", "left to a longer run")
    other = run("table_31", made=(*TESTBED, "testbed_corpora"), missing={"open-data": "left to a longer run"})
    assert (other.word, other.reason) == ("not run", "left to a longer run")
    assert run("table_11", made=()).reason.startswith("the scores hold no human_excellent_rate, human_sufficient_rate")
    lacks = "the scores hold no length_controlled_win_rate on alpaca-eval; length_controlled_win_rate takes a judge of"
    assert run("table_29", made=()).reason.startswith(lacks)
    assert "rt annotate" in run("figure_08", made=()).reason and "length" not in run("figure_08", made=()).reason
    both = run("figure_04", made=()).reason
    assert "human_win_rate" in both and "length_controlled_win_rate" in both
    assert run("table_05", made=()).reason.startswith("the scores hold no human_acceptable_rate, length_controlled")
    assert run("table_02", made=()).reason == "the report was given no replies (--replies)"


def test_a_runs_own_numbers_come_before_the_testbeds():
    state = run("table_11", made=(*TESTBED, "table_11", "table_11_run"), own=("table_11",))
    assert (state.word, state.anchors) == ("given", ("table_11_run",))
    assert run("figure_02", made=("table_11",), own=("table_11",)).anchors == ("table_11",)


def test_published_items_are_given_or_the_reason_is():
    assert published_state(ITEMS["table_11"], ["table_11_published", "table_11"]).anchors == ("table_11_published",)
    assert published_state(ITEMS["figure_08"], ["figure_08_published", "figure_08"]).anchors == ("figure_08",)
    assert "prints no numbers" in published_state(ITEMS["figure_06"], []).reason
    assert published_state(ITEMS["table_02"], []).word == "not applicable"


@pytest.mark.parametrize(("number", "file"), [(8, "aspects_llm"), (9, "requirements_llm"), (10, "refusal_llm")])
def test_a_prompt_table_holds_every_word_that_the_judge_is_told(number: int, file: str):
    told = read_yaml(JUDGES / file / "prompt.yaml")["user"]
    assert words(" ".join(text for part, text in prompt_table(number).rows if part == "user")) == words(told)


def test_prompt_tables_are_there_for_raters_and_rewriting_too():
    assert set(PROMPTS) == {6, 7, 8, 9, 10, 23, 27}
    assert any("Acceptable" in text or "acceptable" in part for part, text in prompt_table(6).rows)
    assert any("passage" in text for _, text in prompt_table(23).rows)
    assert all("assumption" in prompt_table(number).notes[0] for number in PROMPTS)


def test_examples_are_a_table_a_kind_and_do_not_depend_on_the_order_of_rows(tmp_path: Path):
    rows = [{"row_id": f"id{i}", "instruction": f"Do {i}.\nNow.", "response": f"Done {i}."} for i in range(9)]
    for name, given in (("plain", rows), ("turned", rows[::-1]), ("set-news", rows)):
        (tmp_path / name).mkdir()
        pq.write_table(pa.Table.from_pylist(given), tmp_path / name / "data.parquet")
    plain, news = example_tables({"plain": tmp_path / "plain", "set-news": tmp_path / "set-news"}, 3)
    assert (plain.name, news.name, len(plain.rows)) == ("training_examples", "training_examples_news", 3)
    (turned,) = example_tables({"plain": tmp_path / "turned"}, 3)
    assert turned.rows == plain.rows
    assert all("\u21b5" in row[1] for row in plain.rows)
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "plain" / "data.parquet")
    with pytest.raises(InputError, match="no column row_id, instruction, response"):
        example_tables({"plain": tmp_path / "plain"}, 3)
