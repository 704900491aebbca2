"""Pins that a run wishes for: told and fetched like others, but a run goes on without them."""

import json
from dataclasses import replace

import pytest

from artifacts.errors import DigestError, MissingDataError
from experiments import reproduce, wanted
from experiments.dry_run import show
from experiments.expand import plan_cells, wishes_of
from experiments.profiles import load_profile
from paper_repro.score.length_controlled import GAMED_PIN

PAIRED = {"instructability", "open-data", "refinement"}  # studies of the paper with pairs of all of AlpacaEval


def scores(*overrides):
    profile = load_profile("paper", overrides)
    return profile, [cell for cell in plan_cells(profile) if cell.stage.name == "score"]


def test_scores_of_pairs_of_all_of_alpaca_eval_wish_for_the_gamed_answers():
    _, cells = scores()
    wish = {cell.label for cell in cells if cell.wishes == (GAMED_PIN,)}
    assert wish == PAIRED
    assert not wishes_of(scores("generate.limit=40")[1]), "a slice has no such rate"
    assert wishes_of(scores("generate.limit=805")[1]) == [GAMED_PIN]


def test_a_wish_decides_no_key():
    cell = next(cell for cell in scores()[1] if cell.wishes)
    assert replace(cell, wishes=()).name == cell.name


def test_a_dry_run_tells_it_and_what_lacks_it_goes_on(monkeypatch, capsys, rt_home):
    profile, cells = scores()
    monkeypatch.setattr(wanted, "visible_gpus", lambda: 0)
    show(profile, cells, cells, as_json=True)
    assert json.loads(capsys.readouterr().out)["sources"][GAMED_PIN] == "to be downloaded: hub"
    monkeypatch.setattr(wanted, "availability", lambda name: "missing: not in the mirror")
    (one,) = [one for one in wanted.wanted(profile, cells, []) if GAMED_PIN in one.what]
    assert one.kind == "data" and "goes on" in one.fix


@pytest.mark.parametrize("error", [MissingDataError, DigestError])
def test_it_is_fetched_before_any_work_and_the_run_goes_on_without(monkeypatch, capsys, error):
    asked = []

    def fetch(name):
        asked.append(name)
        raise error("no such file")

    monkeypatch.setattr(reproduce, "fetch", fetch)
    reproduce._fetch_all([cell for cell in scores()[1] if cell.wishes])
    assert asked == [GAMED_PIN]
    assert f"going on without {GAMED_PIN}" in capsys.readouterr().err
