"""Downloads from a server of this machine: whole or absent, continued where they broke, shared by processes."""

from __future__ import annotations

import hashlib
import multiprocessing
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from artifacts import pins
from artifacts.errors import DigestError, MissingDataError

DATA = bytes(range(256)) * 2000
SHA = hashlib.sha256(DATA).hexdigest()


class Server:
    """Serves DATA; `send` bytes at most a time, `ranges` or not, `data` may be changed; remembers what was asked."""

    def __init__(self):
        self.asked, self.send, self.ranges, self.data = [], len(DATA), True, DATA
        state = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                wanted = self.headers.get("Range")
                state.asked.append(wanted)
                begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and state.ranges else 0
                if begin >= len(state.data):
                    self.send_response(416)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206 if begin else 200)
                self.send_header("Content-Length", str(len(state.data) - begin))
                self.end_headers()
                self.wfile.write(state.data[begin : begin + state.send])
                self.close_connection = True

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/a/data.bin"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def server(rt_home, tmp_path, monkeypatch):
    """A server, and the pin 'numbers' for what it serves."""
    served = Server()
    folder = tmp_path / "pins"
    folder.mkdir()
    (folder / "numbers.yaml").write_text(
        f"name: numbers\nversion: '1'\nkind: dataset\ntitle: Numbers\nlicence: CC0-1.0\norigins:\n  - kind: url\n"
        f"    url: {served.url}\n    files:\n      - path: data.bin\n        sha256: {SHA}\n"
    )
    monkeypatch.setattr(pins, "PINS", folder)
    monkeypatch.delenv("RT_MIRROR", raising=False)
    yield served
    served.server.shutdown()
    served.server.server_close()


def here(rt_home):
    return rt_home / "pins" / "numbers" / "1" / "url"


def test_a_file_is_fetched_once(server, rt_home):
    assert pins.fetch("numbers").paths[0].read_bytes() == DATA
    pins.fetch("numbers")
    assert server.asked == [None]
    assert [path.name for path in here(rt_home).iterdir()] == ["data.bin"]


def test_a_broken_download_never_looks_whole_and_goes_on(server, rt_home):
    server.send = 200_000
    with pytest.raises(MissingDataError, match="cannot be reached"):
        pins.fetch("numbers")
    assert not (here(rt_home) / "data.bin").exists()
    assert pins.availability("numbers") == "to be downloaded: url"
    came = (here(rt_home) / ".data.bin.partial").stat().st_size
    assert 0 < came <= 200_000
    server.send = len(DATA)
    assert pins.fetch("numbers").paths[0].read_bytes() == DATA
    assert server.asked == [None, f"bytes={came}-"]


def test_a_server_without_ranges_sends_it_all_again(server, rt_home):
    server.send = 200_000
    with pytest.raises(MissingDataError):
        pins.fetch("numbers")
    server.send, server.ranges = len(DATA), False
    assert pins.fetch("numbers").paths[0].read_bytes() == DATA


def test_a_partial_file_that_cannot_be_continued_is_begun_again(server, rt_home):
    here(rt_home).mkdir(parents=True)
    (here(rt_home) / ".data.bin.partial").write_bytes(DATA + b"more")
    assert pins.fetch("numbers").paths[0].read_bytes() == DATA
    assert server.asked == [f"bytes={len(DATA) + 4}-", None]


def test_stretches_that_do_not_belong_together_are_set_aside(server, rt_home):
    here(rt_home).mkdir(parents=True)
    (here(rt_home) / ".data.bin.partial").write_bytes(b"x" * 1000)
    with pytest.raises(DigestError, match=r"set aside as data\.bin\.wrong"):
        pins.fetch("numbers")
    assert [path.name for path in here(rt_home).iterdir()] == ["data.bin.wrong"]
    assert pins.fetch("numbers").sha256 == (SHA,)


def test_other_bytes_than_pinned_are_refused_and_set_aside(server, rt_home):
    server.data = DATA[:-1] + b"!"
    with pytest.raises(DigestError, match=f"pinned is {SHA}"):
        pins.fetch("numbers")
    assert (here(rt_home) / "data.bin.wrong").read_bytes() == server.data
    assert not (here(rt_home) / "data.bin").exists()


def _fetch(queue):
    queue.put(pins.fetch("numbers").sha256)


def test_processes_that_fetch_the_same_thing_share_one_download(server):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    processes = [context.Process(target=_fetch, args=(queue,)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [queue.get(timeout=60) for _ in processes] == [(SHA,)] * 4
    for process in processes:
        process.join()
    assert server.asked == [None]
