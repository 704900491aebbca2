"""An OpenAI-compatible server on loopback whose calls fail on purpose, by a plan that the test can read.

Tests get it from the fixture `chat_server` (tests/conftest.py); everything that asks a model is tested against it.
"""

from __future__ import annotations

import json
import random
import select
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# what the server does to a call, and the reason under which the client must book it
FAULTS = {
    "hang": "timeout",
    "trickle": "timeout",  # a byte now and then: only a limit on the whole call ends it
    "reset": "connection",
    "cut": "connection",  # fewer bytes than announced
    "cut_chunked": "connection",  # no last chunk
    "busy": "rate_limited",
    "error_500": "server_error",
    "error_503": "server_error",
    "error_page": "server_error",  # HTML instead of JSON
    "broken_json": "broken_reply",
    "other_json": "broken_reply",
    "no_choice": "broken_reply",
    "half_surrogate": "broken_reply",
    "html": "broken_reply",
    "empty": "empty",
    "blank": "empty",
    "null": "empty",
    "no_finish": "wrong_finish",
    "tool_calls": "wrong_finish",
    "filtered": "filtered",
    "too_long": "bad_request",
    "unprocessable": "bad_request",
}


def asked(body: dict[str, Any]) -> str:
    """The prompt of a completion, or the last message of a chat."""
    return body["prompt"] if "prompt" in body else body["messages"][-1]["content"]


@dataclass
class Call:
    """One call as the server saw it."""

    body: dict[str, Any]
    fault: str | None
    authorization: str | None
    time: float

    @property
    def prompt(self) -> str:
        return asked(self.body)


@dataclass
class ChatServer:
    """The server, in threads of the test's process.

    Attributes:
        answer: Body of a call to the text of the answer, or to the whole completion as a dict.
        fault: `(prompt, number of the call with this prompt from 0)` to one of `FAULTS`, an HTTP status, or None.
        delay: Prompt to seconds before the answer.
        retry_after: What `busy` asks for, as the header's text.
        said: What the body of an error says; may hold `{key}`, the key that was sent.
        calls: What came in, in order.
        in_flight: Most calls that were there at a time.
        errors: Faults of the server itself; none in a good test.
    """

    answer: Callable[[dict[str, Any]], str | dict] = lambda body: "echo of " + asked(body)
    fault: Callable[[str, int], str | int | None] = lambda prompt, number: None
    delay: Callable[[str], float] = lambda prompt: 0.0
    retry_after: str = "0.05"
    said: str = "this call fails on purpose"
    calls: list[Call] = field(default_factory=list)
    in_flight: int = 0
    errors: list[BaseException | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.now_there = 0
        self.seen: Counter[str] = Counter()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.chat = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def faults(self) -> Counter[str]:
        """Calls that were made to fail, under the reasons that the client should have counted."""
        return Counter(FAULTS[call.fault] for call in self.calls if call.fault is not None)

    def answered(self) -> Counter[str]:
        """Prompts that were answered whole, and how often."""
        return Counter(call.prompt for call in self.calls if call.fault is None)


def some_fail(share: float, seed: int, kinds: tuple[str, ...]) -> Callable[[str, int], str | None]:
    """A plan of faults that depends on prompt and number alone, not on the order in which calls come."""

    def fault(prompt: str, number: int) -> str | None:
        rng = random.Random(f"{seed}:{prompt}:{number}")
        return rng.choice(kinds) if rng.random() < share else None

    return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    chat: ChatServer

    def handle_error(self, request, client_address) -> None:
        """A client that has gone away is no news; a fault of the server itself is, and the test must see it."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            self.chat.errors.append(sys.exc_info()[1])
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        chat = self.server.chat
        length = int(self.headers["Content-Length"])
        data = self.rfile.read(length)
        if len(data) < length:  # the client was killed while it sent
            self.close_connection = True
            return
        body = json.loads(data)
        prompt = asked(body)
        self.is_chat = "messages" in body
        with chat.lock:
            number = chat.seen[prompt]
            chat.seen[prompt] += 1
            fault = chat.fault(prompt, number)
            chat.calls.append(Call(body, fault, self.headers.get("Authorization"), time.monotonic()))
            chat.now_there += 1
            chat.in_flight = max(chat.in_flight, chat.now_there)
        try:
            time.sleep(chat.delay(prompt))
            if self.path != ("/v1/chat/completions" if self.is_chat else "/v1/completions"):
                self._error(404)
            elif isinstance(fault, int):
                self._error(fault)
            elif fault is None:
                self._reply(self._completion(chat.answer(body)))
            else:
                getattr(self, f"_{fault}", self._altered)(body, fault)
        finally:
            with chat.lock:
                chat.now_there -= 1

    def _completion(self, text: str | dict) -> dict[str, Any]:
        if isinstance(text, dict):
            return text
        said = {"message": {"role": "assistant", "content": text}} if self.is_chat else {"text": text}
        return {
            "id": "c",
            "object": "chat.completion" if self.is_chat else "text_completion",
            "created": 0,
            "model": "served-model",
            "choices": [{"index": 0, "finish_reason": "stop", **said}],
            "usage": {"prompt_tokens": 7, "completion_tokens": len(text.split()), "total_tokens": 0},
        }

    def _send(self, status: int, data: bytes, headers: dict[str, str], announced: int | None = None) -> None:
        length = {"Content-Length": str(len(data) if announced is None else announced)}
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers | length).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _reply(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), headers or {})

    def _error(self, status: int, code: str | None = None, headers: dict[str, str] | None = None) -> None:
        key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        said = self.server.chat.said.replace("{key}", key)
        self._reply({"error": {"message": said, "type": "test", "code": code}}, status, headers)

    # --- faults ---------------------------------------------------------------------------------------------------

    def _hang(self, body, fault) -> None:
        select.select([self.connection], [], [], 60)  # readable when the client has gone
        self.close_connection = True

    def _trickle(self, body, fault) -> None:
        self._send(200, b"{", {}, 10_000)
        for _ in range(600):
            self.wfile.write(b" ")
            self.wfile.flush()
            if select.select([self.connection], [], [], 0.1)[0]:
                break
        self.close_connection = True

    def _reset(self, body, fault) -> None:
        self.close_connection = True

    def _cut(self, body, fault) -> None:
        data = json.dumps(self._completion("half of an ans")).encode()
        self._send(200, data[: len(data) // 2], {}, len(data))
        self.close_connection = True

    def _cut_chunked(self, body, fault) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        data = json.dumps(self._completion("an answer that never ends")).encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.close_connection = True

    def _busy(self, body, fault) -> None:
        self._error(429, headers={"Retry-After": self.server.chat.retry_after})

    def _error_500(self, body, fault) -> None:
        self._error(500)

    def _error_503(self, body, fault) -> None:
        self._error(503)

    def _error_page(self, body, fault) -> None:
        self._send(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"})

    def _too_long(self, body, fault) -> None:
        self._error(400)

    def _unprocessable(self, body, fault) -> None:
        self._error(422)

    def _broken_json(self, body, fault) -> None:
        data = json.dumps(self._completion("an answer")).encode()
        self._send(200, data[:-20], {})

    def _html(self, body, fault) -> None:
        self._send(200, b"<html>hello</html>", {"Content-Type": "text/html"})

    def _altered(self, body, fault) -> None:
        """A completion that is none in one place."""
        whole = self._completion("an answer that must not be taken")
        choice = whole["choices"][0]
        if fault in ("no_finish", "tool_calls", "filtered"):
            ends = {"no_finish": None, "tool_calls": "tool_calls", "filtered": "content_filter"}
            choice["finish_reason"] = ends[fault]
        elif fault in ("empty", "blank", "null", "half_surrogate"):
            texts = {"empty": "", "blank": " \n", "null": None, "half_surrogate": "half \ud800 of a pair"}
            said, key = (choice["message"], "content") if self.is_chat else (choice, "text")
            said[key] = texts[fault]
        elif fault == "no_choice":
            whole["choices"] = []
        else:
            assert fault == "other_json", fault
            whole = {"object": "list", "data": []}
        self._reply(whole)
