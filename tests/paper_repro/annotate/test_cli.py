"""`rt annotate`: every word of it, on a campaign of two prompts."""

from __future__ import annotations

import json
import logging
import shutil

import pytest
from typer.testing import CliRunner

from artifacts.errors import UserError
from paper_repro.annotate.campaign import open_campaign
from paper_repro.annotate.server import bind, is_loopback
from paper_repro.cli import application


@pytest.fixture
def rt():
    """Run `rt annotate ...`; what it prints as JSON."""
    commands = application(["annotate"])

    def run(*words, as_json=True):
        words = [str(word) for word in words] + (["--json"] if as_json else [])
        done = CliRunner().invoke(commands, ["annotate", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout) if as_json else done.stdout

    return run


def test_a_campaign_from_its_links_to_its_verdicts(rt, pair, tmp_path):
    a, b = pair(2)
    folder = tmp_path / "c"
    plan = rt(a, b, "--raters", 2, "--overlap", 1, "--dir", folder, "--dry-run")
    assert plan["assignments"] == {"rater-1": 1, "rater-2": 1} and not folder.exists()
    made = rt(a, b, "--raters", 2, "--dir", folder, "--no-serve")
    assert [url.split("/r/")[0] for url in made["links"].values()] == ["http://127.0.0.1:8742"] * 2
    again = rt("--raters", 2, a, b, "--dir", folder, "--no-serve", as_json=False)
    assert "/r/" not in again and "rt annotate link" in again, "shown once"
    token = rt("link", folder, "rater-2")["links"]["rater-2"].split("/")[-2]
    assert open_campaign(folder).rater_of(token).name == "rater-2"
    with pytest.raises(UserError, match="no rater is called 'Zoe'"):
        rt("link", folder, "Zoe")
    assert rt("tasks", folder, "--out", tmp_path / "t.json", "--page", tmp_path / "p.xml")["tasks"] == 4
    tasks = json.loads((tmp_path / "t.json").read_text())
    tasks[0]["annotations"] = [{"was_cancelled": True, "result": []}]
    (tmp_path / "t.json").write_text(json.dumps(tasks))
    assert rt("import", folder, tmp_path / "t.json")["skipped"] == 1
    assert rt("status", folder)["raters"]["rater-1"] == {"assigned": 2, "rated": 0, "skipped": 1, "open": 1}
    exported = rt("export", folder, "--out", tmp_path / "v")
    assert exported["summary"]["skipped"] == 1 and set(exported["paths"]) == {"annotations", "a", "b"}
    text = rt("export", folder, "--out", tmp_path / "v", as_json=False)
    assert "assignments: 4 = rated 0, skipped 1, open 3" in text and "alpha missing" in text


def test_without_a_folder_the_campaign_is_in_rt_home(rt, rt_home, pair):
    a, b = pair(2)
    made = rt(a, b, "--no-serve")
    assert made["path"].startswith(str(rt_home)) and len(made["links"]) == 3
    assert rt(a, b, "--no-serve")["path"] == made["path"]


def test_other_hosts_are_warned_of_and_a_taken_port_is_named(rt, pair, tmp_path, caplog):
    assert [is_loopback(host) for host in ("127.0.0.1", "localhost", "0.0.0.0", "10.0.0.7")] == [
        True,
        True,
        False,
        False,
    ]
    a, b = pair(2)
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert taken.getsockname()[0] == "127.0.0.1"
        with pytest.raises(UserError, match="cannot listen there") as error:
            rt(a, b, "--dir", tmp_path / "c", "--port", port)
        assert error.value.where == f"127.0.0.1:{port}"
        assert not (tmp_path / "c").exists(), "no links are lost"
        with caplog.at_level(logging.WARNING, logger="rt"), pytest.raises(UserError):
            rt(a, b, "--dir", tmp_path / "c", "--host", "0.0.0.0", "--port", port)
    assert "unencrypted" in caplog.text


def test_pictures_are_refused_clearly(rt, pair, tmp_path, monkeypatch):
    a, b = pair(2)
    rt(a, b, "--dir", tmp_path / "c", "--no-serve")
    assert rt("screenshot", tmp_path / "c", "--out", tmp_path / "f.png", "--dry-run")["written"] is False
    with pytest.raises(UserError, match="no Chromium is found"):
        rt("screenshot", tmp_path / "c", "--out", tmp_path / "f.png", "--browser", "no-such-browser")
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/true")
    with pytest.raises(UserError, match="at least 500 x 200"):
        rt("screenshot", tmp_path / "c", "--out", tmp_path / "f.png", "--width", "390")
    with pytest.raises(UserError, match="has 2 turns, none is number 7"):
        rt("screenshot", tmp_path / "c", "--out", tmp_path / "f.png", "--turn", "7")
    assert not (tmp_path / "f.png").exists()
