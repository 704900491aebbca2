"""Shipped bases load by name with their digests checked, and one made again is compared with its card."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from artifacts import pins, shipped, store
from artifacts.digests import digest_file
from artifacts.errors import DigestError, InputError, StageError, UserError
from artifacts.manifest import read_manifest
from artifacts.shipped_pins import write_pin
from artifacts.stage import input_digest
from paper_repro.models import ModelSource, load_base, load_tokenizer, model_folder
from paper_repro.testbed.pretrain.card import corpus_of, thinned
from paper_repro.testbed.pretrain.readme import render_readme
from paper_repro.testbed.pretrain.ship import check_rebuilt, default_name, ship

NAME = "testbed-tiny-many-0"
PROBES = {
    "native": {"look-up": {"right": 0.9, "items": 10}},
    "facts": {"accuracy": 0.8, "auc": 0.9, "chance": 0.1, "facts": 10},
    "margin": {"margin": 1.5, "auc": 0.98, "lean": {}, "queries": {}},
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder of shipped bases, in a package that holds nothing else; their pins lie beside it."""
    folder = tmp_path / "artifacts" / "testbed"
    monkeypatch.setattr(store, "ROOT", tmp_path)
    monkeypatch.setattr(shipped, "SHIPPED", folder)
    monkeypatch.setattr(pins, "PINS", folder.with_name("pins"))
    return folder


@pytest.fixture
def base(straight, home):
    """The tiny base, shipped under its default name."""
    return ship(straight.path, PROBES)


def test_a_shipped_base_loads_by_its_name(base, straight):
    assert base.name == NAME and shipped.shipped_names() == [NAME]
    source = ModelSource(name=NAME, weights="shipped")
    assert source.label == NAME and source.neutral() == source
    assert source.at(source.inputs()["base"]) == source
    assert load_tokenizer(source)("w0").input_ids == [3]
    theirs = load_base(ModelSource(name=str(straight.path), weights="path")).state_dict()
    ours = load_base(source).state_dict()
    assert all(torch.equal(ours[key], value) for key, value in theirs.items())


def test_an_unknown_name_lists_the_shipped_ones(base):
    with pytest.raises(UserError, match=rf"no base model called 'other'[\s\S]*{NAME}"):
        ModelSource(name="other", weights="shipped").inputs()


@pytest.mark.parametrize("change", ["config.json", "missing", "extra"])
def test_tampered_files_are_refused(base, change):
    if change == "missing":
        (base / "tokenizer.json").unlink()
    elif change == "extra":
        (base / "added_tokens.json").write_text("{}")
    else:
        (base / change).write_text((base / change).read_text() + "\n")
    wanted = {"missing": "tokenizer.json: missing", "extra": "added_tokens.json: not on"}.get(change, "bytes differ")
    with pytest.raises(DigestError, match=wanted):
        model_folder(ModelSource(name=NAME, weights="shipped"))


def test_results_depend_on_the_card(base):
    source = ModelSource(name=NAME, weights="shipped")
    before = input_digest(source.inputs()["base"])
    card = json.loads((base / "card.json").read_text())
    (base / "card.json").write_text(json.dumps(card | {"held_out_loss": 0.0}))
    assert input_digest(source.inputs()["base"]) != before


def test_the_card_holds_what_the_base_is(base, straight):
    card = shipped.shipped_card(NAME)
    assert card["parameters"] == straight.summary["parameters"] == 27 * 32 + 4 * 32 * 32 + 3 * 32 * 64 + 3 * 32
    assert card["artifact"] == straight.digest
    assert card["settings"] == straight.identity.settings
    assert card["corpus"]["tokens_sha256"] == straight.summary["corpus"]["tokens_sha256"]
    assert (card["made"]["threads"], card["made"]["device"]) == (1, "cpu")
    assert card["curve"][-1]["step"] == card["optimiser_steps"] == 90
    assert card["probes"] == PROBES
    shipped_files = {path.name for path in base.iterdir()}
    assert shipped_files == {*card["files"], "card.json", "README.md"}
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"} <= shipped_files
    assert not shipped_files & {"curve.json", "manifest.json", "partial.json", "_work"}


def test_the_readme_is_made_from_the_card(base):
    text = (base / "README.md").read_text()
    assert text == render_readme(shipped.shipped_card(NAME))
    for part in (NAME, "11,200 parameters", "look-up 90%", "1.50 nats", "80% (chance 10%"):
        assert part in text


def test_shipping_pins_the_base_from_its_card(base, straight):
    pin, card = pins.load_pin(NAME), shipped.shipped_card(NAME)
    found = {Path(file.path).name: file.sha256 for file in pin.origins[0].files}
    assert found == card["files"] | {"card.json": digest_file(base / "card.json")}
    assert pin.version.startswith(f"{card['world_version']}+")
    assert pins.fetch(NAME).paths[0] == base / "card.json"
    ship(straight.path, PROBES | {"native": {}}, overwrite=True)  # probed otherwise: another card, another version
    assert pins.load_pin(NAME).version != pin.version
    (base / "card.json").write_text(json.dumps(card | {"held_out_loss": 0.0}))
    with pytest.raises(DigestError, match=r"(?s)card\.json: SHA-256 is .*restore it"):
        pins.fetch(NAME)
    (base / "card.json").unlink()
    with pytest.raises(DigestError, match=r"missing: artifacts/testbed/.*card\.json"):
        pins.fetch(NAME)


def test_a_base_whose_files_are_not_its_card_s_is_not_pinned(base):
    before = (pins.PINS / f"{NAME}.yaml").read_bytes()
    (base / "config.json").write_text("{}")
    with pytest.raises(DigestError, match=r"config\.json: bytes differ"):
        write_pin(NAME)
    assert (pins.PINS / f"{NAME}.yaml").read_bytes() == before


def test_a_name_is_taken_once(base, straight):
    with pytest.raises(UserError, match="shipped already"):
        ship(straight.path, PROBES)
    assert ship(straight.path, PROBES, overwrite=True) == base


def test_a_changed_base_is_not_shipped(straight, home, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(straight.path, copy)
    (copy / "config.json").write_text("{}")
    with pytest.raises(DigestError, match=r"config\.json"):
        ship(copy, PROBES)
    assert shipped.shipped_names() == []


def test_all_of_them_have_to_stay_small(base, straight, monkeypatch):
    monkeypatch.setattr("paper_repro.testbed.pretrain.ship.LIMIT_MB", 0.05)
    with pytest.raises(UserError, match="all shipped bases together"):
        ship(straight.path, PROBES, "another")
    assert shipped.shipped_names() == [NAME]
    assert [path.name for path in base.parent.iterdir()] == [NAME]


def test_a_base_made_again_is_compared_with_its_card(base, straight):
    card = shipped.shipped_card(NAME)
    assert "byte for byte" in check_rebuilt(straight, card)
    changed = card | {"files": card["files"] | {"model.safetensors": "0" * 64}}
    with pytest.raises(StageError, match=r"other bytes: model\.safetensors"):
        check_rebuilt(straight, changed)
    elsewhere = changed | {"made": card["made"] | {"hardware": "another processor"}}
    assert "other bytes" in check_rebuilt(straight, elsewhere)
    with pytest.raises(StageError, match="held-out loss differs by"):
        check_rebuilt(straight, elsewhere | {"held_out_loss": card["held_out_loss"] + 0.1})
    with pytest.raises(StageError, match="corpus differs: tokens_sha256"):
        check_rebuilt(straight, card | {"corpus": card["corpus"] | {"tokens_sha256": "0" * 64}})


def test_the_corpus_of_a_base_is_known_by_its_settings(straight, base, tmp_path):
    with pytest.raises(InputError, match="did not make"):
        corpus_of(straight.path)  # its corpus is the test's
    with pytest.raises(InputError, match="did not make"):
        corpus_of(base)
    with pytest.raises(InputError, match="no base model"):
        corpus_of(tmp_path)


def test_curves_are_thinned_to_both_ends():
    curve = [{"step": step} for step in range(50, 5001, 50)]
    few = thinned(curve)
    assert (len(few), few[0], few[-1]) == (60, curve[0], curve[-1])
    assert [point["step"] for point in few] == sorted({point["step"] for point in few})
    assert thinned(curve[:7]) == curve[:7]


def test_names_say_size_corpus_and_seed(straight):
    from paper_repro.testbed.pretrain import PretrainSettings

    assert default_name(PretrainSettings.model_validate(read_manifest(straight.path).identity.settings)) == NAME
    assert default_name(PretrainSettings(size="2m", corpus="formats-4", seed=1)) == "testbed-2m-formats-4-1"


@pytest.mark.parametrize("name", shipped.shipped_names())
def test_what_is_shipped_is_whole_and_small(name):
    folder = shipped.verified_folder(name)
    assert (folder / "README.md").read_text() == render_readme(shipped.shipped_card(name))
    assert sum(path.stat().st_size for path in shipped.SHIPPED.rglob("*")) < 60 * 2**20
