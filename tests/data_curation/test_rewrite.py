"""The rewriting stage against a server of ours: the rule of extraction, counts, kills, and what it leaves on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pyarrow.parquet as pq
import pytest

from artifacts.digests import digest_json
from artifacts.errors import InputError, SettingsError, StageError, UserError
from artifacts.settings import load_settings
from data_curation.curate import CurateSettings, curate, main_input
from data_curation.inspect.inspection import InspectSettings, inspect_set
from data_curation.inspect.page import write_inspection
from data_curation.mix import MixSettings, mix
from data_curation.records import SCHEMA, from_table, record_id
from data_curation.rewrite import RewriteSettings, rewrite, rewrite_plan, rewrite_text

KEY = "sk-quite-secret-0123456789"
ROWS = [
    ("Name a fruit.", "An apple."),
    ("Name a tree.", "An oak, said {response} of {instruction}."),
    ("", "No question here."),
    ("Blank?", "  "),
    ("Same?", "Same text."),
    ("Silent?", "No marker comes."),
    ("Void?", "Nothing after it."),
    ("Long?", "Cut in the middle."),
]


def original_of(prompt):
    """The response inside our own prompt."""
    for line in ("answer", "passage"):
        start = prompt.find(f"----- the {'assistant' + chr(39) + 's ' if line == 'answer' else ''}{line} -----\n")
        if start >= 0:
            return prompt[start:].split("-----\n", 1)[1].split(f"\n----- end of the {line} -----")[0]
    raise AssertionError(prompt)


def editor(body):
    """A model that rewrites by the rules of its prompt, most of the time."""
    original = original_of(body["messages"][-1]["content"])
    text = f"It could be better.\n\nRefined response: Better: {original}\n"
    if original == "Same text.":
        text = "**Refined response:** Same text."
    if original == "No marker comes.":
        text = "Here is the better one."
    if original == "Nothing after it.":
        text = "Refined response: \n "
    finish = "length" if original == "Cut in the middle." else "stop"
    message = {"role": "assistant", "content": text}
    return {"model": "served", "choices": [{"index": 0, "finish_reason": finish, "message": message}]}


@pytest.fixture(autouse=True)
def place(rt_home, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return rt_home


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.jsonl"
    lines = [{"instruction": i, "response": r} for i, r in ROWS] + [{"instruction": "None?", "response": None}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def settings(server=None, **given):
    quick = {"timeout_s": 5, "backoff_s": 0.01, "longest_backoff_s": 0.02, "retries": 2}
    if server is not None:
        quick["url"] = server.url
    return RewriteSettings.model_validate(
        {"model": {"name": "editor"}, "server": quick | given.pop("more", {})} | given
    )


def rows_of(artifact, name):
    return pq.read_table(artifact.file(name)).to_pylist()


# --- what comes out ------------------------------------------------------------------------------------------------


def test_each_row_is_rewritten_or_keeps_its_text_and_says_why(chat_server, tmp_path, small):
    server = chat_server(answer=editor)
    artifact = rewrite(settings(server), tmp_path / "out", small)
    data = from_table(pq.read_table(artifact.file("data.parquet")))
    assert pq.read_schema(artifact.file("data.parquet")).equals(SCHEMA)
    assert [record.response for record in data] == [
        "Better: An apple.",
        "Better: An oak, said {response} of {instruction}.",
        "Better: No question here.",
        "  ",
        "Same text.",
        "No marker comes.",
        "Nothing after it.",
        "Cut in the middle.",
    ]
    assert [record.instruction for record in data] == [instruction for instruction, _ in ROWS]
    assert all(record.record_id == record_id(record.response) for record in data)
    decisions = rows_of(artifact, "decisions.parquet")
    assert [d["row_id"] for d in decisions] == [record.row_id for record in data]
    assert [d["record_id"] for d in decisions] == [record_id(response) for _, response in ROWS]
    assert all(d["kept"] for d in decisions)
    rewrites = rows_of(artifact, "rewrites.parquet")
    assert [(r["outcome"], r["reason"]) for r in rewrites] == [
        ("rewritten", None),
        ("rewritten", None),
        ("rewritten", None),
        ("original", "blank"),
        ("unchanged", None),
        ("original", "no_marker"),
        ("original", "empty"),
        ("original", "cut"),
    ]
    summary = artifact.summary
    counts = [summary[key] for key in ("rows_in", "kept", "dropped", "quarantined", "changed")]
    assert (artifact.identity.kind, counts) == ("curated", [9, 8, 0, 1, 3])
    facts = summary["rewrite"]
    assert [facts[key] for key in ("asked", "extracted", "rewritten", "unchanged")] == [7, 4, 3, 1]
    assert (facts["success_rate"], facts["failed"]) == (round(4 / 7, 6), {})
    assert facts["original_kept"] == {"blank": 1, "cut": 1, "empty": 1, "no_marker": 1}
    assert facts["models_reported"] == ["served"]
    measures = {row["measure"]: row["value"] for row in rows_of(artifact, "steps.parquet") if row["position"] == 1}
    assert (measures["outcome.rewritten"], measures["outcome.original.cut"], measures["changed"]) == (3, 1, 3)
    assert "extracted 4 (57.1%), of these rewritten 3, unchanged 1" in rewrite_text(summary)


def test_the_exact_prompt_and_reply_of_each_row_are_kept(chat_server, tmp_path, small):
    server = chat_server(answer=editor)
    artifact = rewrite(settings(server), tmp_path / "out", small)
    rewrites = rows_of(artifact, "rewrites.parquet")
    sent = {call.prompt for call in server.calls}
    kept = {json.loads(row["messages"])[0][1] for row in rewrites if row["messages"]}
    assert (kept, len(sent)) == (sent, 7)
    first = json.loads(rewrites[0]["messages"])[0][1]
    assert "Name a fruit." in first
    assert "the user's message" not in json.loads(rewrites[2]["messages"])[0][1]
    # what stands in a row's texts is not filled in again
    assert "An oak, said {response} of {instruction}." in json.loads(rewrites[1]["messages"])[0][1]
    assert (rewrites[0]["reply"], rewrites[0]["model"]) == (
        "It could be better.\n\nRefined response: Better: An apple.\n",
        "served",
    )
    assert rewrites[3]["request"] is None


def test_news_passages(chat_server, tmp_path):
    path = tmp_path / "news.jsonl"
    path.write_text(json.dumps({"response": "TOWN (Wire) - It rained.\nShare this"}) + "\n")
    server = chat_server(answer=lambda body: "Page parts.\nrefined TEXT:\n\nIt rained in town.")
    artifact = rewrite(settings(server, kind="news"), tmp_path / "out", path)
    assert [row["response"] for row in rows_of(artifact, "data.parquet")] == ["It rained in town."]
    assert "TOWN (Wire) - It rained.\nShare this" in server.calls[0].prompt
    assert (artifact.summary["recipe"], artifact.summary["rewrite"]["kind"]) == ("news", "news")


def test_a_cut_text_can_be_taken(chat_server, tmp_path, small):
    artifact = rewrite(settings(chat_server(answer=editor), take_cut=True), tmp_path / "out", small)
    assert rows_of(artifact, "data.parquet")[-1]["response"] == "Better: Cut in the middle."


def test_the_result_is_an_input_of_curate_and_mix_and_tells_where_it_is_from(chat_server, tmp_path, small):
    clean = {"name": "clean", "steps": [{"step": "normalise"}, {"step": "near_empty"}]}
    curated = curate(CurateSettings(recipe=clean), tmp_path / "curated", small)
    refined = rewrite(settings(chat_server(answer=editor)), tmp_path / "refined", curated.path)
    assert (refined.summary["recipe"], refined.summary["response_set"]) == ("clean+refine", "small.jsonl")
    assert refined.identity.inputs == {"input": curated.digest}
    lineage = json.loads((refined.path / "lineage.json").read_text())
    changed = [row["changed_by"] for row in lineage["rows"].values()]
    assert changed == [["rewrite"], ["rewrite"], ["rewrite"], [], [], [], []]
    assert lineage["artifact"]["inputs"]["input"]["stage"] == "curate"
    card = (refined.path / "README.md").read_text()
    assert "language model editor (prompt refine, version 1)" in card
    assert "Made by `rt rewrite`" in card
    again = curate(CurateSettings(recipe=clean), tmp_path / "again", refined.path)
    assert again.summary["kept"] == 7
    mixed = mix(MixSettings(base_size=3), tmp_path / "mixed", refined.path)
    assert mixed.summary["condition"]["recipe"] == "clean+refine"
    assert "changed_by" in (mixed.path / "lineage.json").read_text()


# --- failures ------------------------------------------------------------------------------------------------------


def failing(prompt, number):
    return "error_500" if "An apple." in prompt else "too_long" if "An oak" in prompt else None


def test_too_many_failures_stop_the_stage_and_a_later_run_asks_only_what_failed(chat_server, tmp_path, small):
    server = chat_server(answer=editor, fault=failing)
    with pytest.raises(StageError, match=r"2 of 7 requests failed \(bad_request: 1, server_error: 1\); allowed are 2"):
        rewrite(settings(server), tmp_path / "out", small)
    assert not (tmp_path / "out" / "manifest.json").exists()
    server.fault = lambda prompt, number: None
    before = server.answered()
    artifact = rewrite(settings(server), tmp_path / "out", small)
    assert (artifact.summary["rewrite"]["failed"], artifact.summary["changed"]) == ({}, 3)
    assert len(before) == 5
    assert Counter(server.answered().values()) == {1: 7}
    assert (artifact.provenance["answers_kept_before"], artifact.provenance["answers_new"]) == (5, 2)


@pytest.mark.parametrize("failed", ["keep", "drop"])
def test_failed_rows_keep_their_text_or_leave_and_are_counted(chat_server, tmp_path, small, failed):
    server = chat_server(answer=editor, fault=failing)
    artifact = rewrite(settings(server, failed=failed, most_failed=0.5), tmp_path / "out", small)
    facts, summary = artifact.summary["rewrite"], artifact.summary
    assert facts["failed"] == {"bad_request": 1, "server_error": 1}
    assert facts["success_rate"] == round(2 / 7, 6)
    responses = [row["response"] for row in rows_of(artifact, "data.parquet")]
    decisions = rows_of(artifact, "decisions.parquet")
    if failed == "keep":
        assert responses[:2] == [ROWS[0][1], ROWS[1][1]]
        assert summary["dropped"] == 0
    else:
        assert responses[0] == "Better: No question here."
        assert [d["reason"] for d in decisions[:3]] == ["failed_server_error", "failed_bad_request", None]
        assert summary["funnel"][0]["reasons"] == {"failed_bad_request": 1, "failed_server_error": 1}
        write_inspection(tmp_path / "page.html", inspect_set(artifact.path, InspectSettings(vectors="words")))
        assert "failed_bad_request" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert summary["rows_in"] == summary["kept"] + summary["dropped"] + summary["quarantined"] == 9
    details = [row["detail"] for row in rows_of(artifact, "rewrites.parquet")]
    assert details[0] == "HTTP 500: this call fails on purpose"
    assert details[2] is None


def test_with_three_calls_in_ten_failing_the_set_is_the_same(chat_server, servers, tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"response": f"Response {number}."}) + "\n" for number in range(60)))
    kinds = tuple(
        kind for kind, reason in servers.FAULTS.items() if reason not in ("timeout", "bad_request", "filtered")
    )
    good = rewrite(settings(chat_server(answer=editor)), tmp_path / "good", path)
    server = chat_server(answer=editor, fault=servers.some_fail(0.3, 2, kinds))
    cache = str(tmp_path / "other.sqlite")
    poor = rewrite(settings(server, cache=cache, more={"retries": 8}), tmp_path / "poor", path)
    assert len(server.faults()) >= 5
    assert poor.digest == good.digest
    assert poor.provenance["call_faults"] == server.faults()
    assert poor.summary["rewrite"]["rewritten"] == 60


# --- stops, the cache, the key ---------------------------------------------------------------------------------------


def command(server, *arguments):
    script = "from paper_repro.cli import main; main()"
    return [sys.executable, "-c", script, "rewrite", "--server", server.url, "--model", "editor", *arguments]


def test_a_killed_run_goes_on_and_nothing_answered_is_asked_again(chat_server, tmp_path, place):
    path = tmp_path / "many.jsonl"
    path.write_text("".join(json.dumps({"response": f"Response {number}."}) + "\n" for number in range(50)))
    server = chat_server(answer=editor, delay=lambda prompt: 0.02)
    call = command(server, str(path), "--out", str(tmp_path / "out"), "--concurrency", "3", "--json")
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(server.calls) < 20:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out" / "manifest.json").exists()
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=os.environ)
    result = json.loads(done.stdout)
    assert (result["summary"]["changed"], result["up_to_date"]) == (50, False)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    kept = manifest["provenance"]["answers_kept_before"]
    assert kept >= 20 - 2 * 3
    assert kept + manifest["provenance"]["answers_new"] == 50
    # what was on its way at the kill may be asked again, nothing else
    assert sum(count - 1 for count in server.answered().values()) <= 3
    before = len(server.calls)
    assert json.loads(subprocess.run(call, capture_output=True, text=True, check=True).stdout)["up_to_date"] is True
    assert len(server.calls) == before


def test_the_same_answers_on_another_server_or_without_one_give_the_same_set(chat_server, tmp_path, small):
    first = rewrite(settings(chat_server(answer=editor)), tmp_path / "first", small)
    other = chat_server(answer=editor)
    second = rewrite(settings(other, cache=str(tmp_path / "other.sqlite")), tmp_path / "second", small)
    third = rewrite(settings(), tmp_path / "third", small)
    assert first.digest == second.digest == third.digest
    assert len(other.calls) == 7
    assert (third.provenance["calls"], third.provenance["server"]) == (0, None)
    with pytest.raises(UserError, match="give --server"):
        rewrite(settings(model={"name": "another"}), tmp_path / "fourth", small)


def test_the_key_reaches_the_server_and_no_file_or_output(chat_server, tmp_path, small, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = chat_server(answer=editor, fault=failing, said="bad key {key}")
    call = command(server, str(small), "--out", str(tmp_path / "out"), "--set", "server.retries=0", "--debug")
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    more = subprocess.run([*call, "--set", "most_failed=1"], capture_output=True, text=True, check=True)
    refused = chat_server(fault=lambda prompt, number: 401, said="bad key {key}")
    call = command(refused, str(small), "--out", str(tmp_path / "no"), "--set", "model.revision=two", "--debug")
    denied = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (denied.returncode, "the server refuses access (HTTP 401: bad key ***)" in denied.stderr) == (2, True)
    assert {c.authorization for c in [*server.calls, *refused.calls]} == {f"Bearer {KEY}"}
    outputs = [done.stdout, done.stderr, more.stdout, more.stderr, denied.stdout, denied.stderr]
    assert not any(KEY in output for output in outputs)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"bad key ***" in content for content in files)
    assert not any(KEY.encode() in content for content in files)


def test_a_dry_run_counts_calls_and_tokens_and_sends_nothing(chat_server, tmp_path, small, place):
    server = chat_server(answer=editor)
    call = command(server, str(small), "--dry-run", "--json")
    plan = json.loads(subprocess.run(call, capture_output=True, text=True, check=True).stdout)
    assert (plan["plan"]["calls"], plan["plan"]["kept"], plan["settings"]["model"]["name"]) == (7, 0, "editor")
    prompt_bytes = 4 * plan["plan"]["prompt_tokens"]
    assert plan["plan"]["completion_tokens_at_most"] == 7 * 8192
    assert (server.calls, place.exists()) == ([], False)
    rewrite(settings(server), tmp_path / "out", small)
    assert abs(sum(len(call.prompt.encode()) for call in server.calls) - prompt_bytes) <= 4
    resolved, inputs = main_input(settings(), small)
    assert (rewrite_plan(resolved, inputs).calls, rewrite_plan(resolved, inputs).kept) == (0, 7)


# --- settings --------------------------------------------------------------------------------------------------------


def test_what_decides_the_result_is_in_the_settings_and_the_server_is_not(small):
    resolved = settings(more={"url": "http://secret-host/v1"}, cache="x.sqlite").resolved()
    assert resolved["prompt"]["marker"] == "Refined response:"
    assert resolved["model"]["decoding"] == resolved["model"]["decoding"] | {"temperature": 0.0, "max_tokens": 8192}
    assert not {"server", "cache"} & resolved.keys()
    again = RewriteSettings.model_validate(resolved).resolved()
    assert digest_json(again) == digest_json(resolved)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["kind=news", "prompt=refine", "model.name=m"], "'refine' is one of kind 'refine', not 'news'"),
        (["model.name=m", "server.keys=x"], "did you mean 'key_variable'"),
        (["prompt=nothing", "model.name=m"], "known prompts: news, refine, official-refine"),
        ([], "model: required, not given"),
        (["model.name=m", "model.decoding.extra={stream: true}"], "stream: set by the other settings"),
    ],
)
def test_mistakes_are_named(given, message):
    with pytest.raises(UserError) as error:
        load_settings(RewriteSettings, None, given)
    assert message in str(error.value)


def test_a_prompt_that_needs_an_instruction(tmp_path, small):
    path = tmp_path / "mine.yaml"
    lines = ["name: mine", "version: 3", "kind: refine", "marker: 'New:'"]
    path.write_text("\n".join([*lines, "user: 'Q {instruction} A {response}. Write New: and the text.'"]) + "\n")
    chosen = settings(prompt=str(path))
    assert chosen.resolved()["prompt"]["version"] == 3
    with pytest.raises(
        InputError, match=r"1 rows have no instruction, the first is row 2; the prompt 'mine' needs one"
    ):
        rewrite(chosen, tmp_path / "out", small)
    path.write_text("\n".join([*lines, "user: 'A {response}'"]) + "\n")
    with pytest.raises(SettingsError, match="the model is not told to write the marker"):
        load_settings(RewriteSettings, None, [f"prompt={path}", "model.name=m"])
