"""`rt artifacts`: lists what is pinned, verifies pins, shipped bases and folders, and says what is wrong."""

from __future__ import annotations

import json
import shutil

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
    assert shown["cited_as"].startswith("R\u00f6ttger et al. (2024)")
    assert shown["digest"] == json.loads(run("cite", "xstest", "--json").stdout)["digest"]
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


def test_what_comes_with_the_package_is_verified_without_a_path(run, monkeypatch, tmp_path):
    from artifacts.shipped import shipped_folder, shipped_names
    from artifacts.shipped_pins import shipped_things

    rows = json.loads(run("verify", "--json").stdout)
    assert {row["name"] for row in rows} == shipped_things().keys() > set(shipped_names())
    assert all(row["ok"] for row in rows)
    name, other = shipped_names()[:2]
    copy = tmp_path / "testbed"
    shutil.copytree(shipped_folder(name), copy / name)
    (copy / name / "added.json").write_text("{}")  # on no card, in no pin
    shutil.copytree(copy / name, copy / "testbed-forgotten")
    monkeypatch.setattr("artifacts.shipped.SHIPPED", copy)
    errors = {row["name"]: row["error"] for row in json.loads(run("verify", "--json").stdout)}
    assert "added.json: not on the card" in errors[name]
    assert errors["testbed-forgotten"].endswith("has no pin\n  in a checkout: make pins")
    assert errors[other] is None, "a pin alone is verified too"


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


@pytest.fixture
def corpus(tmp_path):
    return make(tmp_path / "runs" / "one")


def test_an_artifact_is_published_locked_and_cited_by_its_name(run, corpus):
    done = json.loads(run("publish", corpus.path, "--name", "ours", "--version", "1.0.0", "--json").stdout)
    assert (done["name"], done["digest"], done["up_to_date"]) == ("ours@1.0.0", corpus.digest, False)
    assert done["licence"]["licence"] == "unknown"
    assert json.loads(run("publish", corpus.path, "--name", "ours", "--version", "1.0.0", "--json").stdout)[
        "up_to_date"
    ]
    with pytest.raises(UserError, match="a name without a version"):
        run("cite", "ours")
    locked = json.loads(run("lock", "ours@1.0.0", "--json").stdout)
    assert locked["locked"] == {"ours@1.0.0": "added"}
    cited = json.loads(run("cite", "ours", "--json").stdout)
    assert cited["digest"] == corpus.digest
    assert corpus.digest in cited["bibtex"]
    assert cited["cff"]["version"] == "1.0.0"
    assert run("cite", "ours", "--format", "bibtex").stdout.startswith("@misc{ours-1.0.0,")
    assert run("cite", "ours", "--format", "cff").stdout.startswith("cff-version: 1.2.0\n")
    assert "ours" in [row["name"] for row in json.loads(run("list", "--json").stdout)]
    assert json.loads(run("show", "ours", "--json").stdout)["verification"] == "published"
    assert len(json.loads(run("lock", "--json").stdout)["locked"]) == len(pins.pin_names()) + 1


def test_what_is_published_is_verified(run, corpus, rt_home):
    run("publish", corpus.path, "--name", "ours", "--version", "1.0.0")
    folder = rt_home / "published" / "ours" / "1.0.0"
    assert json.loads(run("verify", "--json").stdout)[-1]["name"] == str(folder)
    record = folder / "publication.json"
    record.write_text(record.read_text().replace(corpus.digest, "0" * 64))
    done = run("verify")
    assert done.exit_code == 1
    assert "the record is of another artifact" in done.stdout


def test_exports_say_what_they_need(run, corpus, tmp_path):
    with pytest.raises(UserError, match="--push goes with --format hub"):
        run("export", corpus.path, "--format", "ro-crate", "--out", tmp_path / "x", "--push", "a/b")
    with pytest.raises(UserError, match="needs a name and a version"):
        run("export", corpus.path, "--format", "hub", "--out", tmp_path / "x")
    with pytest.raises(UserError, match="a pin is others' data"):
        run("export", "lima", "--format", "hub", "--out", tmp_path / "x")
    run("publish", corpus.path, "--name", "ours", "--version", "1.0.0")
    done = json.loads(run("export", "ours@1.0.0", "--format", "hub", "--out", tmp_path / "hub", "--json").stdout)
    assert done == {"format": "hub", "path": str(tmp_path / "hub"), "repo_type": "dataset", "rows": {}}
    assert (tmp_path / "hub" / "a.txt").read_text() == "one"


def test_a_report_is_exported_with_the_workflow_that_ran_it():
    from paper_repro.cli.artifacts_own import _workflow_files

    files = _workflow_files()
    assert files[0].name == "Snakefile"
    assert {"stages.smk", "lanes.smk"} <= {path.name for path in files}
    assert all(path.is_file() for path in files)


def test_garbage_is_shown_and_removed_only_when_asked(run, rt_home):
    alone = make(rt_home / "collect" / "alone")
    assert json.loads(run("gc", "--json").stdout) == []
    (row,) = json.loads(run("gc", "--unreferenced", "--json").stdout)
    assert (row["path"], row["removed"]) == (str(alone.path), False)
    assert json.loads(run("gc", "--unreferenced", "--keep", alone.path, "--json").stdout) == []
    assert json.loads(run("gc", "--unreferenced", "--remove", "--json").stdout)[0]["removed"]
    assert not alone.path.exists()
