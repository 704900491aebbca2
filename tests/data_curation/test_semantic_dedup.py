"""Semantic deduplication: no chains, no drop for a shared beginning or against a contradiction, no order effects."""

from __future__ import annotations

import random

import numpy as np
import pytest

from data_curation import semantic_dedup
from data_curation.embeddings import EncoderSettings, TextVectors, pool
from data_curation.records import make_records
from data_curation.semantic_dedup import SemanticDedup, SemanticDedupSettings, contradict, decide, similarity


def at(*degrees: float) -> np.ndarray:
    """Unit vectors of the plane."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def texts_of(*windows: np.ndarray) -> TextVectors:
    """Texts given by their window vectors, all windows of one length."""
    starts = np.cumsum([0, *map(len, windows)])
    rows = np.concatenate(windows)
    pieces = np.full(len(rows), 10)
    return TextVectors(rows, pieces, starts, pool(rows, pieces, starts))


def single(*degrees: float) -> TextVectors:
    return texts_of(*(at(degree) for degree in degrees))


def test_at_0_20_and_40_degrees_only_the_middle_one_leaves():
    drops, _ = decide(single(0, 20, 40), 0.9)
    assert [(text, by) for text, by, _ in drops] == [(1, 0)]
    assert drops[0][2] == pytest.approx(np.cos(np.radians(20)), abs=1e-6)


def test_a_text_leaves_for_the_nearest_that_stays():
    drops, _ = decide(single(0, 30, 16, 20), 0.9)
    assert [(text, by) for text, by, _ in drops] == [(2, 1), (3, 1)]


def test_texts_that_share_only_a_beginning_stay():
    """Pooled they are near (cosine 0.97), but the second windows say different things."""
    left, right = texts_of(at(0, 0, 0, 0), at(0, 0, 0, 60)).of(0), at(0, 0, 0, 60)
    vectors = texts_of(left, right)
    assert float(vectors.pooled[0] @ vectors.pooled[1]) > 0.95
    assert similarity(vectors, 0, 1) == pytest.approx(0.5, abs=1e-6)
    assert decide(vectors, 0.9)[0] == []


def test_a_beginning_does_not_leave_for_the_whole_nor_the_whole_for_its_beginning():
    for order in ((at(0), at(0, 50)), (at(0, 50), at(0))):
        vectors = texts_of(*order)
        assert float(vectors.pooled[0] @ vectors.pooled[1]) > 0.9
        assert decide(vectors, 0.9)[0] == []


def test_the_same_parts_are_a_duplicate():
    assert [drop[:2] for drop in decide(texts_of(at(0, 60), at(4, 58)), 0.9)[0]] == [(1, 0)]


def test_blocks_do_not_change_the_outcome(monkeypatch):
    degrees = np.random.default_rng(0).uniform(0, 360, 200)
    vectors = single(*degrees)
    expected = decide(vectors, 0.995)
    assert 50 < len(expected[0]) < 200
    monkeypatch.setattr(semantic_dedup, "BLOCK", 7)
    assert decide(vectors, 0.995) == expected


def test_the_outcome_is_the_greedy_one_over_all_pairs():
    rows = np.random.default_rng(1).normal(size=(300, 3))
    vectors = texts_of(*(row[None].astype(np.float32) / np.float32(np.linalg.norm(row)) for row in rows))
    kept: list[int] = []
    for text in range(300):
        if not any(similarity(vectors, text, other) >= 0.98 for other in kept):
            kept.append(text)
    left = {text for text, _, _ in decide(vectors, 0.98)[0]}
    assert left == set(range(300)) - set(kept)
    assert 20 < len(left) < 300


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Yes, it is so.", "No, it is not.", True),
        ("yes", "Yes, certainly", False),
        ("No doubt.", "Of course.", False),
        ("Take 300 mg a day.", "Take 400 mg a day.", True),
        ("It costs 1,000 dollars.", "It costs 1000 dollars.", False),
        ("In 1945, on May 8.", "In 1945.", False),
        ("Seven.", "7", False),
    ],
)
def test_what_contradicts(left, right, expected):
    assert contradict(left, right) is expected
    assert contradict(right, left) is expected


ANSWER = "The recommended amount of this for a grown person is about {} mg in a day."


def step(tiny_encoder, **settings):
    return SemanticDedup(SemanticDedupSettings(encoder=EncoderSettings(model=str(tiny_encoder)), **settings))


def test_contradicting_answers_stay_and_are_counted(tiny_encoder, tmp_path):
    records = make_records("test", [(0, None, ANSWER.format(300)), (1, None, ANSWER.format(400))])
    result = step(tiny_encoder, threshold=0.5).apply(records, tmp_path)
    assert result.drops == []
    assert result.measures["pairs_contradicting"] == 1
    assert len(step(tiny_encoder, threshold=0.5, contradictions="ignore").apply(records, tmp_path).drops) == 1


def test_short_answers_take_no_part(tiny_encoder, tmp_path):
    records = make_records("test", [(0, None, "Yes it is"), (1, None, "yes, it is"), (2, None, "")])
    result = step(tiny_encoder, threshold=0.5).apply(records, tmp_path)
    assert result.drops == []
    assert result.measures["too_short"] == 3


@pytest.mark.parametrize("survivor", ["longest", "first"])
def test_decisions_do_not_depend_on_input_order(tiny_encoder, tmp_path, survivor):
    chooser = random.Random(2)
    vocabulary = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
    texts = [" ".join(chooser.choices(vocabulary, k=chooser.randrange(4, 9))) for _ in range(40)]
    records = make_records("test", ((row, None, text) for row, text in enumerate(texts)))
    dedup = step(tiny_encoder, threshold=0.8, min_words=2, survivor=survivor)
    expected = {drop.row_id: drop for drop in dedup.apply(records, tmp_path).drops}
    assert 3 < len(expected) < 40
    assert not {drop.by for drop in expected.values()} & set(expected)
    for seed in range(3):
        turned = random.Random(seed).sample(records, len(records))
        assert {drop.row_id: drop for drop in dedup.apply(turned, tmp_path).drops} == expected
