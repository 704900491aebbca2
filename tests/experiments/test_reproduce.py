"""`rt reproduce`: one command to a report; the second run does nothing; what is missing is told first."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from artifacts.errors import MissingDataError
from experiments import dry_run, workflow
from experiments.expand import pins_of, plan_cells
from experiments.profiles import load_profile
from experiments.reproduce import _fetch_all

PUBLISHED = ("--profile", "published")


def run(*arguments, home, mirror=None, **more):
    environment = {key: value for key, value in os.environ.items() if key not in ("RT_MIRROR", "RT_THREADS")}
    environment |= {"RT_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    if mirror:
        environment["RT_MIRROR"] = str(mirror)
    command = [sys.executable, "-m", "experiments", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, **more)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A finished run of the published profile: its home and the process that made it."""
    home = tmp_path_factory.mktemp("published")
    return home, run(*PUBLISHED, "--json", home=home)


def test_the_published_profile_ends_in_a_report_of_the_published_numbers(published):
    home, done = published
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["profile"] == "published"
    assert not result["up_to_date"]
    made = {path.name for path in (home / "report").glob("*/*")}
    for number in (11, 12, 13, 14, 15, 16, 25, 29, 31):
        assert f"table_{number:02d}.csv" in made
    for number in (5, 8, 9):
        assert f"figure_{number:02d}.png" in made
    assert "index.html" in made


def test_a_second_run_does_nothing_and_says_so(published):
    home, _ = published
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    again = run(*PUBLISHED, home=home)
    assert "everything is up to date, nothing to do" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()} == before


def test_a_damaged_report_is_made_again(published):
    home, _ = published
    report = next((home / "report").glob("*/table_11.csv"))
    whole = report.read_bytes()
    report.write_bytes(whole[:-10])
    assert run(*PUBLISHED, home=home).returncode == 0
    assert report.read_bytes() == whole


def test_without_a_mirror_one_message_names_all_that_is_missing(tmp_path):
    overrides = [f"--set={key}" for key in ("corpora=[lima]", "prompts=[]", "studies={}", "curation.corpora=[]")]
    done = run("--profile", "laptop", *overrides, "--set=report.source=published", home=tmp_path / "home")
    assert done.returncode == 2
    assert "train/lima_train.jsonl" in done.stderr
    assert "set RT_MIRROR" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / ".snakemake").exists()  # told before any work


def test_models_that_are_only_asked_through_a_server_are_not_fetched(rt_home):
    judging = [cell for cell in plan_cells(load_profile("paper", (), ["open-data"])) if cell.stage.name == "judge"]
    assert "gpt-4-1106-preview" in pins_of(judging), "a pin without files: its name decides what the verdicts are"
    _fetch_all(judging)


def test_weights_of_a_hub_repository_are_told_and_fetched_before_any_work(rt_home, tmp_path, monkeypatch, capsys):
    """No pin names `owner/repo`: a dry run lists it, and a run does not begin to find it missing hours later."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    commit, base = "c" * 40, {"name": "owner/model", "weights": "hub", "revision": "c" * 40}
    profile = load_profile("laptop", [f"train.base={json.dumps(base)}"])
    cells = [cell for cell in plan_cells(profile) if cell.stage.name == "train"]

    def told():
        dry_run.show(profile, cells, cells, as_json=True)
        return json.loads(capsys.readouterr().out)["sources"][f"owner/model@{commit}"]

    assert told() == "to be downloaded: hub"
    with pytest.raises(
        MissingDataError, match=f"1 of the .*\nowner/model@{commit}: cannot be had from the hub"
    ) as error:
        _fetch_all(cells)
    assert "weights: path" in error.value.message, "the mirror, of which the message's end tells, holds no such weights"
    snapshot = tmp_path / "models--owner--model" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "tokenizer.json").touch()
    assert told() == "to be downloaded: hub", "a tokenizer alone is no model"
    (snapshot / "model.safetensors").touch()
    assert told() == "here: fetched before (hub)"
    _fetch_all(cells)


def test_two_runs_of_one_home_have_plans_of_their_own(rt_home, monkeypatch):
    """Jobs that wait in a queue read their plan again: another run must not have written over it."""
    monkeypatch.setattr(workflow.subprocess, "call", lambda *_, **__: 0)
    for title in ("One", "Two"):
        asked = {"profile": "published", "overrides": [f"report.title={title}"], "studies": []}
        profile = load_profile("published", asked["overrides"])
        workflow.run_workflow(asked, plan_cells(profile), 1, profile, None)
    plans = [json.loads(path.read_text()) for path in (rt_home / "plans").glob("*/workflow.json")]
    assert sorted(plan["overrides"] for plan in plans) == [["report.title=One"], ["report.title=Two"]]
    assert all(len(list(path.parent.glob("lanes.json"))) == 1 for path in rt_home.glob("plans/*/workflow.json"))


def test_a_dry_run_lists_cells_and_sources_and_does_nothing(tmp_path):
    done = run("--profile", "laptop", "--dry-run", "--json", home=tmp_path / "home")
    plan = json.loads(done.stdout)
    assert all(not cell["done"] for cell in plan["cells"])
    assert plan["sources"]["lima"].startswith("missing: RT_MIRROR is not set")
    assert not (tmp_path / "home").exists()


def test_paths_are_relative_to_where_the_user_stands(tmp_path, mirror):
    """The mirror, RT_HOME and the profile: the workflow runs elsewhere, and so do its stages."""
    (tmp_path / "mirror").symlink_to(mirror)
    (tmp_path / "mine.yaml").write_text("name: mine\ncorpora: [lima]\nreport: {source: published}\n")
    done = run("--profile", "mine.yaml", home="home", mirror="mirror", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("home/collect/lima-*/data.parquet"))


def test_what_finished_after_its_parent_was_killed_is_kept(tmp_path, mirror):
    """Snakemake's mark of an unfinished job beside a whole manifest: the cell is not made again."""
    profile = tmp_path / "mine.yaml"
    profile.write_text("name: mine\ncorpora: [lima]\nreport: {source: published}\n")
    arguments = ("--profile", str(profile))
    assert run(*arguments, home=tmp_path / "home", mirror=mirror).returncode == 0
    (cell,) = (tmp_path / "home" / "collect").iterdir()
    marks = tmp_path / "home" / ".snakemake" / "incomplete"
    marks.mkdir(exist_ok=True)
    (marks / base64.b64encode(f"collect/{cell.name}/manifest.json".encode()).decode()).write_text("")
    before = (cell / "manifest.json").stat().st_mtime_ns
    again = run(*arguments, "--set=report.title=Another", home=tmp_path / "home", mirror=mirror)
    assert again.returncode == 0, again.stderr
    assert "1 of 2 cells to do" in again.stderr
    assert (cell / "manifest.json").stat().st_mtime_ns == before


def test_the_examples_of_the_help_texts_plan(tmp_path):
    text = run("--help", home=tmp_path / "home").stdout
    example = re.search(r"Example:\s+rt reproduce (.*)", text)[1].split()
    makefile = (Path(__file__).resolve().parents[2] / "Makefile").read_text()
    settings = re.search(r'^reproduce:.*SET="([^"]+)"', makefile, re.MULTILINE)[1].split()
    for arguments in (example, ["--profile", "laptop", *(f"--set={s}" for s in settings), "--dry-run"]):
        done = run(*arguments, home=tmp_path / "home")
        assert done.returncode == 0, done.stderr


def test_the_default_is_the_testbed_and_asks_for_no_source(tmp_path):
    plan = json.loads(run("--dry-run", "--json", home=tmp_path / "home").stdout)
    assert plan["sources"] == {}
    assert {"testbed-structured", "testbed-tasks"} <= {cell["cell"].rsplit("-", 1)[0] for cell in plan["cells"]}
    makefile = (Path(__file__).resolve().parents[2] / "Makefile").read_text()
    assert "PROFILE ?= $(if $(FULL),testbed-full,testbed)" in makefile


def test_a_misspelt_option_value_exits_2(tmp_path):
    done = run("--profile", "latpop", home=tmp_path / "home")
    assert done.returncode == 2
    assert "known profiles" in done.stderr


@pytest.mark.slow
def test_killed_with_everything_below_it_the_same_command_goes_on(published, tmp_path):
    """SIGKILL to the whole process group in the middle of the report; the next run ends with the same bytes."""
    home, _ = published
    environment = os.environ | {"RT_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments", *PUBLISHED],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("report/*/partial.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("report/*/manifest.json"))
    assert run(*PUBLISHED, home=tmp_path).returncode == 0
    digests = [json.loads(next(h.glob("report/*/manifest.json")).read_text())["digest"] for h in (home, tmp_path)]
    assert digests[0] == digests[1]
