"""A rewritten set of a profile: its command asks the profile's server, and curation goes on from there."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from artifacts.errors import SettingsError
from experiments.cells import walk
from experiments.checks import check_profile
from experiments.profiles import load_profile
from experiments.sources import curated_cell
from experiments.workflow import _served
from paper_repro.cli import application

MODEL = "maker/editor"
TEXTS = ("TOWN (Wire) - It rained.", "PORT (Wire) - It snowed.")


def profile_of(folder, **given):
    """A profile that makes responses of a file of passages."""
    passages = folder / "passages.jsonl"
    passages.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    one = {"what": "two passages", "file": str(passages), "rewrite": {"kind": "news"}}
    one["rewrite"] |= {"model": {"name": MODEL}, "columns": {"response": "text"}} | given.pop("rewrite", {})
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump({"name": "tiny", "report": {"source": "both"}, "rewrites": {"toned": one}} | given))
    return load_profile(str(path))


def test_the_commands_of_the_plan_make_the_set(chat_server, tmp_path, rt_home):
    server = chat_server(answer=lambda body: f"Refined text: Calm, {len(body['messages'][-1]['content'])} letters.")
    profile = profile_of(tmp_path, rewrite={"server": {"url": server.url, "concurrency": 1}})
    cells = walk([curated_cell(profile, "toned", "paper")])
    assert [cell.stage.name for cell in cells] == ["rewrite", "curate"]
    for cell in cells:
        cell.write_plan()
        done = CliRunner().invoke(application([cell.stage.name]), cell.command()[1:])
        assert done.exit_code == 0, done.output
        assert cell.is_done()
    rows = pq.read_table(cells[-1].folder / "data.parquet").to_pylist()
    assert len(rows) == len(server.calls) == 2
    assert all(row["response"].startswith("Calm, ") for row in rows)
    assert all(call.body["model"] == MODEL for call in server.calls)


def test_where_the_server_is_does_not_decide_what_the_set_is(tmp_path, rt_home):
    cells = [
        curated_cell(profile_of(tmp_path, rewrite={"server": {"url": url}}), "toned", "paper").inputs["input"]
        for url in ("http://one/v1", "http://two/v1")
    ]
    assert cells[0].place == cells[1].place
    assert "http://two/v1" in " ".join(cells[1].command())


def test_the_file_of_kept_answers_reaches_the_command_and_decides_nothing(tmp_path, rt_home):
    cells = [
        curated_cell(profile_of(tmp_path, rewrite=given), "toned", "paper").inputs["input"]
        for given in ({}, {"cache": "/some/answers.sqlite"})
    ]
    assert cells[0].place == cells[1].place
    assert "--cache" not in cells[0].command()
    assert "--cache /some/answers.sqlite" in " ".join(cells[1].command())


def test_a_servers_jobs_are_one_a_stage_as_models_are_tuned_between_them(rt_home):
    profile = load_profile("paper", ["studies.refusal.response_sets=[lima]"], ["refinement", "refusal"])
    from experiments.expand import plan_cells

    jobs = _served(plan_cells(profile), profile.servers, rt_home / "plans" / "run")
    assert [(job["stage"], len(job["cells"])) for job in jobs] == [("rewrite", 3), ("judge", 4 * 2 * 4)]
    plans = [json.loads((rt_home / "plans" / "run" / f"served-{job['stage']}-0.json").read_text()) for job in jobs]
    assert {task["key"].split("/")[0] for task in plans[0]["cells"]} == {"rewrite"}


def test_a_profile_that_cannot_be_run_is_refused(tmp_path, rt_home):
    with pytest.raises(SettingsError, match="give of, a corpus, or what"):
        profile_of(tmp_path, rewrites={"toned": {"rewrite": {"model": {"name": MODEL}}}})
    unknown = profile_of(tmp_path, rewrites={"toned": {"of": "lima", "rewrite": {"model": {"name": MODEL}}}})
    with pytest.raises(SettingsError, match="corpora: lacks lima, used below"):
        check_profile(unknown)
    server = {"model": MODEL, "command": "serve {model}"}
    with pytest.raises(SettingsError, match="lanes: 0 is needed, as what comes after toned waits"):
        check_profile(profile_of(tmp_path, lanes=2, servers=[server]))
    with pytest.raises(SettingsError, match="toned is the name of a corpus"):
        check_profile(profile_of(tmp_path, corpora=["toned"]))
