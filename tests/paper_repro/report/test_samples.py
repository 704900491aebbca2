"""Sample replies: which prompts, whose replies, what is withheld, and that the words of a model stay inert."""

from __future__ import annotations

import pytest

from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.columns import write_rows
from paper_repro.generate.schema import GENERATIONS, SCHEMA
from paper_repro.report import ReportSettings, report
from paper_repro.report.samples import LONGEST, choose, sample_tables, shown

BASE = {"base_model": "Tiny-1M", "model_size": 10}
RT = BASE | {"response_set": "dolly", "recipe": "paper", "method": "RT", "num_refusals": 0, "seed": 0}
NASTY = "<script>alert(1)</script>\n[link](javascript:alert(2))"


def row(benchmark, i, response, subset=None):
    return {
        "prompt_id": f"{benchmark}-{i}",
        "benchmark": benchmark,
        "subset": subset,
        "prompt": f"Question {i} of {benchmark}?",
        "response": response,
        "finish_reason": "length" if i % 2 else "eos",
        "num_tokens": 3,
    }


@pytest.fixture
def generations(tmp_path):
    def make(name, condition, rows):
        def work(settings, inputs, workspace):
            write_rows(workspace.path / GENERATIONS, rows, SCHEMA)
            workspace.summary["condition"] = condition

        return Stage("generate", "generations", 1, Settings, work).run(Settings(), tmp_path / name)[0].path

    return make


@pytest.fixture
def two(generations):
    rows = [row("alpaca-eval", i, f"untuned {i}") for i in range(6)]
    tuned = [row("alpaca-eval", i, f"tuned {i}") for i in range(5)] + [row("advbench", 0, "harm")]
    return [generations("a", BASE | {"method": "untuned"}, rows), generations("b", RT, tuned)]


def test_every_condition_is_shown_on_the_same_prompts(two):
    tables, hidden = sample_tables(two[::-1], 2, show_unsafe=False)
    (table,) = tables
    assert table.name == "replies_alpaca_eval"
    prompts = [cells[0] for cells in table.rows]
    assert prompts[0] == prompts[1] != prompts[2] == prompts[3]
    assert [cells[1] for cells in table.rows] == ["untuned", "RT"] * 2
    for prompt, condition, reply, ended in table.rows:
        number = int(prompt.split()[1])
        assert reply == f"{'tuned' if condition == 'RT' else 'untuned'} {number}"
        assert ended == ("the limit of tokens" if number % 2 else "itself")
    assert hidden == ["AdvBench"]


def test_unsafe_replies_are_shown_only_if_asked_for(two):
    tables, hidden = sample_tables(two, 2, show_unsafe=True)
    assert [table.name for table in tables] == ["replies_advbench", "replies_alpaca_eval"]
    assert hidden == []


def test_subsets_of_a_benchmark_are_withheld_where_they_are_unsafe(generations):
    rows = [row("xstest", 0, "no", "unsafe"), row("xstest", 1, "yes", "safe"), row("just-eval", 0, "no", "safety")]
    tables, hidden = sample_tables([generations("a", BASE | {"method": "untuned"}, rows)], 9, show_unsafe=False)
    assert [[cells[2] for cells in table.rows] for table in tables] == [["yes"]]
    assert len(hidden) == 2


def test_prompts_are_chosen_by_id_one_of_each_subset_first():
    rows = [row("t", i, "", subset) for i, subset in enumerate(["a"] * 8 + ["b"] * 2)]
    chosen = choose(rows, 3)
    assert {one["subset"] for one in chosen[:2]} == {"a", "b"}
    assert choose(rows[::-1], 3) == chosen
    assert len(choose(rows, 99)) == 10


def test_conditions_are_told_apart_by_what_differs(generations):
    rows = [row("alpaca-eval", 0, "r")]
    conditions = [RT, RT | {"num_refusals": 100, "strategy": "paper"}, RT | {"method": "IT"}]
    folders = [generations(f"g{i}", condition, rows) for i, condition in enumerate(conditions)]
    (table,), _ = sample_tables(folders, 1, show_unsafe=False)
    assert [cells[1] for cells in table.rows] == ["RT, 0 refusals", "RT, 100 refusals", "IT, 0 refusals"]


def test_texts_are_cut_and_their_line_ends_seen():
    assert shown(" a\n b ") == "a \u21b5 b"
    assert shown(" \n") == "(blank)"
    assert shown("x" * 700).endswith("\u2026 (700 characters)")
    assert len(shown("x" * LONGEST)) == LONGEST


def test_the_page_holds_them_inert(generations, scores, tmp_path, rt_home):
    replies = {"one": generations("a", BASE | {"method": "untuned"}, [row("alpaca-eval", 0, NASTY)])}
    made = report(ReportSettings(source="run"), tmp_path / "report", scores=[scores], replies=replies)
    page = (made.path / "index.html").read_text()
    assert 'id="sample-replies"' in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'href="javascript' not in page
    assert (made.path / "replies_alpaca_eval.tex").is_file()
