"""Candidates of semantic deduplication: every pair is looked at once; the static model is made once."""

from __future__ import annotations

import numpy as np
import pytest

from data_curation import embedding_cache, semantic_candidates, static_model
from data_curation.embeddings import EncoderSettings
from data_curation.semantic_candidates import RADII, calibrated_radius, nearest, whitened
from data_curation.static_model import static_vectors


@pytest.mark.parametrize(("given", "within"), [(0, True), (7, True), (7, False), (20, False), (40, True), (0, False)])
def test_the_nearest_is_the_nearest_of_all_pairs_that_count(monkeypatch, given, within):
    monkeypatch.setattr(semantic_candidates, "ROWS", 6)
    monkeypatch.setattr(semantic_candidates, "COLUMNS", 9)
    rows = np.random.default_rng(3).normal(size=(40, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = rows @ rows.T
    place = np.arange(40)
    counts = (place[:, None] != place) & ((place >= given)[:, None] | (place >= given))
    if not within:
        counts &= (place < given)[:, None] | (place < given)
    expected = np.where(counts, cosines, -1).max(axis=1)
    assert nearest(rows, given, within) == pytest.approx(expected, abs=1e-6)


def test_no_texts_have_no_neighbours():
    assert nearest(np.empty((0, 4), dtype=np.float32)).shape == (0,)
    assert whitened(np.empty((0, 4), dtype=np.float32)).shape == (0, 4)


def test_whitening_takes_away_what_all_share_and_leaves_what_two_share():
    draw = np.random.default_rng(4)
    own = draw.normal(size=(500, 8)) * [3, 1, 1, 1, 1, 1, 1, 1]
    own[1] = own[0] + 0.1 * draw.normal(size=8)
    rows = own + 20 * np.ones(8)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    rows[7] = 0
    assert (rows[9] @ rows[10], rows[0] @ rows[1]) > (0.9, 0.9), "all look alike"
    white = whitened(rows)
    assert np.abs(np.delete(white, 7, axis=0) @ white[20]).mean() < 0.4
    assert white[0] @ white[1] > 0.95
    assert not white[7].any()
    assert np.linalg.norm(np.delete(white, 7, axis=0), axis=1) == pytest.approx(1, abs=1e-6)
    order = draw.permutation(500)
    assert whitened(rows[order]) @ whitened(rows[order]).T == pytest.approx(
        (white @ white.T)[order][:, order], abs=1e-5
    )


def test_the_radius_is_that_of_the_nearest_lower_threshold():
    assert calibrated_radius(EncoderSettings(), 0.9) == RADII[0.9]
    assert calibrated_radius(EncoderSettings(), 0.93) == RADII[0.9]
    assert calibrated_radius(EncoderSettings(), min(RADII) - 0.01) is None
    assert calibrated_radius(EncoderSettings(window=100), 0.9) is None
    assert calibrated_radius(EncoderSettings(model="other/encoder", revision="0" * 40), 0.9) is None
    assert sorted(RADII.values()) == [RADII[threshold] for threshold in sorted(RADII)]


def test_a_static_vector_is_the_mean_of_its_pieces_however_many(tiny_encoder):
    settings = EncoderSettings(model=str(tiny_encoder))
    long, turned, other, unknown = static_vectors(["abc" * 300, "cba" * 300, "abz" * 300, "δ"], settings)
    assert long == pytest.approx(turned, abs=1e-6)
    assert float(long @ other) < 0.999
    assert np.linalg.norm(long) == pytest.approx(1, abs=1e-6)
    assert not unknown.any()
    end = static_vectors(["a" * 600 + "z" * 600], settings)[0]
    assert float(end @ static_vectors(["a"], settings)[0]) < 0.999, "nothing is cut off"


def test_order_and_company_change_no_bit(tiny_encoder):
    settings = EncoderSettings(model=str(tiny_encoder))
    texts = [f"{letter} {digit} abc" for letter in "abcdef" for digit in "0123"]
    there = static_vectors(texts, settings)
    assert (static_vectors(texts[::-1], settings)[::-1] == there).all()
    assert (static_vectors(texts[5:6], settings) == there[5:6]).all()


def test_it_is_distilled_once_and_again_after_a_stop(tiny_encoder, monkeypatch):
    made = []
    distil = static_model._distil
    monkeypatch.setattr(static_model, "_distil", lambda encoder: made.append(1) or distil(encoder))
    settings = EncoderSettings(model=str(tiny_encoder))
    first = static_vectors(["abc"], settings)
    assert (static_vectors(["abc"], settings.model_copy(update={"dtype": "bfloat16"})) == first).all()
    assert made == [1]
    (done,) = embedding_cache.cache_folder().glob("static-*/distilled.json")
    done.unlink()
    assert (static_vectors(["abc"], settings) == first).all()
    assert made == [1, 1]
