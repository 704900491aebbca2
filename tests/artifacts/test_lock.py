"""Files without a pinned digest: the first fetch records it, later ones must match; wrong downloads are set aside."""

from __future__ import annotations

import hashlib
import json

import pytest

from artifacts import origins, pins
from artifacts.errors import DigestError, InputError
from artifacts.lock import lock_digest, lock_key, locked_digests

PIN = """name: greeting
version: '1'
kind: dataset
title: A greeting
licence: CC0-1.0
origins:
  - kind: {kind}
{more}    files:
      - path: hello.txt
"""
HELLO = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture
def greeting(tmp_path, monkeypatch, rt_home):
    """A pin without a digest; returns a function that writes it for a kind of origin, and the file that it names."""
    folder = tmp_path / "pins"
    folder.mkdir()
    monkeypatch.setattr(pins, "PINS", folder)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    monkeypatch.setenv("RT_MIRROR", str(mirror))

    def write(kind="mirror", more=""):
        (folder / "greeting.yaml").write_text(PIN.format(kind=kind, more=more))
        file = mirror / "hello.txt"
        file.write_bytes(b"hello")
        return file

    return write


def test_the_first_fetch_records_and_later_ones_must_match(greeting, rt_home):
    file = greeting()
    pin = pins.load_pin("greeting")
    assert pins.verification(pin) == "unverified"
    assert pins.fetch("greeting").sha256 == (HELLO,)
    assert pins.verification(pin) == "locked"
    assert json.loads((rt_home / "pins" / "lock.json").read_text()) == {"greeting@1/mirror/hello.txt": HELLO}
    assert pins.fetch("greeting").sha256 == (HELLO,)
    file.write_bytes(b"hullo")
    with pytest.raises(DigestError, match=f"recorded in .*lock.json is {HELLO}"):
        pins.fetch("greeting")
    assert file.exists()  # the mirror's files are not ours to move


def test_a_wrong_download_is_set_aside(greeting, monkeypatch, rt_home):
    greeting("url", "    url: https://example.org/hello.txt\n")
    kept = rt_home / "pins" / "greeting" / "1" / "url" / "hello.txt"
    kept.parent.mkdir(parents=True)

    def give(data):
        def fetcher(pin, origin):
            kept.write_bytes(data)
            return (kept,)

        monkeypatch.setitem(origins.FETCHERS, "url", fetcher)

    give(b"hello")
    pins.fetch("greeting")
    give(b"hullo")
    with pytest.raises(DigestError, match=r"set aside as hello\.txt\.wrong"):
        pins.fetch("greeting")
    assert not kept.exists()
    assert kept.with_name("hello.txt.wrong").read_bytes() == b"hullo"


def test_a_recorded_digest_never_changes(rt_home):
    key = lock_key("a", "1", "url", "b/c.txt")
    assert lock_digest(key, HELLO) == HELLO
    assert lock_digest(key, "0" * 64) == HELLO
    assert locked_digests() == {key: HELLO}


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', '{"a": "short"}', "{"])
def test_a_spoilt_lock_is_refused_not_repaired(rt_home, text):
    (rt_home / "pins").mkdir(parents=True)
    (rt_home / "pins" / "lock.json").write_text(text)
    with pytest.raises(InputError, match="lock"):
        lock_digest("a", HELLO)
    assert (rt_home / "pins" / "lock.json").read_text() == text


def test_a_pin_with_digests_needs_no_lock(greeting, rt_home, tmp_path):
    greeting()
    path = tmp_path / "pins" / "greeting.yaml"
    path.write_text(path.read_text() + f"        sha256: {HELLO}\n")
    pins.fetch("greeting")
    assert pins.verification(pins.load_pin("greeting")) == "pinned"
    assert not (rt_home / "pins" / "lock.json").exists()
