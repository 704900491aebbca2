"""`rt collect` and `rt curate` as a user meets them: exit status, messages, JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

REFERENCE_COLUMN = "reference_columns.response=text"


@pytest.fixture
def rt(rt_home, tmp_path):
    """Run `rt` in its own process; returns exit status, standard output and standard error."""

    def run(*arguments):
        command = [sys.executable, "-c", "from paper_repro.cli import main; main()", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text('question,answer\nWhy?,"Because, he said."\nWho?,\nHow?,So.,too many\n')
    return path


def test_own_columns_a_readable_funnel_and_a_second_run_that_does_nothing(rt, mine, tmp_path):
    recipe = tmp_path / "light.yaml"
    recipe.write_text("steps:\n  - step: normalise\n  - step: near_empty\n")
    arguments = (
        "curate",
        mine,
        "--response-column",
        "answer",
        "--instruction-column",
        "question",
        "--recipe",
        recipe,
        "--out",
        tmp_path / "out",
    )
    status, out, err = rt(*arguments)
    assert (status, "step 2 of 2" in err) == (0, True)
    assert "blank: 1" in out
    assert "quarantined: 1" in out
    status, out, err = rt(*arguments, "--json")
    assert status == 0
    result = json.loads(out)
    assert result["up_to_date"] is True
    assert [result["summary"][key] for key in ("rows_in", "kept", "dropped", "quarantined")] == [3, 1, 1, 1]
    assert "nothing to do" in err


def test_a_dry_run_of_collect_tells_where_from_and_fetches_nothing(rt, tmp_path, monkeypatch):
    monkeypatch.delenv("RT_MIRROR", raising=False)
    status, out, err = rt("collect", "lima", "--dry-run", "--json")
    assert status == 0, err
    plan = json.loads(out)
    assert plan["settings"] == {"source": "lima", "rows": 1000}
    assert plan["source"].startswith("missing: RT_MIRROR is not set")


def test_dry_run_shows_the_resolved_recipe_and_makes_nothing(rt, mine, tmp_path):
    status, out, _ = rt("curate", mine, "--response-column", "answer", "--out", tmp_path / "out", "--dry-run", "--json")
    assert status == 0
    plan = json.loads(out)
    assert plan["settings"]["recipe"]["steps"][0]["step"] == "normalise"
    assert plan["settings"]["columns"]["response"] == "answer"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("curate", "mine.csv"), "columns: answer, question"),
        (("curate", "mine.csv", "--response-column", "anwser"), "nearest: 'answer'"),
        (("curate", "none.jsonl"), "no such file"),
        (("curate", "empty"), "there are no files in it"),
        (("curate",), "one input is needed"),
        (("curate", "mine.csv", "--recipe", "nothing"), "known recipes"),
        (("curate", "mine.csv", "--set", "columns.respons=x"), "did you mean 'response'"),
        (("curate", "hub:a/b@main"), "40 hexadecimal digits"),
        (("collect", "nothing"), "known sources"),
        (("collect",), "source: required"),
        (("collect", "lima", "--rows", "0"), "greater than 0"),
    ],
)
def test_mistakes_exit_with_2_and_a_plain_message(rt, mine, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    status, out, err = rt(*arguments)
    assert status == 2
    assert message in err
    assert "Traceback" not in err
    assert out == ""


def test_help_explains_with_an_example(rt):
    for command in ("collect", "curate"):
        status, out, _ = rt(command, "--help")
        assert status == 0
        assert re.search(rf"Examples?: rt {command} ", " ".join(out.split()))


def test_a_step_beside_a_recipe_of_the_settings_is_refused(rt, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"response": "one two three"}\n')
    for option, value in (("--step", "near"), ("--recipe", "strict")):
        status, _, told = rt("curate", tmp_path / "a.jsonl", option, value, "--set", "recipe=paper")
        assert status == 2
        assert f"{option} gives the recipe" in told


def test_a_dry_run_refuses_what_the_run_would(rt, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"response": "one two three"}\n')
    status, _, told = rt("curate", tmp_path / "in", "--recipe", "paper", "--out", tmp_path / "in" / "out", "--dry-run")
    assert (status, "lies in the input" in told) == (2, True)


def test_settings_that_would_have_no_effect_are_refused(rt, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"response": "one two three"}\n')
    for setting, message in (("split=test", "split is for data sets of the hub"), (REFERENCE_COLUMN, "no reference")):
        status, _, told = rt("curate", tmp_path / "a.jsonl", "--recipe", "paper", "--set", setting)
        assert (status, message in told) == (2, True)


def test_a_file_name_that_is_no_text_is_refused(rt, tmp_path):
    (tmp_path / os.fsdecode(b"odd\xff.jsonl")).write_text('{"response": "one two three"}\n')
    status, _, told = rt("curate", tmp_path / os.fsdecode(b"odd\xff.jsonl"), "--recipe", "paper")
    assert (status, "not valid UTF-8" in told) == (2, True)


def test_files_of_one_name_have_pages_of_their_own_and_folders_of_files_are_compared(rt, tmp_path):
    pages = []
    for folder, text in (("one", "first of them"), ("other", "second of them")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jsonl").write_text(json.dumps({"response": text}) + "\n")
        status, out, _ = rt("inspect", tmp_path / folder / "a.jsonl", "--set", "vectors=words")
        assert status == 0
        pages += re.findall(r"^page: (.+)$", out, re.MULTILINE)
    assert len(set(pages)) == 2
    status, out, _ = rt("compare", tmp_path / "one", tmp_path / "other" / "a.jsonl")
    assert (status, "left: 1   entered: 1" in out) == (0, True)
