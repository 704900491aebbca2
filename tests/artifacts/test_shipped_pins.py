"""What comes with this package is pinned, by pins made from its files; nobody can forget one or edit one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from artifacts import pins, shipped_pins
from artifacts.errors import UserError
from artifacts.pins import availability, fetch, load_pin, pin_names, verification
from artifacts.shipped import shipped_names
from artifacts.shipped_pins import known_by_digest, shipped_pin, shipped_things, stale_pins
from artifacts.stage import input_digest
from artifacts.store import ROOT

THINGS = shipped_things()


def test_every_pin_of_what_is_shipped_is_what_its_files_make_it():
    assert list(stale_pins()) == [], "run: make pins, and commit artifacts/pins"


def test_everything_that_is_shipped_is_among_them():
    """Read from the folders themselves: a new base, result, prompt or table is found here."""
    pinned = {file.path for name in THINGS for file in load_pin(name).origins[0].files}
    folders = [path for path in (ROOT / "artifacts").iterdir() if path.name in ("testbed", "published", "results")]
    held = {path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != "README.md"}
    texts = {path for name in ("data_curation", "paper_repro") for path in (ROOT / name).rglob("prompt*.y*ml")}
    assert len(folders) == 3 and len(texts) >= 6
    assert {path.relative_to(ROOT).as_posix() for path in held | texts} <= pinned
    assert set(shipped_names()) <= THINGS.keys()


def test_they_are_here_pinned_and_verified(rt_home):
    for name in THINGS:
        pin = load_pin(name)
        assert pin.is_shipped and (availability(name), verification(pin)) == ("here: package", "pinned")
    found = fetch("paper-numbers")
    assert found.origin == "package" and (ROOT / "artifacts/published/table31_olmo.csv") in found.paths
    assert not rt_home.exists(), "nothing is copied, and nothing locked"


def test_other_bytes_are_another_version(tmp_path, monkeypatch):
    thing = THINGS["prompt-refine"]
    before = shipped_pin(thing)
    assert before.version.startswith(f"{yaml.safe_load(thing.place.read_text())['version']}+")
    changed = tmp_path / "refine.yaml"
    changed.write_text(thing.place.read_text() + "\n")
    monkeypatch.setattr("artifacts.store.ROOT", tmp_path)
    after = shipped_pin(shipped_pins.Shipped(thing.name, thing.kind, thing.title, changed, (changed,), thing.own))
    assert after.version != before.version and after.version.partition("+")[0] == before.version.partition("+")[0]


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the pins, which may be spoilt."""
    folder = tmp_path / "pins"
    folder.mkdir()
    for name in pin_names():
        (folder / f"{name}.yaml").write_bytes((pins.PINS / f"{name}.yaml").read_bytes())
    monkeypatch.setattr(pins, "PINS", folder)
    return folder


def test_a_forgotten_an_edited_and_a_leftover_pin_are_mended_by_one_command(copied, capsys):
    whole = {path.name: path.read_bytes() for path in copied.iterdir()}
    (copied / "results-laptop.yaml").unlink()
    edited = copied / "paper-numbers.yaml"
    edited.write_text(edited.read_text().replace("licence: Apache-2.0", "licence: MIT"))
    gone = (copied / "prompt-news.yaml").read_text().replace("name: prompt-news", "name: prompt-old")
    (copied / "prompt-old.yaml").write_text(gone)
    assert {name: text is None for name, text in stale_pins().items()} == {
        "results-laptop": False,
        "paper-numbers": False,
        "prompt-old": True,
    }
    shipped_pins.main()
    assert capsys.readouterr().out.split() == [
        *("made", "paper-numbers.yaml", "made", "results-laptop.yaml", "removed", "prompt-old.yaml")
    ]
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == whole


def test_a_pin_of_others_is_never_overwritten(copied):
    theirs = (copied / "lima.yaml").read_text().replace("name: lima", "name: results-laptop")
    (copied / "results-laptop.yaml").write_text(theirs)
    with pytest.raises(UserError, match="a pin of others' files too: results-laptop"):
        shipped_pins.main()
    assert (copied / "results-laptop.yaml").read_text() == theirs


def test_what_a_stage_took_in_from_the_package_is_known_by_its_digest(tmp_path):
    name = shipped_names()[0]
    for place in (THINGS[name].place, THINGS[name].place / "card.json"):
        assert known_by_digest(input_digest(place)).name == name
    assert known_by_digest(input_digest(THINGS["paper-numbers"].place)).citation == "an2025response"
    own = Path(tmp_path / "own.txt")
    own.write_text("mine")
    assert known_by_digest(input_digest(own)) is None
