"""Semantic deduplication in shards: whatever the sieves and the policy, the decisions of a run in memory."""

from __future__ import annotations

import json
import random

import numpy as np
import pyarrow.parquet as pq
import pytest

from artifacts.errors import StageError
from data_curation import semantic_candidates, semantic_neighbours
from data_curation.curate import CurateSettings, curate
from data_curation.encoder import Encoder
from data_curation.shards import semantic, semantic_sieves
from data_curation.shards.preview import phases
from data_curation.shards.settings import ShardedSettings
from data_curation.shards.stage import curate_shards

VOCABULARY = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
CASES = {
    "both sieves": ({"radius": 0.8}, True),
    "first sieve": ({"radius": 0.8}, False),
    "second sieve": ({}, True),
    "none": ({"exhaustive": True}, True),
}


@pytest.fixture(autouse=True)
def small_sets_in_many_tasks(monkeypatch):
    """The sieves work on few rows, in tiles of a few rows, one stripe a task."""
    monkeypatch.setattr(semantic_candidates, "LEAST_TEXTS", 0)
    monkeypatch.setattr(semantic_neighbours, "ROWS", 11)
    monkeypatch.setattr(semantic_neighbours, "COLUMNS", 17)
    monkeypatch.setattr(semantic_sieves, "STRIPES", 1)
    monkeypatch.setattr(semantic, "FEW", 0)


def answers(path, count=90, seed=5):
    """A file of answers of few words, some alike in meaning, some equal, some too short."""
    chooser = random.Random(seed)
    rows = []
    for number in range(count):
        text = " ".join(chooser.choices(VOCABULARY, k=chooser.randrange(1, 9)))
        rows.append({"response": text, "rating": chooser.choice([None, 1, 2])})
        if number % 9 == 0:
            rows.append({"response": f"{text} ", "rating": 3})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def recipe(tiny_encoder, **settings):
    own = {"step": "semantic_dedup", "threshold": 0.8, "min_words": 3, "encoder": {"model": str(tiny_encoder)}}
    return {"steps": [{"step": "normalise"}, own | settings]}


def said(artifact):
    return {name: pq.read_table(artifact.file(f"{name}.parquet")) for name in ("data", "decisions", "steps")}


def both(steps, tmp_path, given, shard_rows=30, reference=None, **settings):
    """The artifacts of a run in memory and of one in shards, which say the same of every row."""
    whole = curate(CurateSettings(recipe=steps, **settings), tmp_path / "whole", given, reference=reference)
    own = ShardedSettings(recipe=steps, shard_rows=shard_rows, **settings)
    parts = curate_shards(own, tmp_path / "parts", given, reference=reference)
    for name, table in said(whole).items():
        assert table.equals(said(parts)[name]), name
    return whole, parts


def dropped(artifact):
    reasons = artifact.summary["funnel"][-1]["reasons"]
    return {reason: count for reason, count in reasons.items() if count}


@pytest.mark.parametrize("case", CASES)
def test_the_decisions_are_those_of_the_whole_by_every_sieve(tiny_encoder, tmp_path, monkeypatch, case):
    settings, half = CASES[case]
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: half)
    whole, parts = both(recipe(tiny_encoder, **settings), tmp_path, answers(tmp_path / "answers.jsonl"))
    assert parts.summary["shards"] == 4
    assert 10 < dropped(whole)["semantic_duplicate"] < 90
    measures = {row["measure"]: row["value"] for row in said(parts)["steps"].to_pylist()}
    assert measures["too_short"] > 5
    assert (measures["read_by_encoder"] < measures["compared"]) == ("radius" in settings)


@pytest.mark.parametrize(
    ("survivor", "within"), [("longest", True), ("quality", True), ("quality", False), ("first", True), ("id", False)]
)
def test_with_a_reference_under_every_policy(tiny_encoder, tmp_path, monkeypatch, survivor, within):
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: True)
    given, old = answers(tmp_path / "answers.jsonl"), answers(tmp_path / "old.jsonl", count=8, seed=6)
    old.write_text(old.read_text() + "".join(given.read_text().splitlines(keepends=True)[:20]))
    scored = {"columns": {"quality": "rating"}} if survivor == "quality" and within else {}
    steps = recipe(tiny_encoder, threshold=0.995, radius=0.5, survivor=survivor, within=within)
    seen = []
    for module in (semantic_candidates, semantic_sieves):
        own = module.whitened
        monkeypatch.setattr(module, "whitened", lambda rows, own=own, **to: seen.append(rows.copy()) or own(rows, **to))
    whole, _ = both(steps, tmp_path, given, 23, old, **scored)
    assert len(seen) == 2
    assert (seen[0] == seen[1]).all(), "the same vectors in the same order, so the same to the last bit"
    assert dropped(whole)["semantic_duplicate_of_reference"] > 3
    assert ("semantic_duplicate" in dropped(whole)) == within


def test_few_rows_are_embedded_where_they_are_decided_on(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(semantic, "FEW", 1_000)
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: True)
    whole, parts = both(recipe(tiny_encoder), tmp_path, answers(tmp_path / "answers.jsonl"))
    assert dropped(whole)["semantic_duplicate"] > 10
    assert not any(name.endswith(("-half", "-full")) for name in parts.provenance["seconds_per_phase"])


def test_a_set_of_which_nothing_takes_part(tiny_encoder, tmp_path):
    whole, _ = both(recipe(tiny_encoder, min_words=50), tmp_path, answers(tmp_path / "answers.jsonl"))
    assert dropped(whole) == {}


def test_what_shards_have_embedded_is_not_embedded_again(tiny_encoder, tmp_path, monkeypatch):
    """Nor when the decisions are made, nor by a run in memory afterwards."""
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: True)
    read = []
    forward = Encoder.forward
    monkeypatch.setattr(Encoder, "forward", lambda self, ids: read.append(len(ids)) or forward(self, ids))
    given, steps = answers(tmp_path / "answers.jsonl"), recipe(tiny_encoder, radius=0.8)
    curate_shards(ShardedSettings(recipe=steps, shard_rows=30), tmp_path / "parts", given)
    assert read
    read.clear()
    curate(CurateSettings(recipe=steps), tmp_path / "whole", given)
    assert read == []


def test_a_run_that_was_stopped_goes_on_and_ends_in_the_same_bytes(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: True)
    given = answers(tmp_path / "answers.jsonl")
    own = ShardedSettings(recipe=recipe(tiny_encoder, radius=0.8), shard_rows=30)

    def stop(*given):
        raise StageError("stopped")

    for place in ((semantic_sieves, "whitened"), (semantic_sieves, "near"), (semantic, "decide")):
        with monkeypatch.context() as patch, pytest.raises(StageError, match="stopped"):
            patch.setattr(*place, stop if place[1] != "whitened" else lambda rows, out: stop())
            curate_shards(own, tmp_path / "stopped", given)
    assert list((tmp_path / "stopped").rglob("01-semantic_dedup-full")), "what was done before is still there"
    stopped, straight = (curate_shards(own, tmp_path / name, given) for name in ("stopped", "straight"))
    assert stopped.identity.outputs == straight.identity.outputs


def test_a_response_without_a_vector_is_named_by_source_and_row(tiny_encoder, tmp_path, monkeypatch):
    forward = Encoder.forward

    def broken(self, windows):
        lengths = np.asarray([len(ids) for ids in windows])
        return np.where((lengths == 11)[:, None], np.nan, forward(self, windows))  # the letters of `zeta eta beta`

    given = answers(tmp_path / "answers.jsonl", count=20, seed=8)
    with given.open("a") as file:
        file.write('{"response": "zeta eta beta"}\n')
    monkeypatch.setattr(Encoder, "forward", broken)
    own = ShardedSettings(recipe=recipe(tiny_encoder), shard_rows=9)
    with pytest.raises(StageError, match=r"answers\.jsonl, row \d+ \(row_id [0-9a-f]{32}\): the encoder"):
        curate_shards(own, tmp_path / "parts", given)


def test_the_phases_are_shown_beforehand():
    listed = phases(ShardedSettings(recipe="responses"), reference=False)
    assert [name.partition(":")[0] for name in listed[-9:]] == [
        *(f"03-semantic_dedup-{part}" for part in ("order", "static", "whiten", "sieve", "half", "alike", "full")),
        "03-semantic_dedup",
        "finish",
    ]
