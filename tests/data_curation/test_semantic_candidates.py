"""Candidates of semantic deduplication: every pair is looked at once; the static model is made once."""

from __future__ import annotations

import numpy as np
import pytest

from data_curation import embedding_cache, semantic_candidates, semantic_neighbours, static_model
from data_curation.embeddings import EncoderSettings, TextVectors, merged, pool
from data_curation.semantic_candidates import SIEVES, calibrated_sieve, whitened
from data_curation.semantic_dedup import similarity
from data_curation.semantic_neighbours import Sieve, alike, passing, worst_windows
from data_curation.static_model import static_vectors


def text_vectors(counts, seed=6, dimensions=3):
    """Vectors of texts of so many windows each."""
    draw = np.random.default_rng(seed)
    windows = draw.normal(size=(sum(counts), dimensions)).astype(np.float32)
    windows /= np.linalg.norm(windows, axis=1, keepdims=True)
    pieces = draw.integers(1, 9, size=len(windows))
    starts = np.concatenate([[0], np.cumsum(counts)])
    return TextVectors(windows, pieces, starts, pool(windows, pieces, starts))


@pytest.mark.parametrize(("given", "within"), [(0, True), (7, True), (7, False), (20, False), (40, True), (0, False)])
def test_alike_are_those_that_are_near_by_all_their_windows(monkeypatch, given, within):
    for name, value in (("ROWS", 6), ("COLUMNS", 9), ("WINDOWS_AT_ONCE", 5)):
        monkeypatch.setattr(semantic_neighbours, name, value)
    counts = np.random.default_rng(7).integers(1, 4, size=40)
    vectors = text_vectors(counts)
    expected, pooled_only = np.zeros(40, dtype=bool), np.zeros(40, dtype=bool)
    for left in range(40):
        for right in range(left + 1, 40):
            if right >= given and (within or left < given):
                expected[[left, right]] |= similarity(vectors, left, right) >= 0.75
                pooled_only[[left, right]] |= float(vectors.pooled[left] @ vectors.pooled[right]) >= 0.75
    assert (alike(vectors, 0.75, given, within) == expected).all()
    assert given or not within or 0 < expected.sum() < pooled_only.sum(), (
        "some pooled vectors are near without their windows"
    )


def test_the_worst_window_is_found_whatever_is_compared_at_once(monkeypatch):
    vectors = text_vectors([1, 3, 2, 2, 5, 1])
    left, right = (places.ravel() for places in np.indices((6, 6)))
    whole = worst_windows(vectors, left, right)
    for one, other, worst in zip(left, right, whole, strict=True):
        table = vectors.of(one) @ vectors.of(other).T
        assert worst == pytest.approx(min(table.max(axis=1).min(), table.max(axis=0).min()), abs=1e-6)
    monkeypatch.setattr(semantic_neighbours, "WINDOWS_AT_ONCE", 1)
    assert worst_windows(vectors, left, right) == pytest.approx(whole, abs=1e-6)


def test_vectors_that_came_in_parts_stand_where_their_texts_stand():
    one, other, single = text_vectors([2, 1]), text_vectors([1, 3], seed=8), text_vectors([1, 1], seed=9)
    both = merged([(np.asarray([3, 0]), one), (np.asarray([1, 2]), other)])
    assert [len(both.of(text)) for text in range(4)] == [1, 1, 3, 2]
    for text, (part, place) in enumerate([(one, 1), (other, 0), (other, 1), (one, 0)]):
        assert (both.of(text) == part.of(place)).all()
        assert (both.pooled[text] == part.pooled[place]).all()
    assert both.pieces.tolist() == [*one.pieces[2:], *other.pieces, *one.pieces[:2]]
    alone = merged([(np.asarray([1]), text_vectors([1])), (np.asarray([0, 2]), single)])
    assert alone.pooled is alone.windows, "one array where every text is one window"
    assert (alone.windows[[0, 2]] == single.windows).all()


def test_no_texts_have_no_neighbours():
    assert alike(text_vectors([]), 0.5).shape == (0,)
    assert whitened(np.empty((0, 4), dtype=np.float32)).shape == (0, 4)
    assert passing(np.empty((0, 4), dtype=np.float32), np.empty(0), Sieve(0.5)).shape == (0,)


def test_whitening_takes_away_what_all_share_and_leaves_what_two_share(monkeypatch):
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
    for few in (1, 7, 499):
        monkeypatch.setattr(semantic_candidates, "AT_ONCE", few)
        assert whitened(rows) == pytest.approx(white, abs=1e-5), "in parts"
    own = rows.copy()
    assert whitened(own, out=own) is own
    assert own == pytest.approx(white, abs=1e-5)
    order = draw.permutation(500)
    assert whitened(rows[order]) @ whitened(rows[order]).T == pytest.approx(
        (white @ white.T)[order][:, order], abs=1e-5
    )


@pytest.mark.parametrize(("given", "within"), [(0, True), (7, True), (7, False), (20, False), (40, True), (0, False)])
@pytest.mark.parametrize("sieve", [Sieve(0.9), Sieve(0.75, far=0.95, short=20, long=60, times=1.5, more=10)])
def test_what_passes_has_a_pair_that_counts(monkeypatch, given, within, sieve):
    monkeypatch.setattr(semantic_neighbours, "ROWS", 6)
    monkeypatch.setattr(semantic_neighbours, "COLUMNS", 9)
    draw = np.random.default_rng(5)
    rows = draw.normal(size=(40, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    sizes = draw.integers(1, 90, size=40)
    sizes[[3, 30]] = 0
    expected = np.zeros(40, dtype=bool)
    for left in range(40):
        for right in range(left + 1, 40):
            shorter, longer = sorted((sizes[left], sizes[right]))
            lengths = longer <= max(shorter, 1) * sieve.times + sieve.more
            one_given, both_given = left < given, right < given
            if lengths and not both_given and (within or one_given):
                near = float(rows[left] @ rows[right]) >= sieve.least(shorter)
                expected[left] |= near
                expected[right] |= near
    assert expected.sum() < 40
    assert (passing(rows, sizes, sieve, given, within) == expected).all()


def test_long_texts_must_be_nearer_and_alike_in_length():
    sieve = Sieve(0.4, far=0.8, short=100, long=200, times=2, more=50)
    assert sieve.least([1, 100, 150, 200, 5000]) == pytest.approx([0.4, 0.4, 0.6, 0.8, 0.8])
    assert sieve.reach(np.asarray([0, 10, 100])) == pytest.approx([52, 70, 250])
    pair = np.asarray([[1, 0], [0.7, 0.714]], dtype=np.float32)
    assert passing(pair, np.asarray([90, 200]), sieve).all()
    assert not passing(pair, np.asarray([180, 200]), sieve).any(), "0.7 is too far for long texts"
    assert not passing(pair, np.asarray([90, 231]), sieve).any(), "more than twice as long and 50"
    assert Sieve(0.4).least([5000]) == pytest.approx([0.4])
    assert passing(pair, np.asarray([1, 10**9]), Sieve(0.4)).all()


def test_the_sieve_is_that_of_the_nearest_lower_threshold():
    assert calibrated_sieve(EncoderSettings(), 0.9) == SIEVES[0.9]
    assert calibrated_sieve(EncoderSettings(), 0.93) == SIEVES[0.9]
    assert calibrated_sieve(EncoderSettings(), min(SIEVES) - 0.01) is None
    assert calibrated_sieve(EncoderSettings(window=100), 0.9) is None
    assert calibrated_sieve(EncoderSettings(model="other/encoder", revision="0" * 40), 0.9) is None
    assert sorted(sieve.radius for sieve in SIEVES.values()) == [SIEVES[known].radius for known in sorted(SIEVES)]


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
