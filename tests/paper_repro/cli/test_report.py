"""`rt report`: options to settings and inputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from artifacts.errors import SettingsError, UserError
from paper_repro.cli import application


@pytest.fixture
def rt(rt_home: Path):
    """Run `rt report` with these arguments; returns its standard output, or raises what it raised."""
    commands = application(["report"])

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(commands, ["report", *arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


def plan(rt, *arguments: str) -> dict:
    return json.loads(rt(*arguments, "--dry-run", "--json"))


def test_help_explains_itself_with_examples(rt):
    text = rt("--help")
    assert "rt report --source published --out report" in text
    for option in (
        "--source",
        "--scores",
        "--curated",
        "--table",
        "--figure",
        "--all",
        "--settings",
        "--set",
        "--out",
        "--dry-run",
        "--json",
        "--overwrite",
    ):
        assert option in text


def test_the_default_is_everything_published(rt):
    shown = plan(rt)
    assert shown["settings"]["source"] == "published"
    assert shown["settings"]["tables"] == list(range(1, 32))
    assert shown["settings"]["figures"] == list(range(1, 10))
    assert list(shown["inputs"]) == ["published"]
    assert plan(rt, "--all")["settings"] == shown["settings"]


def test_naming_some_items_means_only_those(rt):
    settings = plan(rt, "--table", "16", "--table", "11", "--figure", "5")["settings"]
    assert (settings["tables"], settings["figures"]) == ([11, 16], [5])
    settings = plan(rt, "--figure", "8")["settings"]
    assert (settings["tables"], settings["figures"]) == ([], [8])


def test_a_dry_run_makes_nothing(rt, tmp_path: Path):
    plan(rt, "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_one_table_is_made_and_found_again(rt, tmp_path: Path):
    arguments = ("--table", "31", "--out", str(tmp_path / "out"), "--json")
    first, second = json.loads(rt(*arguments)), json.loads(rt(*arguments))
    assert (tmp_path / "out" / "table_31.csv").is_file()
    assert not list((tmp_path / "out").glob("figure_*"))
    assert (first["up_to_date"], second["up_to_date"]) == (False, True)
    assert first["digest"] == second["digest"]


def test_an_item_that_cannot_be_made_is_stated_with_the_reason(rt, tmp_path: Path):
    rt("--table", "2", "--figure", "6", "--out", str(tmp_path / "out"))
    lines = (tmp_path / "out" / "items.csv").read_text().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("Table 2,Replies of models to the same prompts,model outputs,not applicable,")
    assert lines[2].startswith("Figure 6,Response quality in context,numbers,missing,")


def test_settings_may_come_from_a_file_and_options_win(rt, tmp_path: Path):
    path = tmp_path / "report.yaml"
    path.write_text("title: From the file\nnotes: [Read this]\ntables: [11]\nfigures: []\n")
    settings = plan(rt, "--settings", str(path), "--title", "From the option")["settings"]
    assert settings["title"] == "From the option"
    assert settings["notes"] == ["Read this"]
    assert (settings["tables"], settings["figures"]) == ([11], [])


def test_curated_sets_take_a_name_or_that_of_their_folder(rt, tmp_path: Path):
    for name in ("scores", "dolly", "other"):
        (tmp_path / name).mkdir()
    shown = plan(
        rt,
        "--source",
        "run",
        "--scores",
        str(tmp_path / "scores"),
        "--curated",
        str(tmp_path / "dolly"),
        "--curated",
        f"lima={tmp_path / 'other'}",
    )
    assert list(shown["inputs"]) == ["scores-scores", "curated-dolly", "curated-lima"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("--table", "99"), SettingsError, "no table 99"),
        (("--figure", "10"), SettingsError, "no figure 10; its figures: 1 to 9"),
        (("--all", "--table", "11"), UserError, "--all does not go with"),
        (("--source", "run"), UserError, "needs scores"),
        (("--source", "mine"), SettingsError, "source: .*'published', 'run' or 'both'"),
        (("--source", "run", "--scores", "x", "--curated", "a=b", "--curated", "a=c"), UserError, "given twice"),
        (("--source", "run", "--scores", "x", "--curated", "=b"), UserError, "no name before ="),
        (("--set", "tabel=[1]"), SettingsError, "did you mean 'tables'"),
    ],
)
def test_mistakes_are_named(rt, arguments: tuple[str, ...], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        rt(*arguments)
