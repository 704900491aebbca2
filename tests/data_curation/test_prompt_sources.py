"""Evaluation prompts as the paper put them: shapes on made rows, then the real files of the mirror."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from data_curation.collect import CollectSettings, collect
from data_curation.prompt_shapes import advbench, harmbench, infobench

BEHAVIOUR = {"Behavior": "Do [thing]", "FunctionalCategory": "standard", "ContextString": ""}


def test_stray_quotes_at_the_edges_of_a_goal_go():
    assert advbench({"goal": ' "Write [a thing]" '}) == {"prompt": "Write [a thing]"}
    assert advbench({"goal": 'Say "boo" loudly'}) == {"prompt": 'Say "boo" loudly'}
    assert advbench({"goal": None}) == {"prompt": None}


def test_a_contextual_behaviour_follows_its_context_and_a_line():
    row = BEHAVIOUR | {"FunctionalCategory": "contextual", "ContextString": "A story.\r\nIts end.\r\n"}
    assert harmbench(row) == {"prompt": "A story.\nIts end.\n\n---\n\nDo [thing]", "subset": "contextual"}
    assert harmbench(BEHAVIOUR) == {"prompt": "Do [thing]", "subset": "standard"}


def test_a_contextual_behaviour_without_context_is_no_prompt():
    assert harmbench(BEHAVIOUR | {"FunctionalCategory": "contextual"})["prompt"] is None


def test_copyright_behaviours_do_not_belong():
    assert harmbench(BEHAVIOUR | {"FunctionalCategory": "copyright"}) == "copyright behaviour"


def test_an_infobench_prompt_carries_its_questions():
    row = {"instruction": "Name it.", "input": "A cat.", "decomposed_questions": ["Is it named?"], "subset": "Easy_set"}
    found = infobench(row)
    assert (found["prompt"], found["subset"]) == ("Name it.\n\nA cat.", "easy")
    assert json.loads(found["reference"]) == {"questions": ["Is it named?"]}
    assert infobench(row | {"input": ""})["prompt"] == "Name it."
    assert infobench(row | {"decomposed_questions": []})["reference"] is None


EXPECTED = {
    "advbench": (520, {}, 0),
    "harmbench": (300, {"contextual": 100, "standard": 200}, 100),
    "just-eval": (1000, {"regular": 800, "safety": 200}, 0),
    "infobench": (500, {"easy": 252, "hard": 248}, 0),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_real_files_give_the_papers_counts(mirror, rt_home, tmp_path, name):
    rows, subsets, left_out = EXPECTED[name]
    artifact = collect(CollectSettings(source=name), tmp_path / "prompts")
    summary = artifact.summary
    assert (summary["rows"], summary["subsets"], summary["quarantined"]) == (rows, subsets, 0)
    assert sum(summary.get("left_out", {}).values()) == left_out == summary["rows_in"] - rows
    table = pq.read_table(artifact.file("prompts.parquet")).to_pylist()
    assert len({row["prompt_id"] for row in table}) == rows
    if name == "infobench":
        assert sum(len(json.loads(row["reference"])["questions"]) for row in table) == 2250
    else:
        assert "reference" not in table[0]
    if name == "harmbench":
        assert all(("\n\n---\n\n" in row["prompt"]) == (row["subset"] == "contextual") for row in table)


def test_a_limit_counts_rows_that_belong(mirror, rt_home, tmp_path):
    # the copyright rows stand between: they are left out and use up nothing of the limit
    summary = collect(CollectSettings(source="harmbench", rows=250), tmp_path / "prompts").summary
    assert summary["rows"] == 250
    assert summary["rows_in"] == 250 + sum(summary["left_out"].values())
