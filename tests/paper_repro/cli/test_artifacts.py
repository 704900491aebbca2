"""`rt artifacts`: lists what is pinned, verifies pins, shipped bases and folders, and says what is wrong."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from artifacts import pins
from artifacts.errors import UserError
from artifacts.files import write_text
from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.cli import application


@pytest.fixture
def run(rt_home, monkeypatch):
    monkeypatch.delenv("RT_MIRROR", raising=False)

    def call(*arguments):
        done = CliRunner().invoke(application(["artifacts"]), ["artifacts", *(str(argument) for argument in arguments)])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call


def make(folder, text="one"):
    def work(settings, inputs, workspace):
        write_text(workspace.path / "a.txt", text)

    return Stage("collect", "corpus", 1, Settings, work).run(Settings(), folder)[0]


def test_every_pin_is_listed_with_how_far_it_is_fixed(run):
    rows = json.loads(run("list", "--json").stdout)
    assert [row["name"] for row in rows] == pins.pin_names()
    by_name = {row["name"]: row for row in rows}
    assert by_name["xstest"]["verification"] == "pinned"
    assert by_name["smollm2-135m"]["verification"] == "unverified"
    assert by_name["xstest"]["availability"] == "to be downloaded: url"


def test_a_pin_is_shown_whole_and_its_version_never_moves(run):
    shown = json.loads(run("show", "xstest@2", "--json").stdout)
    assert shown["citation"] == "rottger2024xstest"
    assert shown["origins"][0]["files"][0]["path"] == "eval/xstest_prompts.csv"
    with pytest.raises(UserError, match="is pinned at version 2, not 3"):
        run("show", "xstest@3")


def test_folders_are_verified_and_what_is_wrong_is_named(run, tmp_path):
    good, bad = make(tmp_path / "runs" / "good"), make(tmp_path / "runs" / "deep" / "bad")
    rows = json.loads(run("verify", tmp_path / "runs", "--json").stdout)
    assert [row["ok"] for row in rows] == [True, True]
    assert good.digest[:12] in rows[1]["found"]
    (bad.path / "a.txt").write_text("two")
    done = run("verify", tmp_path / "runs")
    assert done.exit_code == 1
    assert "a.txt: bytes differ from the manifest" in done.stdout
    assert "1 of 2 are right" in done.stdout
    manifest = bad.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"corpus"', '"curated"'))
    assert "changed after it was written" in run("verify", bad.path).stdout


def test_shipped_bases_are_verified_without_a_path(run):
    from artifacts.shipped import shipped_names

    rows = json.loads(run("verify", "--json").stdout)
    assert [row["name"] for row in rows] == shipped_names()
    assert all(row["ok"] for row in rows)


def test_what_cannot_be_fetched_is_told_and_the_rest_is_fetched(run, monkeypatch, mirror):
    monkeypatch.setenv("RT_MIRROR", str(mirror))
    done = run("fetch", "xstest", "response-tuning-refine", "--json")
    rows = json.loads(done.stdout)
    assert [row["ok"] for row in rows] == [True, False]
    assert "cannot be" in rows[1]["error"]
    assert done.exit_code == 1


def test_nothing_to_do_is_a_mistake(run, tmp_path):
    for arguments, said in ((("fetch",), "name pins"), (("fetch", "--all", "xstest"), "name pins")):
        with pytest.raises(UserError, match=said):
            run(*arguments)
    with pytest.raises(UserError, match="no artifact there"):
        run("verify", tmp_path)
