"""Files of a hub repository whose digests nobody knew: a server of this machine stands in for the hub.

huggingface_hub itself asks it. The first download records a digest, and every later one has to match.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from artifacts import pins
from artifacts.errors import DigestError, MissingDataError
from artifacts.lock import lock_as, locked_digests
from paper_repro.cli import application

constants = pytest.importorskip("huggingface_hub.constants")
REVISION = "a" * 40
FILES = {"config.json": b'{"layers": 2}', "model.safetensors": bytes(range(256)) * 500}
PIN = """name: small
version: '1'
kind: model
title: A small model
licence: Apache-2.0
gated: {gated}
origins:
  - kind: hub
    repo: somebody/small
    repo_type: model
    revision: {revision}
    files:
      - path: config.json
      - path: model.safetensors
"""


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Hub:
    """Serves FILES at REVISION; `files` may be changed, `send` is the most bytes of an answer, `refuse` an error."""

    def __init__(self):
        self.files, self.send, self.refuse, self.asked = dict(FILES), 10**9, None, []
        state = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                self.answer(False)

            def do_GET(self):
                self.answer(True)

            def answer(self, whole):
                name = self.path.removeprefix(f"/somebody/small/resolve/{REVISION}/")
                if state.refuse or name not in state.files:
                    status, code = state.refuse or (
                        404,
                        "EntryNotFound" if REVISION in self.path else "RevisionNotFound",
                    )
                    self.send_response(status)
                    self.send_header("X-Error-Code", code)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                data = state.files[name]
                state.asked += [name] if whole else []
                self.send_response(200)
                # the hub's own names of a file stay the same here, as those of a spoilt cache or a wrong proxy would
                self.send_header("ETag", f'"{sha(FILES[name])}"')
                self.send_header("X-Repo-Commit", REVISION)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if whole:
                    self.wfile.write(data[: state.send])
                    self.close_connection = True

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def hub(rt_home, tmp_path, monkeypatch):
    """The server as the hub, an empty cache of the hub's files, and the pin 'small' without digests."""
    served = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", served.url)
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", served.url + template[template.index("/{") :])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pins, "PINS", tmp_path / "pins")
    monkeypatch.delenv("RT_MIRROR", raising=False)
    (tmp_path / "pins").mkdir()
    write_pin(tmp_path)
    yield served
    served.server.shutdown()
    served.server.server_close()


def write_pin(tmp_path, change=None, gated=False, revision=REVISION):
    text = PIN.format(gated=str(gated).lower(), revision=revision)
    (tmp_path / "pins" / "small.yaml").write_text(change(text) if change else text)


def with_digests(text):
    for name, data in FILES.items():
        text = text.replace(f"- path: {name}\n", f"- path: {name}\n        sha256: {sha(data)}\n")
    return text


def verified():
    """Outcome of `rt artifacts verify`, by name."""
    done = CliRunner().invoke(application(["artifacts"]), ["artifacts", "verify", "--json"])
    return {row["name"]: row["error"] for row in json.loads(done.stdout)}


def test_the_first_download_records_and_the_second_must_match(hub, tmp_path):
    pin = pins.load_pin("small")
    assert (pins.verification(pin), pins.availability("small")) == ("unverified", "to be downloaded: hub")
    assert "small" not in verified()
    assert pins.fetch("small").sha256 == tuple(map(sha, FILES.values()))
    assert locked_digests() == {f"small@1/hub/{name}": sha(data) for name, data in FILES.items()}
    assert (pins.verification(pin), pins.availability("small")) == ("locked", "here: fetched before (hub)")
    assert verified()["small"] is None
    pins.fetch("small")
    assert sorted(hub.asked) == sorted(FILES), "fetched once"
    shutil.rmtree(tmp_path / "cache")
    pins.fetch("small")
    shutil.rmtree(tmp_path / "cache")
    hub.files["model.safetensors"] = b"other weights"
    with pytest.raises(DigestError, match=r"(?s)recorded in .*lock\.json is .*set aside as .*take its line out"):
        pins.fetch("small")
    assert locked_digests()["small@1/hub/model.safetensors"] == sha(FILES["model.safetensors"])


def test_what_was_set_aside_is_not_taken_again(hub, tmp_path):
    """The cache of the hub keeps what was downloaded, and links it again, unless that goes too."""
    pins.fetch("small")
    shutil.rmtree(tmp_path / "cache")
    hub.files["model.safetensors"] = b"other weights"
    with pytest.raises(DigestError):
        pins.fetch("small")
    (aside,) = (tmp_path / "cache").rglob("*.wrong")
    assert aside.read_bytes() == b"other weights"
    hub.files = dict(FILES)
    assert pins.fetch("small").sha256 == tuple(map(sha, FILES.values()))
    assert hub.asked.count("config.json") == 2, "what was right is kept"


def test_somebody_elses_lock_file_decides_on_a_machine_that_has_nothing_yet(hub, tmp_path, monkeypatch):
    pins.fetch("small")
    theirs = tmp_path / "home" / "pins" / "lock.json"
    monkeypatch.setenv("RT_HOME", str(tmp_path / "other"))
    shutil.rmtree(tmp_path / "cache")
    lock_as(theirs)
    hub.files["config.json"] = b'{"layers": 3}'
    with pytest.raises(DigestError, match=f"is {sha(FILES['config.json'])}"):
        pins.fetch("small")


def test_a_file_that_is_changed_in_the_cache_is_found_and_fetched_anew(hub, tmp_path):
    write_pin(tmp_path, with_digests)
    assert pins.verification(pins.load_pin("small")) == "pinned"
    config = pins.fetch("small").paths[0]
    config.write_bytes(config.read_bytes()[:5])
    assert f"SHA-256 is {sha(FILES['config.json'][:5])}, pinned is {sha(FILES['config.json'])}" in verified()["small"]
    assert pins.fetch("small").sha256 == tuple(map(sha, FILES.values()))
    assert locked_digests() == {}


def test_a_broken_download_never_looks_whole(hub):
    hub.send = 1000
    with pytest.raises(MissingDataError, match="somebody/small"):
        pins.fetch("small")
    assert pins.availability("small") == "to be downloaded: hub"
    assert pins.verification(pins.load_pin("small")) == "unverified" and locked_digests() == {}
    hub.send = 10**9
    assert pins.fetch("small").sha256 == tuple(map(sha, FILES.values()))


@pytest.mark.parametrize(
    ("refuse", "revision", "said"),
    [
        ((403, "GatedRepo"), REVISION, "accept its terms first"),
        ((401, "RepoNotFound"), REVISION, "somebody/small@aaaaaaaaaaaa"),
        (None, "b" * 40, "somebody/small@bbbbbbbbbbbb"),
    ],
)
def test_what_the_hub_refuses_is_told(hub, tmp_path, refuse, revision, said):
    hub.refuse = refuse
    write_pin(tmp_path, gated=refuse == (403, "GatedRepo"), revision=revision)
    with pytest.raises(MissingDataError) as caught:
        pins.fetch("small")
    assert said in str(caught.value)
    assert locked_digests() == {}


def _fetch(queue):
    queue.put(pins.fetch("small").sha256)


def test_processes_that_fetch_at_once_record_the_same(hub):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    processes = [context.Process(target=_fetch, args=(queue,)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [queue.get(timeout=60) for _ in processes] == [tuple(map(sha, FILES.values()))] * 3
    for process in processes:
        process.join()
    assert len(locked_digests()) == 2
