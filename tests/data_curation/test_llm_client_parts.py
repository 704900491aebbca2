"""Parts of the client that need no server: waits, what a header asks for, what counts as a reply, what is kept."""

from __future__ import annotations

import email.utils
import json
import time

import pytest

from data_curation.llm_client import (
    Answer,
    AnswerStore,
    ModelSettings,
    Request,
    ServerSettings,
    complete,
    request_key,
)
from data_curation.llm_client.connection import Connection
from data_curation.llm_client.faults import Fault, fault_of_status, plain, retry_after
from data_curation.llm_client.reply import read_reply
from data_curation.llm_client.waits import wait_before

SERVER = ServerSettings(backoff_s=1, longest_backoff_s=20)


def test_waits_double_up_to_the_longest_and_are_drawn_by_seed_and_request():
    for call, longest in ((1, 1), (2, 2), (3, 4), (5, 16), (6, 20), (2_000, 20)):
        waits = [wait_before(SERVER, f"key {number}", call, None) for number in range(200)]
        assert longest / 2 <= min(waits) < longest * 0.55
        assert longest * 0.95 < max(waits) <= longest
        assert waits == [wait_before(SERVER, f"key {number}", call, None) for number in range(200)]
    other = SERVER.model_copy(update={"seed": 1})
    assert wait_before(SERVER, "key", 1, None) != wait_before(other, "key", 1, None)
    assert wait_before(SERVER, "key", 1, 7.0) == 7 + wait_before(SERVER, "key", 1, None)


def test_what_the_server_asks_to_wait():
    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    in_a_minute = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert 57 < retry_after({"retry-after": in_a_minute}) <= 60
    assert retry_after({"retry-after": email.utils.formatdate(time.time() - 60, usegmt=True)}) == 0
    for headers in ({}, {"retry-after": "soon"}, {"retry-after": "nan"}, {"retry-after": "-3"}, {"retry-after": "inf"}):
        assert retry_after(headers) is None


def test_a_spent_account_is_not_waited_for():
    found = fault_of_status(429, "no credit left", "insufficient_quota", {"retry-after": "1"})
    assert not isinstance(found, Fault)
    assert "the server's account is spent (HTTP 429: no credit left)" in str(found)


def test_what_a_server_says_is_cut_and_cleaned():
    assert plain("a\nb  sk-1 c sk-1", "sk-1") == "a b *** c ***"
    assert plain("a" * 400, "") == "a" * 300 + "..."


def test_of_two_runs_side_by_side_the_later_one_goes_on_with_the_answer_that_stands(tmp_path, monkeypatch):
    request, model = Request((("user", "Hi"),)), ModelSettings(name="asked-model")
    key = request_key(model, request)

    async def call(self, asked):
        # meanwhile another process has had the same request answered
        with AnswerStore(tmp_path / "answers.sqlite") as other:
            other.keep(key, model, asked, Answer("first", "stop"), 1)
        return Answer("second", "stop")

    monkeypatch.setattr(Connection, "call", call)
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        batch = complete([request], model, ServerSettings(url="http://127.0.0.1:9/v1"), store)
        assert [outcome.answer for outcome in batch.outcomes] == [store.find([key])[key]] == [Answer("first", "stop")]


def reply(**choice):
    whole = {"message": {"role": "assistant", "content": "text"}, "finish_reason": "stop"} | choice
    return {"choices": [whole], "model": "m", "usage": {"prompt_tokens": 3, "completion_tokens": 1}}


def test_a_whole_reply():
    answer = read_reply(json.dumps(reply()).encode())
    assert (answer.text, answer.finish_reason, answer.model) == ("text", "stop", "m")
    assert (answer.prompt_tokens, answer.completion_tokens) == (3, 1)
    bare = read_reply(json.dumps({"choices": reply()["choices"], "usage": {"prompt_tokens": True}}).encode())
    assert (bare.model, bare.prompt_tokens, bare.completion_tokens) == (None, None, None)
    assert (
        read_reply(json.dumps(reply(message={"content": "  kept as it is \n"})).encode()).text == "  kept as it is \n"
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "broken_reply"),
        (b"\xff\xfe", "broken_reply"),
        (b"[" * 100_000, "broken_reply"),
        (b"[]", "broken_reply"),
        (b'{"choices": null}', "broken_reply"),
        (b'{"choices": ["text"]}', "broken_reply"),
        (json.dumps({"choices": reply()["choices"] * 2}).encode(), "broken_reply"),
        (json.dumps(reply(message="text")).encode(), "broken_reply"),
        (json.dumps(reply(message={"content": ["text"]})).encode(), "broken_reply"),
        (json.dumps(reply(message={})).encode(), "empty"),
        (json.dumps(reply(message={"content": "\u00a0\n"})).encode(), "empty"),
        (json.dumps(reply(finish_reason="banana")).encode(), "wrong_finish"),
        (json.dumps(reply(finish_reason=["stop"])).encode(), "wrong_finish"),
        (json.dumps(reply(finish_reason="content_filter", message={"content": ""})).encode(), "filtered"),
    ],
)
def test_what_is_no_reply(body, reason):
    with pytest.raises(Fault) as fault:
        read_reply(body)
    assert fault.value.reason == reason
