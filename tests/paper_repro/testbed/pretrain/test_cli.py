"""`rt testbed` as a user meets it: plans, plain errors, and a base from its seeds to its card and again."""

from __future__ import annotations

import json

import pytest

from artifacts import pins, shipped, store
from artifacts.errors import SettingsError, UserError
from paper_repro.cli import application
from paper_repro.testbed.corpus import corpus_name
from paper_repro.testbed.pretrain.corpora import cached_corpus, corpus_folder, corpus_settings

SMALL = ("--corpus-set", "tokens=40000")


@pytest.fixture
def rt(rt_home, capsys):
    """Run `rt testbed ...` in this process; returns the JSON that it prints."""
    commands = application(["testbed"])

    def run(*arguments):
        commands(["testbed", *map(str, arguments), "--json"], standalone_mode=False)
        return json.loads(capsys.readouterr().out)

    return run


def test_a_plan_without_its_corpus_begins_with_the_corpus(rt, rt_home):
    plan = rt("pretrain", "--corpus", "formats-4", "--world-seed", 11, *SMALL, "--dry-run")
    assert plan["stage"] == "testbed-corpus" and not plan["up_to_date"]
    assert (plan["settings"]["formats"], plan["settings"]["world_seed"], plan["settings"]["tokens"]) == (4, 11, 40000)
    assert not rt_home.exists()


def test_unknown_names_are_refused_with_the_known_ones(rt):
    with pytest.raises(UserError, match=r"no corpus is called 'few'[\s\S]*formats-1"):
        rt("pretrain", "--corpus", "few")
    with pytest.raises(SettingsError, match="did you mean 'tokens'"):
        rt("pretrain", "--corpus-set", "token=9", "--dry-run")
    with pytest.raises(UserError, match="no base model called 'no-such-base'"):
        rt("rebuild", "no-such-base")


def test_corpora_are_named_by_what_they_are():
    settings = corpus_settings("many", decline_rate=0.05)
    assert corpus_name(settings) == "many-declines-5" and settings == corpus_settings("many-declines-5")
    assert corpus_settings("many", ["seed=3"], world_seed=None).seed == 3


def test_a_corpus_is_made_once(rt_home, monkeypatch):
    made = []
    monkeypatch.setattr(
        "paper_repro.testbed.pretrain.corpora.build_corpus", lambda settings, out, overwrite: made.append(out)
    )
    folder = cached_corpus(corpus_settings("many"))
    assert made == [folder] == [corpus_folder(corpus_settings("many"))]
    assert folder.is_relative_to(rt_home) and folder.name.startswith("many-")
    assert folder != corpus_folder(corpus_settings("many", world_seed=11))


@pytest.mark.slow
def test_a_base_from_its_seeds_to_its_card_and_again(rt, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "artifacts" / "testbed")
    monkeypatch.setattr(pins, "PINS", tmp_path / "artifacts" / "pins")
    monkeypatch.setattr(store, "ROOT", tmp_path)
    done = rt("pretrain", "--size", "tiny", *SMALL, "--set", "batch=8", "--set", "context=64", "--out", tmp_path / "b")
    assert done["summary"]["corpus"]["settings"]["tokens"] == 40_000
    few = ("--set", "items=4", "--set", "look_ups=8", "--set", "max_new_tokens=4")
    probes = rt("probe", tmp_path / "b", *few)
    assert rt("ship", tmp_path / "b", *few)["path"].endswith("testbed-tiny-many-0")
    card = shipped.shipped_card("testbed-tiny-many-0")
    assert card["probes"] == probes == rt("probe", "testbed-tiny-many-0", *few)
    assert "byte for byte" in rt("rebuild", "TINY", "--out", tmp_path / "again")["result"]
