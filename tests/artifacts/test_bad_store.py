"""What may befall a store: it is named plainly, nothing else is lost, and what is left is valid."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import artifacts.machine
from artifacts import pins
from artifacts.chain import chain_of, nodes
from artifacts.digests import digest_json
from artifacts.errors import DigestError, InputError, MissingDataError, SettingsError, StageError, UserError
from artifacts.files import write_text
from artifacts.gc import Waste, remove
from artifacts.lock import lock_digest, lock_names, locked_digests
from artifacts.manifest import is_artifact, read_manifest
from artifacts.publication import verify_publication
from artifacts.publish import publish
from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.cli import application

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


class Text(Settings):
    text: str = "one\n"


def write(settings, inputs, workspace):
    below = "".join((path / "data.txt").read_text() for _, path in sorted(inputs.items()))
    write_text(workspace.path / "data.txt", settings.text * 100 + below)


STAGE = Stage("collect", "corpus", 1, Text, write)


@pytest.fixture
def store(rt_home, monkeypatch):
    """A store of two artifacts, the second made from the first; its folder."""
    monkeypatch.delenv("RT_MIRROR", raising=False)
    first = STAGE.run(Text(), rt_home / "runs" / "first")[0]
    STAGE.run(Text(text="two\n"), rt_home / "runs" / "second", {"base": first.path})
    return rt_home / "runs"


def verify(store):
    """`ok` and what was said of each artifact, by its folder's name."""
    done = CliRunner().invoke(application(["artifacts"]), ["artifacts", "verify", str(store), "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    rows = json.loads(done.stdout)
    assert (done.exit_code == 0) == all(row["ok"] for row in rows)
    return {Path(row["name"]).name: (row["ok"], row["error"]) for row in rows}


def still_valid(store, *names):
    found = verify(store)
    assert {name for name, (ok, _) in found.items() if ok} == set(names)
    return found


def edited(folder, change):
    """Change a manifest's value, and its digest with it, so that only its content can tell."""
    path = folder / "manifest.json"
    value = json.loads(path.read_text())
    change(value)
    value["digest"] = digest_json(value["identity"])
    path.write_text(json.dumps(value))


# --- files that are not what they were ------------------------------------------------------------------------------


def test_a_tampered_file_is_named_and_what_is_made_from_it_is_refused(store):
    path = store / "first" / "data.txt"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"one", b"eno", 1))
    found = still_valid(store, "second")
    assert "data.txt: bytes differ from the manifest" in found["first"][1]
    with pytest.raises(DigestError, match=r"first: data\.txt: bytes differ"):
        STAGE.run(Text(), store / "third", {"base": store / "first"})
    assert not is_artifact(store / "third")
    path.write_bytes(whole)
    still_valid(store, "first", "second")


@pytest.mark.parametrize("cut", ["data.txt", "manifest.json"])
def test_a_truncated_file_is_named_and_made_again_on_request(store, cut):
    before = read_manifest(store / "first").digest
    path = store / "first" / cut
    path.write_bytes(path.read_bytes()[:100])
    told = still_valid(store, "second")["first"][1]
    assert {"data.txt": "(100 of them, not 400)", "manifest.json": "not JSON"}[cut] in told
    with pytest.raises(UserError, match=r"delete the folder|--overwrite"):
        STAGE.run(Text(), store / "first")
    assert path.stat().st_size == 100, "nothing was done unasked"
    assert STAGE.run(Text(), store / "first", overwrite=True)[0].digest == before
    still_valid(store, "first", "second")


def test_a_manifest_of_binary_rubbish_or_of_another_shape_is_one_wrong_line(store):
    for rubbish in (b"\xff\xfe\x00", b"[]", b'{"identity": 3}', b"null"):
        (store / "first" / "manifest.json").write_bytes(rubbish)
        assert str(store / "first") in still_valid(store, "second")["first"][1]


# --- pins that say too little or too much ---------------------------------------------------------------------------

PIN = {
    "name": "greeting",
    "version": "1",
    "kind": "dataset",
    "title": "A greeting",
    "licence": "CC0-1.0",
    "origins": [{"kind": "mirror", "files": [{"path": "hello.txt", "sha256": HELLO}]}],
}
HUB = {"kind": "hub", "repo": "a/b", "files": [{"path": "hello.txt"}]}
WRONG = {
    "wrong revision": ({"origins": [HUB | {"revision": "main"}]}, r"revision: String should match"),
    "no revision": ({"origins": [HUB]}, r"revision: required, not given"),
    "missing licence": ({"licence": None}, r"licence: "),
    "blank licence": ({"licence": " "}, r"licence: "),
    "version out of the folder": ({"version": "../1"}, r"version: String should match"),
    "unknown kind": ({"kind": "dream"}, r"kind: .*'dataset'.*dream"),
    "unknown origin": ({"origins": [{"kind": "carrier-pigeon"}]}, r"origins.0: .*'mirror'"),
    "path out of the folder": ({"origins": [{"kind": "mirror", "files": [{"path": "../x"}]}]}, r"relative path"),
}


@pytest.fixture
def pinned(tmp_path, monkeypatch, rt_home):
    """A function that writes the pin 'greeting' with other values, and a mirror that holds its file."""
    folder, mirror = tmp_path / "pins", tmp_path / "mirror"
    folder.mkdir()
    mirror.mkdir()
    (mirror / "hello.txt").write_bytes(b"hello")
    monkeypatch.setattr(pins, "PINS", folder)
    monkeypatch.setenv("RT_MIRROR", str(mirror))

    def put(**values):
        (folder / "greeting.yaml").write_text(json.dumps(PIN | values))
        return mirror / "hello.txt"

    return put


@pytest.mark.parametrize("fault", WRONG)
def test_a_pin_that_cannot_be_kept_is_refused_by_key(pinned, rt_home, fault):
    values, said = WRONG[fault]
    pinned(**values)
    with pytest.raises(SettingsError, match=f"(?s)greeting.yaml.*{said}"):
        pins.fetch("greeting")
    assert not rt_home.exists(), "nothing was fetched or written"


def test_a_pin_without_the_key_licence_is_refused(pinned, tmp_path):
    pinned()
    value = {key: value for key, value in PIN.items() if key != "licence"}
    (tmp_path / "pins" / "greeting.yaml").write_text(json.dumps(value))
    with pytest.raises(SettingsError, match="licence: required, not given"):
        pins.load_pin("greeting")


def test_an_unknown_kind_of_artifact_is_no_input(store):
    edited(store / "first", lambda value: value["identity"].update(kind="dream"))
    with pytest.raises(InputError, match="expected a 'corpus' artifact, found 'dream'"):
        read_manifest(store / "first", kind="corpus")
    still_valid(store, "first", "second")


# --- names and links that lead elsewhere ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../second/data.txt", "/etc/hostname", "a/../../x", "a\\..\\x", "./data.txt", ""])
def test_no_manifest_leads_out_of_its_folder(store, name):
    def rename(value):
        value["identity"]["outputs"] = {name: value["identity"]["outputs"]["data.txt"]}

    edited(store / "first", rename)
    told = still_valid(store, "second")["first"][1]
    assert f"'{name}' is no path within the artifact's folder" in told


@pytest.mark.parametrize("name", ["../greeting", "/etc/passwd", "a/b", "..", "greeting\0"])
def test_a_pin_s_name_is_no_path(pinned, name):
    pinned()
    with pytest.raises(UserError):
        pins.load_pin(name)


def test_a_link_out_of_the_store_is_not_followed(store, tmp_path):
    """Neither for a file, equal bytes or not, nor for a folder."""
    outside = tmp_path / "outside.txt"
    path = store / "first" / "data.txt"
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)
    (store / "linked").symlink_to(store / "second")
    found = still_valid(store, "second")
    assert f"data.txt: a link that leads out of the folder, to {outside}" in found["first"][1]
    assert "linked" not in found
    with pytest.raises(InputError, match="not a file or a link"):
        STAGE.run(Text(), store / "linked", overwrite=True)
    assert STAGE.run(Text(), store / "first", overwrite=True)[0].file("data.txt").is_symlink() is False
    assert outside.read_text().startswith("one"), "what the link led to is untouched"
    still_valid(store, "first", "second")


def test_a_stage_that_leaves_a_link_is_no_artifact(store, tmp_path):
    (tmp_path / "outside.txt").write_text("theirs")

    def link(settings, inputs, workspace):
        (workspace.path / "data.txt").symlink_to(tmp_path / "outside.txt")

    with pytest.raises(StageError, match=r"wrote links, not files: data\.txt"):
        Stage("collect", "corpus", 1, Text, link).run(Text(), store / "third")
    still_valid(store, "first", "second")


def test_a_circle_of_places_ends_nowhere_and_changes_no_lineage(store):
    """Places are no part of a digest: they can be made to lead in a circle, digests cannot."""
    for name, other in (("first", "second"), ("second", "second")):
        edited(store / name, lambda value, other=other: value["provenance"].update(inputs={"base": str(store / other)}))
    chain = chain_of(read_manifest(store / "second"))
    assert [Path(node.artifact.path).name for node in nodes(chain)] == ["first", "second"], "found by its digest"
    still_valid(store, "first", "second")
    edited(
        store / "first", lambda value: value["identity"].update(inputs={"base": read_manifest(store / "second").digest})
    )
    edited(store / "first", lambda value: value["provenance"].update(inputs={"base": str(store / "second")}))
    chain = chain_of(read_manifest(store / "second"))
    assert [node.kind for node in nodes(chain)] == ["unknown", "corpus"], "the first is another artifact by now"


# --- disks that refuse ------------------------------------------------------------------------------------------------


@pytest.fixture
def read_only(monkeypatch):
    """A function: from now on the system lets nothing below a folder be made, written, renamed or removed."""

    def lock(folder):
        def refusing(name, place):
            real = getattr(os, name)

            def call(*given, **named):
                path = Path(os.fsdecode(given[place])) if isinstance(given[place], (str, bytes, os.PathLike)) else None
                writes = name != "open" or given[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
                if path is not None and path.is_relative_to(folder) and writes:
                    raise OSError(errno.EROFS, "Read-only file system", str(path))
                return real(*given, **named)

            monkeypatch.setattr(os, name, call)

        for name, place in (("mkdir", 0), ("open", 0), ("unlink", 0), ("rmdir", 0), ("replace", 1), ("rename", 1)):
            refusing(name, place)

    return lock


def test_a_read_only_store_is_verified_and_read_and_says_that_it_cannot_be_written(store, pinned, read_only):
    file = pinned(origins=[{"kind": "mirror", "files": [{"path": "hello.txt"}]}])
    pins.fetch("greeting")
    read_only(store.parent)
    still_valid(store, "first", "second")
    assert pins.fetch("greeting").paths == (file,), "what is locked already needs no write"
    with pytest.raises(UserError, match=r"(?s)third.*cannot be used: Read-only file system.*RT_HOME"):
        STAGE.run(Text(), store / "third")
    pinned(version="2", origins=[{"kind": "mirror", "files": [{"path": "hello.txt"}]}])
    with pytest.raises(UserError, match=r"(?s)pins.*cannot be used: Read-only file system"):
        pins.fetch("greeting")
    still_valid(store, "first", "second")


def test_a_read_only_store_says_what_is_locked_and_published_and_takes_nothing_new(store, read_only):
    first, second = read_manifest(store / "first"), read_manifest(store / "second")
    lock_names({"first@1": first.digest})
    folder = publish(first.path, "first", "1")[1]
    read_only(store.parent)
    assert lock_names({"first@1": first.digest}) == {"first@1": "kept"}
    assert publish(first.path, "first", "1")[1:] == (folder, True)
    for work in (
        lambda: lock_names({"second@1": second.digest}),
        lambda: publish(second.path, "second", "1"),
        lambda: publish(second.path, "first", "2"),
        lambda: remove([Waste(folder, "for this test", 1)]),
    ):
        with pytest.raises(UserError, match=r"cannot be used: Read-only file system"):
            work()
    verify_publication(folder)
    assert locked_digests() == {"first@1": first.digest}


@pytest.fixture
def full(monkeypatch):
    """A function that fills the disk, and one that makes room again."""
    real = os.fsync

    def fill():
        def refuse(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", refuse)

    return fill, lambda: monkeypatch.setattr(os, "fsync", real)


def test_on_a_full_disk_nothing_half_written_looks_whole(store, pinned, full):
    fill, make_room = full
    fill()
    with pytest.raises(StageError, match="the disk is full"):
        STAGE.run(Text(), store / "third")
    assert not is_artifact(store / "third")
    still_valid(store, "first", "second")
    make_room()
    STAGE.run(Text(), store / "third")
    still_valid(store, "first", "second", "third")


def test_on_a_full_disk_the_lock_stays_what_it_was(store, pinned, full):
    fill, make_room = full
    lock_digest("before@1/url/x", HELLO)
    pinned(origins=[{"kind": "mirror", "files": [{"path": "hello.txt"}]}])
    fill()
    with pytest.raises(StageError, match="the disk is full"):
        pins.fetch("greeting")
    assert locked_digests() == {"before@1/url/x": HELLO}
    make_room()
    pins.fetch("greeting")
    assert set(locked_digests()) == {"before@1/url/x", "greeting@1/mirror/hello.txt"}


def test_on_a_full_disk_nothing_is_published_or_locked_and_no_space_is_kept(store, full):
    fill, make_room = full
    first = read_manifest(store / "first")
    lock_names({"before@1": first.digest})
    fill()
    with pytest.raises(StageError, match=r"home/published/first/1: the disk is full"):
        publish(first.path, "first", "1")
    with pytest.raises(StageError, match=r"home/pins: the disk is full"):
        lock_names({"first@1": first.digest})
    assert [path.name for path in (store.parent / "published" / "first").iterdir()] == [".lock"]
    assert locked_digests() == {"before@1": first.digest}
    make_room()
    verify_publication(publish(first.path, "first", "1")[1])


def test_a_download_onto_a_full_disk_is_not_taken_for_a_fault_of_its_origin(pinned, monkeypatch):
    pooch = pytest.importorskip("pooch")
    pinned(origins=[{"kind": "url", "url": "https://example.org/hello.txt", "files": [{"path": "hello.txt"}]}])

    def refuse(*given, **named):
        raise error

    monkeypatch.setattr(pooch, "retrieve", refuse)
    error = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(StageError, match="the disk is full"):
        pins.fetch("greeting")
    error = OSError(errno.ECONNRESET, "Connection reset by peer")
    with pytest.raises(MissingDataError, match="Connection reset"):
        pins.fetch("greeting")


# --- a clock that is wrong ------------------------------------------------------------------------------------------


def test_a_clock_that_goes_backwards_changes_no_artifact(store, monkeypatch):
    before = read_manifest(store / "first").digest
    ticks = iter(range(2_000_000_000, 0, -1_000_000))
    monkeypatch.setattr(time, "time", lambda: float(next(ticks)))
    made, _ = STAGE.run(Text(), store / "again")
    assert made.digest == before
    assert made.provenance["duration_s"] >= 0
    later, _ = STAGE.run(Text(text="two\n"), store / "later", {"base": made.path})
    assert later.provenance["started"] < made.provenance["started"], "the clock did go back"
    assert later.digest == read_manifest(store / "second").digest
    still_valid(store, "first", "second", "again", "later")


def test_files_from_the_future_or_before_1970_are_up_to_date(store):
    for name, when in (("first", 4e9), ("second", -1e9)):
        for path in (store / name).iterdir():
            os.utime(path, (when, when))
    assert STAGE.run(Text(), store / "first")[1], "nothing to do"
    assert STAGE.run(Text(text="two\n"), store / "second", {"base": store / "first"})[1]
    still_valid(store, "first", "second")


def test_work_begun_before_1970_is_dated_so():
    assert artifacts.machine.run_facts(-5.0, 1.0)["started"] == "1969-12-31T23:59:55+00:00"
