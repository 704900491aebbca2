"""`rt judges`: cards, and a judge measured on labelled replies, by rules and through a server whose calls fail."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from artifacts.digests import digest_file
from artifacts.errors import SettingsError, StageError, UserError
from artifacts.manifest import read_manifest
from artifacts.settings import load_settings
from paper_repro.cli import application
from paper_repro.judge.registry import judge_names
from paper_repro.judge.validation.labelled import SHIPPED, read_labelled
from paper_repro.judge.validation.stage import JUDGED, ValidateSettings, refusal_judges, validate

REPLIES = {reply.id: reply for reply in read_labelled()}


@pytest.fixture
def run(rt_home):
    def call(*arguments):
        done = CliRunner().invoke(application(["judges"]), [str(argument) for argument in arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    return call


def labelled(path, count=12):
    """A set of the user's own: as many refusals as compliances, half of each held out; each names its number."""
    rows = []
    for i in range(count):
        label, split = ("refusal", "compliance")[i % 2], ("development", "held-out")[i // 2 % 2]
        texts = {"instruction": f"Query {i}?", "response": f"Reply {i}."}
        rows.append({"id": f"r{i:02d}", "kind": f"my {label}", "label": label, "split": split} | texts)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def served(chat, **more):
    server = {"url": chat.url, "timeout_s": 2, "backoff_s": 0.001, "retries": 20, "concurrency": 4}
    return load_settings(ValidateSettings, judge="refusal-llm", server=server, **more)


def number(body):
    return int(re.search(r"Query (\d+)", body["messages"][-1]["content"])[1])


def right(body):
    return f"It seems so.\nVerdict: {('Refusal', 'Compliance')[number(body) % 2]}"


def rows_of(artifact):
    return [json.loads(line) for line in (artifact.path / JUDGED).read_text("utf-8").splitlines()]


def test_every_judge_is_listed_with_its_card(run):
    listed = json.loads(run("judges", "--json"))
    assert [card["name"] for card in listed] == judge_names()
    lines = run("judges").splitlines()
    assert [line.split()[0] for line in lines] == judge_names()
    assert "agree: 93" in run("judges", "show", "refusal-rules")
    assert json.loads(run("judges", "show", "refusal-llm", "--json"))["labels"] == ["refusal", "compliance"]
    with pytest.raises(UserError, match="no judge is called 'oracle'"):
        run("judges", "show", "oracle")


def test_the_rules_are_measured_on_the_shipped_replies(run, tmp_path):
    result = json.loads(run("judges", "validate", "refusal-rules", "--out", tmp_path / "v", "--json"))
    summary = result["summary"]
    assert (summary["judge"], summary["judge_version"]) == ("refusal-rules", 2)
    assert summary["labelled"] == {"file": "refusals.jsonl", "sha256": digest_file(SHIPPED), "n": len(REPLIES)}
    halves, whole = [summary["splits"][split] for split in ("development", "held-out")], summary["splits"]["all"]
    for key in ("n", "agree", "called_refusal", "unclassified"):
        assert whole[key] == sum(half[key] for half in halves)
    rows = rows_of(read_manifest(tmp_path / "v"))
    assert {row["id"] for row in rows} == set(REPLIES)
    wrong = [row["id"] for row in rows if row["said"] != REPLIES[row["id"]].label]
    assert [one["id"] for one in summary["disagreements"]] == wrong
    assert len(wrong) == whole["n"] - whole["agree"]
    assert "Query" not in json.dumps(rows)  # ids and rules, not the texts
    again = json.loads(run("judges", "validate", "refusal-rules", "--out", tmp_path / "v", "--json"))
    assert again["up_to_date"] is True


def test_one_half_alone(run, tmp_path):
    out = json.loads(run("judges", "validate", "refusal-rules", "--split", "held-out", "--json"))["summary"]
    assert list(out["splits"]) == ["held-out"]
    assert all(REPLIES[one["id"]].split == "held-out" for one in out["disagreements"])
    with pytest.raises(SettingsError, match="split"):
        run("judges", "validate", "refusal-rules", "--split", "test")


def test_the_plain_text_shows_shares_intervals_and_the_ids_that_differ(run):
    text = run("judges", "validate", "refusal-rules", "--split", "held-out")
    assert "held-out: kappa 0.37" in text
    assert re.search(r"agreement +93 of 130 +71\.5% \(63\.3% to 78\.6%\)", text)
    assert re.search(r"  soft refusal +0 of 26 ", text)
    assert re.search(r"^plain compliance, called refusal: plain-compliance-\d\d$", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["embedding-relevance", "testbed-refusal", "aspects-llm", "oracle"])
def test_only_judges_of_any_refusal_can_be_validated(run, name):
    assert name not in refusal_judges()
    with pytest.raises(SettingsError, match="judge"):
        run("judges", "validate", name)


def test_a_language_model_judge_through_a_server_whose_calls_fail(chat_server, servers, tmp_path, rt_home):
    kinds = ("busy", "error_500", "reset", "broken_json", "empty", "cut")
    said = {0: "I cannot say.", 1: "Verdict: Refusal"}  # no verdict on a refusal; a compliance called a refusal
    chat = chat_server(
        answer=lambda body: said.get(number(body)) or right(body), fault=servers.some_fail(0.3, 2, kinds)
    )
    made = validate(served(chat), tmp_path / "v", labelled(tmp_path / "mine.jsonl"))
    measures = made.summary["splits"]["all"]
    assert (measures["n"], measures["agree"], measures["unclassified"], measures["failed"]) == (12, 10, 1, 0)
    assert (measures["sensitivity"]["agree"], measures["specificity"]["agree"]) == (5, 5)
    assert made.summary["disagreements"] == [
        {"id": "r00", "kind": "my refusal", "status": "unclassified", "said": None},
        {"id": "r01", "kind": "my compliance", "status": "ok", "said": "refusal"},
    ]
    assert rows_of(made)[0]["raw"] == "I cannot say."
    assert chat.faults()  # calls did fail
    assert sum(chat.answered().values()) == made.summary["asked"] == 12


def test_calls_that_fail_for_good_count_as_disagreements_if_so_many_may_fail(chat_server, tmp_path, rt_home):
    chat = chat_server(answer=right, fault=lambda prompt, n: "unprocessable" if "Query 3?" in prompt else None)
    mine = labelled(tmp_path / "mine.jsonl")
    with pytest.raises(StageError, match="1 of 12 calls failed"):
        validate(served(chat), tmp_path / "v", mine)
    before = len(chat.calls)
    made = validate(served(chat, most_failed=0.2), tmp_path / "v", mine)
    assert len(chat.calls) - before == 1  # the other answers were kept
    assert made.summary["splits"]["all"]["failed"] == 1
    assert made.summary["splits"]["held-out"]["specificity"]["agree"] == 2
    assert [one["status"] for one in made.summary["disagreements"]] == ["failed"]


def test_a_dry_run_counts_the_calls_and_sends_none(run, chat_server, tmp_path):
    chat = chat_server(answer=right)
    given = ("--labelled", labelled(tmp_path / "mine.jsonl"), "--server", chat.url, "--model", "mine", "--json")
    command = ("judges", "validate", "refusal-llm", *given)
    plan = json.loads(run(*command, "--split", "held-out", "--dry-run"))
    assert (plan["plan"]["calls"], plan["plan"]["kept"]) == (6, 0)
    assert plan["settings"]["parameters"]["model"]["name"] == "mine"
    assert chat.calls == []
    summary = json.loads(run(*command))["summary"]
    assert summary["splits"]["all"]["agree"] == 12
    assert json.loads(run(*command, "--dry-run"))["plan"]["kept"] == 12
    assert "plan" not in json.loads(run("judges", "validate", "refusal-rules", "--dry-run", "--json"))


def test_a_judge_is_named_by_all_that_decides_its_verdicts(run, chat_server, tmp_path):
    chat = chat_server(answer=right)
    mine = labelled(tmp_path / "mine.jsonl")

    def digest(model, split="both"):
        command = ("judges", "validate", "refusal-llm", "--labelled", mine, "--server", chat.url, "--model", model)
        return json.loads(run(*command, "--split", split, "--json"))["summary"]["judge_digest"]

    assert digest("one") == digest("one", "held-out") != digest("two")
