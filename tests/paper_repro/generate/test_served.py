"""The engine `openai`: a reply a prompt from a server that fails on purpose, nothing lost, invented or asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from artifacts.errors import InputError, SettingsError, StageError
from artifacts.settings import Settings, load_settings
from artifacts.stage import Stage
from paper_repro.columns import write_rows
from paper_repro.generate import GenerateSettings, generate
from paper_repro.generate.schema import PROMPTS, read_generations
from paper_repro.sequences import inference_prompt

COUNT = 30
ROWS = [
    {"prompt_id": f"p{i:02}", "benchmark": "b", "subset": None, "prompt": f" Question {i}?\n", "reference": None}
    for i in range(COUNT)
]
HURRIED = {"backoff_s": 0.01, "longest_backoff_s": 0.02, "timeout_s": 1.0, "retries": 8}


@pytest.fixture(scope="module")
def prompts(tmp_path_factory):
    def work(settings, inputs, workspace):
        write_rows(workspace.path / "prompts.parquet", ROWS, PROMPTS)

    out = tmp_path_factory.mktemp("prompts") / "b"
    Stage("collect", "prompts", 1, Settings, work).run(Settings(), out)
    return out


def settings(at, *overrides: str, **given) -> GenerateSettings:
    served = {"name": "m", "parameters": 7} | given.pop("served", {})
    address = {"url": at.url, **HURRIED} | given.pop("server", {})
    chosen = {"engine": "openai", "served": served, "server": address, "max_new_tokens": 9} | given
    return load_settings(GenerateSettings, None, ["limit=null", *overrides], **chosen)


def test_every_prompt_gets_its_own_reply_through_faults(chat_server, servers, prompts, tmp_path):
    kinds = ("reset", "cut", "busy", "error_503", "broken_json", "no_choice", "null", "no_finish", "half_surrogate")
    server = chat_server(fault=servers.some_fail(0.4, 1, kinds), delay=lambda prompt: 0.01)
    made = generate(settings(server, server={"concurrency": 5}), [prompts], tmp_path / "out")
    rows = read_generations(made.path)
    assert [row["prompt_id"] for row in rows] == [row["prompt_id"] for row in ROWS]
    assert [row["response"] for row in rows] == ["echo of " + inference_prompt(row["prompt"]) for row in ROWS]
    assert {row["finish_reason"] for row in rows} == {"eos"}
    assert [row["num_tokens"] for row in rows] == [len(row["response"].split()) for row in rows]
    assert set(server.answered().values()) == {1}, "what was answered is not asked again"
    assert Counter(made.provenance["faults"]) == server.faults() and sum(server.faults().values()) > 5
    assert 1 < server.in_flight <= 5
    body = server.calls[0].body
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("m", 0.0, 9)
    assert made.summary["condition"]["base_model"] == "m" and made.summary["condition"]["model_size"] == 7


def test_the_file_of_what_was_sent_is_what_the_server_got(chat_server, prompts, tmp_path):
    server = chat_server()
    made = generate(settings(server), [prompts], tmp_path / "out")
    sent = {line["prompt_id"]: line["prompt"] for line in map(json.loads, made.file("sent.jsonl").open())}
    assert sent == {row["prompt_id"]: "<|user|>\n" + row["prompt"] + "\n<|assistant|>\n" for row in ROWS}
    assert Counter(sent.values()) == Counter(call.body["prompt"] for call in server.calls)


def test_the_chat_endpoint_gets_the_bare_instruction(chat_server, prompts, tmp_path):
    server = chat_server()
    made = generate(settings(server, served={"endpoint": "chat"}), [prompts], tmp_path / "out")
    sent = {line["prompt_id"]: line["messages"] for line in map(json.loads, made.file("sent.jsonl").open())}
    assert sent == {row["prompt_id"]: [{"role": "user", "content": row["prompt"]}] for row in ROWS}
    assert [row["response"] for row in read_generations(made.path)] == ["echo of " + row["prompt"] for row in ROWS]


def test_a_reply_of_nothing_is_a_reply_and_a_missing_count_stays_missing(chat_server, prompts, tmp_path):
    def answer(body):
        choice = {"index": 0, "finish_reason": "length" if "7?" in body["prompt"] else "stop", "text": ""}
        return {"object": "text_completion", "model": "m", "choices": [choice]}

    made = generate(settings(chat_server(answer=answer)), [prompts], tmp_path / "out")
    rows = read_generations(made.path)
    assert {(row["response"], row["num_tokens"]) for row in rows} == {("", None)}
    assert made.summary["finish_reasons"] == {"eos": 27, "length": 3} and made.summary["tokens"] is None


def test_a_stop_text_ends_a_reply(chat_server, prompts, tmp_path):
    server = chat_server(answer=lambda body: "An answer. STOP and more")
    made = generate(settings(server, "stop=[STOP]"), [prompts], tmp_path / "out")
    assert {(row["response"], row["finish_reason"]) for row in read_generations(made.path)} == {("An answer. ", "stop")}
    assert server.calls[0].body["stop"] == ["STOP"]


def test_a_server_that_goes_past_a_stop_text_to_the_limit_is_cut_there_too(chat_server, prompts, tmp_path):
    def answer(body):
        choice = {"index": 0, "finish_reason": "length", "text": "An answer. STOP and more"}
        return {"object": "text_completion", "model": "m", "choices": [choice]}

    made = generate(settings(chat_server(answer=answer), "stop=[STOP]"), [prompts], tmp_path / "out")
    assert {(row["response"], row["finish_reason"]) for row in read_generations(made.path)} == {("An answer. ", "stop")}


def test_prompts_without_an_answer_are_named_and_the_rest_is_kept(chat_server, prompts, tmp_path):
    bad = inference_prompt(ROWS[4]["prompt"])
    server = chat_server(fault=lambda prompt, number: "filtered" if prompt == bad and number == 0 else None)
    with pytest.raises(StageError, match=r"1 of 30 prompts have no answer \(filtered: 1\); the first is p04"):
        generate(settings(server), [prompts], tmp_path / "out")
    assert not (tmp_path / "out" / "generations.parquet").exists()
    made = generate(settings(server), [prompts], tmp_path / "out")
    assert len(read_generations(made.path)) == COUNT and len(server.calls) == COUNT + 1
    again = generate(settings(server), [prompts], tmp_path / "other")
    assert again.digest == made.digest and len(server.calls) == 2 * COUNT + 1, "another run asks anew"


KILLED = """
import json, sys
from pathlib import Path
from artifacts.settings import load_settings
from paper_repro.generate import GenerateSettings, generate
generate(load_settings(GenerateSettings, Path(sys.argv[1])), [Path(sys.argv[2])], Path(sys.argv[3]))
"""


def test_a_killed_run_goes_on_by_prompt(chat_server, prompts, tmp_path):
    server = chat_server(delay=lambda prompt: 0.02)
    chosen = settings(server, server={"concurrency": 2})
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps(chosen.resolved() | {"server": chosen.server.resolved()}))
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(file), str(prompts), str(tmp_path / "out")])
    while len(server.calls) < 12 and process.poll() is None:
        signal.sigtimedwait([], 0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out" / "manifest.json").exists()
    made = generate(chosen, [prompts], tmp_path / "out")
    assert made.provenance["kept_from_a_stopped_run"] >= 8
    assert made.provenance["kept_from_a_stopped_run"] + made.provenance["calls"] == COUNT
    assert [row["response"] for row in read_generations(made.path)] == [
        "echo of " + inference_prompt(row["prompt"]) for row in ROWS
    ]


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(chat_server, prompts, tmp_path, monkeypatch):
    server = chat_server()
    monkeypatch.setenv("MY_KEY", "sk-made-up-for-this-test")
    made = generate(settings(server, server={"key_variable": "MY_KEY"}), [prompts], tmp_path / "out")
    assert {call.authorization for call in server.calls} == {"Bearer sk-made-up-for-this-test"}
    for path in made.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"sk-made-up" not in data, path
            assert b"127.0.0.1" not in data, "the server's address is no part of the result"


def test_settings_that_do_not_fit_are_refused(chat_server, prompts, tmp_path):
    for given, message in (
        ({"engine": "openai"}, "served.name"),
        ({"served": {"name": "m"}}, "served.name"),
        ({"engine": "openai", "served": {"name": "m"}, "base": {"name": "x", "weights": "path"}}, "without effect"),
        ({"engine": "openai", "served": {"name": "m", "endpoint": "chat"}, "style": "zero-shot"}, "completions"),
    ):
        with pytest.raises(SettingsError, match=message):
            load_settings(GenerateSettings, None, (), **given)
    with pytest.raises(InputError, match="how large"):
        generate(settings(chat_server(), "served.parameters=null"), [prompts], tmp_path / "out")


def test_settings_of_the_in_process_engine_keep_their_digest():
    values = GenerateSettings().resolved()
    assert not {"engine", "served", "server"} & values.keys() and "batch_size" in values
