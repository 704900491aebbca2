"""The client against a server that fails on purpose: no answer lost, invented or asked for twice, no key told."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections import Counter

import pytest

from artifacts.errors import InputError, StageError, UserError
from data_curation.llm_client import (
    AnswerStore,
    Decoding,
    ModelSettings,
    Request,
    ServerSettings,
    complete,
    plan,
    request_key,
)
from data_curation.llm_client.faults import REASONS

MODEL = ModelSettings(name="asked-model")
KEY = "sk-quite-secret-0123456789"


def ask(text, sample=0):
    return Request((("user", text),), sample)


def server_settings(server, **given):
    quick = {"timeout_s": 5, "backoff_s": 0.01, "longest_backoff_s": 0.05, "retries": 3}
    return ServerSettings(url=server.url, **quick | given)


@pytest.fixture
def store(tmp_path):
    with AnswerStore(tmp_path / "answers.sqlite") as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def texts(batch):
    return [outcome.answer and outcome.answer.text for outcome in batch.outcomes]


# --- the order of things -------------------------------------------------------------------------------------------


def test_outcomes_stand_in_the_order_of_the_requests_and_the_same_is_asked_once(chat_server, store):
    server = chat_server()

    def comes_last(prompt):
        end = time.monotonic() + 10
        while prompt == "first" and sum(server.answered().values()) < 4 and time.monotonic() < end:
            time.sleep(0.01)
        return 0.1 if prompt == "first" else 0.0

    server.delay = comes_last
    requests = [ask("first"), ask("second"), ask("first"), ask("third"), ask("second", sample=1)]
    batch = complete(requests, MODEL, server_settings(server), store)
    assert texts(batch) == ["echo of first", "echo of second", "echo of first", "echo of third", "echo of second"]
    assert server.answered() == {"first": 1, "second": 2, "third": 1}
    assert (batch.counts.requests, batch.counts.distinct, batch.counts.answered, batch.counts.calls) == (5, 4, 4, 4)


def test_no_more_calls_at_a_time_than_allowed(chat_server, store):
    server = chat_server(delay=lambda prompt: 0.05)
    complete([ask(str(number)) for number in range(12)], MODEL, server_settings(server, concurrency=3), store)
    assert server.in_flight == 3


def test_what_is_sent_is_what_the_settings_say(chat_server, store):
    decoding = Decoding(
        temperature=0.7,
        top_p=0.9,
        max_tokens=5,
        limit_key="max_completion_tokens",
        seed=3,
        stop=("#",),
        extra={"repetition_penalty": 1.1},
    )
    server = chat_server()
    request = Request((("system", "be short"), ("user", "a {b} \u00e9\n")))
    complete([request], ModelSettings(name="m", decoding=decoding), server_settings(server), store)
    complete([request], MODEL, server_settings(server), store)
    assert server.calls[0].body == {
        "model": "m",
        "messages": [{"role": "system", "content": "be short"}, {"role": "user", "content": "a {b} \u00e9\n"}],
        "temperature": 0.7,
        "top_p": 0.9,
        "max_completion_tokens": 5,
        "seed": 3,
        "stop": ["#"],
        "repetition_penalty": 1.1,
    }
    assert server.calls[1].body.keys() == {"model", "messages", "temperature"}
    with pytest.raises(ValueError, match="messages, temperature: set by the other settings"):
        Decoding(extra={"temperature": 1, "messages": []})


def test_it_works_inside_a_running_event_loop_too(chat_server, store):
    server = chat_server()

    async def notebook():
        return complete([ask("a")], MODEL, server_settings(server), store)

    assert texts(asyncio.run(notebook())) == ["echo of a"]
    refused = chat_server(fault=lambda prompt, number: 401)

    async def refused_notebook():
        return complete([ask("b")], MODEL, server_settings(refused), store)

    with pytest.raises(UserError, match="refuses access"):
        asyncio.run(refused_notebook())


# --- faults --------------------------------------------------------------------------------------------------------


def test_with_three_calls_in_ten_failing_nothing_is_lost_or_invented_and_the_counts_are_exact(
    chat_server, servers, store
):
    kinds = tuple(kind for kind, reason in servers.FAULTS.items() if REASONS[reason])
    server = chat_server(fault=servers.some_fail(0.3, 1, kinds))
    requests = [ask(f"prompt {number}") for number in range(120)]
    settings = server_settings(server, timeout_s=4, retries=4, concurrency=32, backoff_s=0.005)
    batch = complete(requests, MODEL, settings, store)
    assert {call.fault for call in server.calls} >= {"hang", "cut", "busy", "broken_json", "empty", "no_finish", None}
    assert batch.counts.faults == server.faults()
    assert batch.counts.calls == len(server.calls) == batch.counts.answered + sum(server.faults().values())
    assert max(server.seen.values()) <= 5
    for request, outcome in zip(requests, batch.outcomes, strict=True):
        prompt = request.messages[0][1]
        if server.answered()[prompt]:
            assert outcome.answer.text == f"echo of {prompt}"
        else:
            # every one of its five calls failed: it is told under the reason of the last
            last = [call.fault for call in server.calls if call.prompt == prompt][-1]
            assert (server.seen[prompt], outcome.failure.reason) == (5, servers.FAULTS[last])
    assert set(server.answered().values()) == {1}


def test_a_request_that_always_fails_is_a_failure_with_its_reason_and_is_asked_again_later(
    chat_server, servers, store, fault_kind
):
    server = chat_server(fault=lambda prompt, number: fault_kind if prompt == "bad" else None)
    settings = server_settings(server, retries=2, timeout_s=0.5 if fault_kind in ("hang", "trickle") else 5)
    batch = complete([ask("good"), ask("bad")], MODEL, settings, store)
    reason = servers.FAULTS[fault_kind]
    assert texts(batch) == ["echo of good", None]
    assert batch.outcomes[1].failure.reason == reason
    assert batch.outcomes[1].failure.detail
    calls = 3 if REASONS[reason] else 1
    assert (server.seen["bad"], batch.counts.faults, batch.failures) == (calls, {reason: calls}, {reason: 1})
    assert store.find([outcome.key for outcome in batch.outcomes]).keys() == {batch.outcomes[0].key}
    with sqlite3.connect(store.path) as database:
        assert database.execute("SELECT key, reason, tries FROM failures").fetchall() == [
            (batch.outcomes[1].key, reason, calls)
        ]
    server.fault = lambda prompt, number: None
    again = complete([ask("good"), ask("bad")], MODEL, settings, store)
    assert texts(again) == ["echo of good", "echo of bad"]
    assert (server.answered(), again.counts.kept) == ({"good": 1, "bad": 1}, 1)


def test_an_answer_cut_at_the_limit_is_an_answer_that_says_so(chat_server, store):
    choice = {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "half of"}}
    server = chat_server(answer=lambda body: {"choices": [choice]})
    answer = complete([ask("a")], MODEL, server_settings(server), store).outcomes[0].answer
    assert (answer.text, answer.finish_reason, answer.prompt_tokens) == ("half of", "length", None)
    assert complete([ask("a")], MODEL, server_settings(server), store).outcomes[0].answer == answer


def test_what_the_server_asks_to_wait_is_waited_by_all(chat_server, store):
    server = chat_server(fault=lambda prompt, number: "busy" if number == 0 and prompt == "0" else None)
    server.retry_after = "0.6"
    server.delay = lambda prompt: 0.0 if prompt == "0" else 0.3
    complete([ask(str(number)) for number in range(6)], MODEL, server_settings(server, concurrency=2), store)
    refused = server.calls[0].time if server.calls[0].prompt == "0" else server.calls[1].time
    # the call beside it was on its way already
    assert len(server.calls) == 6 + 1
    assert all(call.time - refused >= 0.59 for call in server.calls[2:])


def test_a_wait_longer_than_the_budget_is_a_failure_at_once(chat_server, store):
    server = chat_server(fault=lambda prompt, number: "busy", retry_after="3600")
    started = time.monotonic()
    batch = complete([ask("a")], MODEL, server_settings(server, wait_budget_s=30), store)
    assert (batch.failures, len(server.calls)) == ({"rate_limited": 1}, 1)
    assert time.monotonic() - started < 5


def test_a_run_that_gets_nothing_any_more_stops_and_keeps_what_it_has(chat_server, store):
    server = chat_server(fault=lambda prompt, number: None if int(prompt) < 5 else "error_500")
    requests = [ask(str(number)) for number in range(40)]
    settings = server_settings(server, retries=1, give_up_after=4, concurrency=1)
    with pytest.raises(StageError, match=r"4 requests in a row have failed \(server_error: 4\)") as error:
        complete(requests, MODEL, settings, store)
    assert "this call fails on purpose" in str(error.value)
    assert len(server.calls) == 5 + 2 * 4
    assert len(store.find(request_key(MODEL, request) for request in requests)) == 5


def test_requests_that_the_server_will_not_take_do_not_stop_a_run_that_gets_others(chat_server, store):
    server = chat_server(fault=lambda prompt, number: "too_long" if int(prompt) else None)
    requests = [ask(str(number)) for number in range(9)]
    settings = server_settings(server, give_up_after=4, concurrency=1)
    assert complete(requests, MODEL, settings, store).failures == {"bad_request": 8}
    with pytest.raises(StageError, match="4 requests in a row"):
        complete(requests[1:], MODEL, settings, store)


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (401, UserError, "refuses access"),
        (403, UserError, "refuses access"),
        (404, UserError, "knows no such model or address"),
    ],
)
def test_what_no_further_call_can_mend_ends_the_run(chat_server, store, status, error, message):
    server = chat_server(fault=lambda prompt, number: status, delay=lambda prompt: 0.05)
    with pytest.raises(error, match=message):
        complete([ask(str(number)) for number in range(50)], MODEL, server_settings(server, concurrency=4), store)
    assert len(server.calls) <= 8


def test_a_server_that_is_not_there(store):
    settings = ServerSettings(url="http://127.0.0.1:9/v1", retries=1, backoff_s=0.01, give_up_after=2)
    with pytest.raises(StageError, match=r"2 requests in a row have failed \(connection: 2\)"):
        complete([ask("a"), ask("b")], MODEL, settings, store)
    assert complete([ask("a")], MODEL, settings, store).failures == {"connection": 1}


# --- the key -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [401, "too_long", "error_500", "busy"])
def test_the_key_is_sent_and_told_nowhere(chat_server, tmp_path, monkeypatch, caplog, capfd, fault):
    monkeypatch.setenv("MY_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    server = chat_server(fault=lambda prompt, number: fault if prompt == "bad" else None, said="wrong key: {key}!")
    settings = server_settings(server, key_variable="MY_KEY", retries=1)
    told = ""
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        complete([ask("good")], MODEL, settings, store)
        try:
            told = str(complete([ask("bad")], MODEL, settings, store).outcomes)
        except UserError as error:
            chain = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
            told = f"{error} {chain!r}"
    assert "wrong key: ***!" in told
    assert {call.authorization for call in server.calls} == {f"Bearer {KEY}"}
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"good" in content for content in files)
    spoken = "".join(capfd.readouterr()) + caplog.text + told + repr(settings) + str(settings.resolved())
    assert KEY not in spoken
    assert not any(KEY.encode() in content for content in files)


def test_a_key_in_the_wrong_place_is_refused_without_being_repeated(monkeypatch):
    for settings, message in (
        (ServerSettings(key_variable=KEY), "that server.key_variable names is not set"),
        (ServerSettings(key_variable="NOT_SET"), "'NOT_SET' is not set"),
    ):
        with pytest.raises(UserError, match=message) as error:
            settings.key()
        assert KEY not in str(error.value)
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nX-Other: 1")
    with pytest.raises(UserError, match="characters that no key has") as error:
        ServerSettings().key()
    assert KEY not in str(error.value)
    monkeypatch.delenv("OPENAI_API_KEY")
    assert ServerSettings().key() == "none"


def test_addresses():
    assert ServerSettings(url="http://127.0.0.1:8000").base_url() == "http://127.0.0.1:8000/v1"
    assert ServerSettings(url="https://host/api/v2/").base_url() == "https://host/api/v2"
    for url in (f"http://me:{KEY}@host/v1", f"http://host/v1?key={KEY}", f"http://host/v1#{KEY}"):
        with pytest.raises(UserError, match="holds more than host, port and path") as error:
            ServerSettings(url=url).base_url()
        assert KEY not in str(error.value)
    for url in ("host:8000", "ftp://host", "http://", "http://host:x/v1", "http://[/v1"):
        with pytest.raises(UserError, match="is not one"):
            ServerSettings(url=url).base_url()
    with pytest.raises(UserError, match="give --server"):
        ServerSettings().base_url()


# --- what is kept --------------------------------------------------------------------------------------------------


def test_what_was_answered_is_not_asked_again_and_needs_no_server(chat_server, tmp_path):
    server = chat_server()
    requests = [ask("a"), ask("b")]
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        first = complete(requests, MODEL, server_settings(server), store)
    server.close()
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        again = complete(list(reversed(requests)), MODEL, ServerSettings(), store)
    assert again.outcomes == list(reversed(first.outcomes))
    assert (again.counts.kept, again.counts.calls) == (2, 0)


def test_the_exact_messages_are_kept(chat_server, store):
    request = Request((("system", "s"), ("user", "line\r\n\ttab \u00e9 \U0001f600 {x} ' \x00 end")))
    (outcome,) = complete([request], MODEL, server_settings(chat_server()), store).outcomes
    assert store.messages(outcome.key) == [list(message) for message in request.messages]
    assert store.messages("0" * 64) is None


def test_all_that_decides_an_answer_is_in_its_key():
    base = request_key(MODEL, ask("a"))
    others = [
        request_key(MODEL, ask("b")),
        request_key(MODEL, ask("a", sample=1)),
        request_key(MODEL, Request((("system", "a"),))),
        request_key(MODEL, Request((("user", ""), ("user", "a")))),
        request_key(ModelSettings(name="other"), ask("a")),
        request_key(ModelSettings(name="asked-model", revision="2"), ask("a")),
        *(
            request_key(ModelSettings(name="asked-model", decoding=Decoding(**{name: value})), ask("a"))
            for name, value in (
                ("temperature", 0.5),
                ("top_p", 0.5),
                ("max_tokens", 9),
                ("seed", 1),
                ("stop", ("x",)),
                ("extra", {"k": 1}),
            )
        ),
    ]
    assert len({base, *others}) == 1 + len(others)
    assert request_key(ModelSettings(name="asked-model"), ask("a")) == base


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "answers.sqlite"
    path.write_bytes(b"not a database, but long enough to look at it" * 30)
    with pytest.raises(InputError, match="cannot be used"):
        AnswerStore(path)
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE mine (x)")
    with pytest.raises(InputError, match="not a store of answers"):
        AnswerStore(path)
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


def test_a_store_that_cannot_be_written_is_told_plainly(chat_server, store):
    server = chat_server()
    blocker = sqlite3.connect(store.path, isolation_level=None)
    store._database.execute("PRAGMA busy_timeout=50")
    blocker.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StageError, match="the store of answers cannot be used: database is locked"):
        complete([ask("a")], MODEL, server_settings(server), store)
    blocker.execute("ROLLBACK")
    blocker.close()


SCRIPT = """
import sys
from pathlib import Path
from data_curation.llm_client import AnswerStore, ModelSettings, Request, ServerSettings, complete
requests = [Request((("user", f"prompt {number}"),)) for number in range(60)]
with AnswerStore(Path(sys.argv[2])) as store:
    batch = complete(requests, ModelSettings(name="asked-model"), ServerSettings(url=sys.argv[1], concurrency=4), store)
print([outcome.answer.text for outcome in batch.outcomes])
"""


def test_a_killed_run_goes_on_and_asks_nothing_twice_that_was_answered(chat_server, tmp_path):
    server = chat_server(delay=lambda prompt: 0.02)
    path = tmp_path / "answers.sqlite"
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), server.url, str(path)]
    for answers in (10, 30):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        while len(server.calls) < answers:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    with sqlite3.connect(path) as database:
        kept = {json.loads(row[0])[0][1] for row in database.execute("SELECT messages FROM answers")}
    assert 10 < len(kept) < 60
    before = len(server.calls)
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert not {call.prompt for call in server.calls[before:]} & kept
    assert done.stdout.strip() == str([f"echo of prompt {number}" for number in range(60)])
    # at a kill, what was on its way may have been answered and not received: no more than the calls at a time
    assert sum(count - 1 for count in server.answered().values()) <= 2 * 4


def test_several_processes_share_one_store(chat_server, tmp_path):
    server = chat_server()
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), server.url, str(tmp_path / "answers.sqlite")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[0].strip() for process in processes]
    assert Counter(told) == {str([f"echo of prompt {number}" for number in range(60)]): 2}


# --- the plan ------------------------------------------------------------------------------------------------------


def test_a_plan_counts_what_would_be_sent_and_sends_nothing(chat_server, tmp_path):
    path = tmp_path / "answers.sqlite"
    model = ModelSettings(name="asked-model", decoding=Decoding(max_tokens=100))
    requests = [ask("a" * 40), ask("b" * 80), ask("a" * 40), ask("\u00e9" * 20)]
    first = plan(requests, model, path, expected_bytes=[40, 80, 40, 12])
    assert (first.requests, first.distinct, first.kept, first.calls) == (4, 3, 0, 3)
    assert (first.prompt_tokens, first.completion_tokens, first.completion_tokens_at_most) == (40, 33, 300)
    assert first.basis == "4 bytes of text a token"
    assert not path.exists()
    server = chat_server()
    with AnswerStore(path) as store:
        complete(requests[:1], model, server_settings(server), store)  # 7 tokens for 40 bytes, as the server counts
    second = plan(requests, model, path)
    assert (second.kept, second.calls, second.prompt_tokens, second.completion_tokens) == (1, 2, 21, None)
    assert second.basis == "tokens of 1 kept answers of this model"
    assert len(server.calls) == 1
