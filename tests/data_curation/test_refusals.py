"""Refusals: the paper's word rule, its shuffle, and farthest points that nest."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest

from artifacts.errors import UserError
from data_curation import refusals
from data_curation.readers import read_file
from data_curation.records import make_records
from data_curation.refusals import farthest_points, passes_rule, select, shuffled


def pool_of(count: int):
    """A pool in which every third row is no refusal."""
    texts = (f"Placeholder answer {i}." if i % 3 == 0 else f"I am sorry, placeholder {i}." for i in range(count))
    return make_records("pool", ((row, f"request {row}", text) for row, text in enumerate(texts)))


@pytest.mark.parametrize(
    ("response", "passes"),
    [
        ("As an AI, I decline.", True),
        ("SORRY!", True),
        ("\n sorry-ish", True),
        ("An AI-based answer", True),
        ("I said it (ai).", True),
        ("This is said in the rain again.", False),
        ("A.I. would not.", False),
        ("sorrys and ais", False),
        ("ai_model", False),
        ("", False),
    ],
)
def test_the_word_rule(response, passes):
    assert passes_rule(response) is passes
    assert passes_rule(response, "none")


def test_the_shuffle_is_that_of_the_global_generator_and_leaves_it_alone():
    for count, seed in ((10, 0), (1829, 0), (15011, 0), (100, 7)):
        random.seed(seed)
        expected = list(range(count))
        random.shuffle(expected)
        state = random.getstate()
        assert shuffled(count, seed) == expected
        assert random.getstate() == state
    assert shuffled(10, 0) == [7, 8, 1, 5, 3, 4, 2, 0, 9, 6]


def test_paper_takes_the_first_of_the_shuffled_refusals():
    pool = pool_of(60)
    passing = [record for record in pool if "sorry" in record.response]
    assert select(pool, 5) == [passing[index] for index in shuffled(40, 0)[:5]]
    assert select(pool, 20)[:5] == select(pool, 5)
    assert select(pool, 5, seed=1) != select(pool, 5)
    assert all("sorry" in record.response for record in select(pool, 40))
    assert len(select(pool, 60, rule="none")) == 60


def test_more_than_the_pool_has_is_refused_with_both_numbers():
    with pytest.raises(UserError, match=r"41 refusals .* 40 of the pool's 60 rows"):
        select(pool_of(60), 41)
    with pytest.raises(UserError, match=r"1 refusals .* 0 of the pool's 0 rows"):
        select([], 1)
    assert select([], 0) == select([], 0, strategy="diverse") == []


def test_farthest_points_begin_in_the_middle_and_go_outwards():
    angles = np.radians([0, 10, 20, 30, 40, 50, 180])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert farthest_points(rows, 4) == [3, 6, 0, 5]  # 30 is nearest to the mean direction; then 180, 0, 50


def test_farthest_points_cover_better_than_chance_and_nest():
    rows = np.random.default_rng(0).normal(size=(300, 4))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    chosen = farthest_points(rows, 40)
    assert len(set(chosen)) == 40
    assert farthest_points(rows, 10) == chosen[:10]
    assert sorted(farthest_points(rows, 300)) == list(range(300))

    def radius(of):
        return (1 - (rows @ rows[of].T).max(axis=1)).max()

    assert radius(chosen) < min(radius(random.Random(seed).sample(range(300), 40)) for seed in range(20))


def test_equal_refusals_are_taken_last():
    rows = np.eye(4, dtype=np.float32)[[0, 0, 1, 1, 2, 3]]
    assert {tuple(rows[index]) for index in farthest_points(rows, 4)} == {tuple(row) for row in np.eye(4)}
    assert sorted(farthest_points(rows, 6)) == list(range(6)), "none twice"


def test_diverse_needs_no_order_and_takes_only_refusals(monkeypatch):
    def embed(texts, settings, scratch, threads):
        assert threads == 1
        angles = np.array([int(re.search(r"\d+", text)[0]) for text in texts], dtype=float)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    monkeypatch.setattr(refusals, "embed_texts", embed)
    pool = pool_of(60)
    chosen = select(pool, 12, strategy="diverse")
    assert all("sorry" in record.response for record in chosen)
    assert select(random.Random(0).sample(pool, 60), 12, strategy="diverse") == chosen
    assert select(pool, 4, strategy="diverse") == chosen[:4]


def test_diverse_breaks_ties_by_row_id_not_by_order(monkeypatch):
    monkeypatch.setattr(refusals, "embed_texts", lambda texts, *rest, **named: np.ones((len(texts), 1), np.float32))
    pool = pool_of(60)
    chosen = select(pool, 5, strategy="diverse")
    passing = sorted(record.row_id for record in pool if "sorry" in record.response)
    assert [record.row_id for record in chosen] == passing[:5]
    assert select(pool[::-1], 5, strategy="diverse") == chosen


def test_the_real_pool_gives_the_papers_sample(mirror):
    """The procedure written out once more in plain Python, on the file itself."""
    path = mirror / "train" / "safety_only_data_Instructions.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    passing = [row for row in rows if re.search(r"\b(ai|sorry)\b", row["output"].strip().lower())]
    assert (len(rows), len(passing)) == (2483, 1829)
    random.seed(0)
    indices = list(range(len(passing)))
    random.shuffle(indices)
    expected = [(passing[index]["instruction"], passing[index]["output"]) for index in indices[:500]]
    pool = read_file(path, "safety-tuned-llamas").records
    for count in (100, 200, 500):
        chosen = [(record.instruction, record.response) for record in select(pool, count)]
        assert chosen == expected[:count]
