"""Semantic deduplication: no chains, no drop for a shared beginning or against a contradiction, no order effects."""

from __future__ import annotations

import random

import numpy as np
import pytest

from artifacts.errors import StageError
from data_curation import semantic_candidates, semantic_dedup
from data_curation.embeddings import EncoderSettings, TextVectors, embed_windows, pool
from data_curation.encoder import Encoder
from data_curation.records import make_records
from data_curation.semantic_dedup import SemanticDedup, SemanticDedupSettings, contradict, similarity
from data_curation.semantic_neighbours import Sieve
from data_curation.survivors import Lineup


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


def decide(vectors: TextVectors, threshold: float, given: int = 0, within: bool = True):
    """`semantic_dedup.decide` on texts that stand in the order given, the first `given` being the reference."""
    records = make_records("test", ((row, None, f"text {row}") for row in range(len(vectors.pooled))))
    return semantic_dedup.decide(vectors, threshold, Lineup(records, given, within))


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


def test_a_reference_stays_and_stands_before_the_set():
    vectors = single(0, 5, 4, 50, 52)  # two rows of a reference, alike, and three of the set
    assert [drop[:2] for drop in decide(vectors, 0.9, given=2)[0]] == [(2, 1), (4, 3)]
    assert [drop[:2] for drop in decide(vectors, 0.9, given=2, within=False)[0]] == [(2, 1)]
    assert decide(vectors, 0.9, given=5)[0] == []


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


@pytest.fixture(autouse=True)
def sieve_small_sets_too(monkeypatch):
    monkeypatch.setattr(semantic_candidates, "LEAST_TEXTS", 0)


SIEVES = [{"exhaustive": True}, {"radius": -1.0}, {"radius": 0.9}]


@pytest.fixture
def words_of_some():
    """Records of a few words each, some alike."""
    chooser = random.Random(5)
    vocabulary = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
    texts = [" ".join(chooser.choices(vocabulary, k=chooser.randrange(4, 9))) for _ in range(60)]
    return make_records("test", ((row, None, text) for row, text in enumerate(texts)))


@pytest.mark.parametrize("sieve", SIEVES)
@pytest.mark.parametrize("half", [True, False])
def test_every_drop_is_directly_similar_to_one_that_stays(
    tiny_encoder, tmp_path, monkeypatch, words_of_some, sieve, half
):
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: half)
    dedup = step(tiny_encoder, threshold=0.8, min_words=2, **sieve)
    drops = dedup.apply(words_of_some, tmp_path).drops
    place = {record.row_id: number for number, record in enumerate(words_of_some)}
    vectors = embed_windows([record.response for record in words_of_some], dedup.settings.encoder)
    assert 3 < len(drops) < 60
    for drop in drops:
        assert drop.by not in {other.row_id for other in drops}
        assert drop.score == pytest.approx(similarity(vectors, place[drop.row_id], place[drop.by]), abs=1e-6)
        assert drop.score >= 0.8
    turned = dedup.apply(random.Random(1).sample(words_of_some, 60), tmp_path).drops
    assert sorted(turned, key=lambda drop: drop.row_id) == sorted(drops, key=lambda drop: drop.row_id)


def test_sieves_that_let_all_pass_or_use_16_bits_change_nothing(tiny_encoder, tmp_path, monkeypatch, words_of_some):
    results = []
    for half in (True, False):
        monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings, half=half: half)
        for sieve in ({"exhaustive": True}, {"radius": -1.0}, {}):
            results.append(step(tiny_encoder, threshold=0.8, min_words=2, **sieve).apply(words_of_some, tmp_path))
    assert 3 < len(results[0].drops) < 60
    assert all(result == results[0] for result in results[1:])


def test_near_the_threshold_32_bits_decide(tiny_encoder, tmp_path, monkeypatch, words_of_some):
    """At a threshold just above and just below the similarity of a pair, whatever 16 bits make of it."""
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: True)
    drops = step(tiny_encoder, threshold=0.8, min_words=2, exhaustive=True).apply(words_of_some, tmp_path).drops
    drop = max(drops, key=lambda drop: drop.score if drop.score < 0.99 else 0)
    records = [record for record in words_of_some if record.row_id in (drop.row_id, drop.by)]
    for change, count in ((-2e-6, 1), (2e-6, 0)):
        dedup = step(tiny_encoder, threshold=drop.score + change, min_words=2, radius=-1.0)
        assert len(dedup.apply(records, tmp_path).drops) == count


def test_only_what_the_static_model_finds_near_is_read(tiny_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: False)
    monkeypatch.setattr(semantic_candidates, "whitened", lambda vectors: vectors)  # three texts share nothing
    read = []
    monkeypatch.setattr(
        semantic_dedup, "embed_windows", lambda texts, *rest, **named: read.extend(texts) or embed_windows(texts, *rest)
    )
    texts = ["alpha beta gamma", "gamma beta alpha", "xyz xxz zzyx", "!!! ??? ---"]
    records = make_records("test", ((row, None, text) for row, text in enumerate(texts)))
    result = step(tiny_encoder, threshold=0.999, min_words=1, radius=0.99).apply(records, tmp_path)
    assert sorted(read) == sorted([texts[0], texts[1]]), "one order of letters is another to the encoder only"
    assert result.drops == []
    assert (result.measures["compared"], result.measures["too_short"]) == (3, 1)
    assert result.measures["read_by_encoder"] == 2


def test_a_small_set_is_read_in_full(tiny_encoder, monkeypatch):
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: False)
    texts, encoder = ["abc", "xyz", "klm", "pqr"], EncoderSettings(model=str(tiny_encoder))
    for least, count in ((4, 0), (5, 4)):
        monkeypatch.setattr(semantic_candidates, "LEAST_TEXTS", least)
        assert len(semantic_candidates.worth_embedding(texts, encoder, 0.9, Sieve(1.0))[0]) == count


def test_what_the_static_model_knows_nothing_of_is_read(tiny_encoder):
    found, _ = semantic_candidates.worth_embedding(
        ["abc", "δέλτα", "xyz"], EncoderSettings(model=str(tiny_encoder)), 0.9, Sieve(0.999)
    )
    assert found.tolist() == [1]


def test_where_all_texts_are_one_text_one_of_them_stays(tiny_encoder, tmp_path):
    """Whitening leaves nothing of what all share, which here is everything."""
    records = make_records("test", ((row, None, "alpha beta gamma") for row in range(50)))
    result = step(tiny_encoder, threshold=0.9, min_words=1, radius=0.5).apply(records, tmp_path)
    assert len(result.drops) == 49
    assert {drop.score for drop in result.drops} == {1.0}


def test_a_second_recipe_on_the_same_records_embeds_nothing(tiny_encoder, tmp_path, monkeypatch, words_of_some):
    monkeypatch.setattr(semantic_candidates, "has_bfloat16", lambda settings: True)
    calls = []
    forward = Encoder.forward
    monkeypatch.setattr(Encoder, "forward", lambda self, ids: calls.append(len(ids)) or forward(self, ids))
    records = words_of_some + make_records(
        "far", [(0, None, "0000 0000"), (1, None, "99 xx 99 xx 9"), (2, None, "qqqq 7")]
    )
    first = step(tiny_encoder, threshold=0.995, min_words=2, radius=-1.0).apply(records, tmp_path / "a")
    windows = len(
        embed_windows(
            [record.response for record in records], EncoderSettings(model=str(tiny_encoder), cache=False)
        ).windows
    )
    read = sum(calls) - windows
    assert windows < read < 2 * windows, "all in 16 bits, some in 32"
    calls.clear()
    second = step(tiny_encoder, threshold=0.996, min_words=2, radius=-1.0, survivor="first").apply(
        records, tmp_path / "b"
    )
    assert len(first.drops) >= len(second.drops) > 0
    assert calls == []


def test_rows_of_a_reference_are_named_as_such(tiny_encoder, tmp_path):
    reference = make_records("old", [(0, None, "alpha beta gamma delta"), (1, None, "alpha beta gamma delta")])
    records = make_records(
        "new", [(0, None, "Alpha beta gamma delta"), (1, None, "zeta eta"), (2, None, "Zeta eta"), (3, None, "theta")]
    )
    for within, left in ((True, {0, 2}), (False, {0})):
        dedup = step(tiny_encoder, threshold=0.999, min_words=1, radius=0.5, within=within, survivor="first")
        drops = dedup.apply(records, tmp_path, reference).drops
        assert {drop.row_id for drop in drops} == {records[row].row_id for row in left}
        (first,) = (drop for drop in drops if drop.row_id == records[0].row_id)
        assert (first.reason, first.by_set) == ("semantic_duplicate_of_reference", "reference")
        assert first.by == min(record.row_id for record in reference)


def test_a_response_without_a_vector_is_named_by_source_and_row(tiny_encoder, tmp_path, monkeypatch):
    forward = Encoder.forward

    def broken(self, windows):
        lengths = np.asarray([len(ids) for ids in windows])
        return np.where((lengths == 9)[:, None], np.nan, forward(self, windows))  # the letters of `zeta theta`

    monkeypatch.setattr(Encoder, "forward", broken)
    records = make_records("mine.jsonl", [(0, None, "alpha beta gamma"), (7, None, "zeta theta")])
    for sieve in SIEVES[:2]:
        with pytest.raises(StageError, match=r"mine\.jsonl, row 7 \(row_id [0-9a-f]{32}\): the encoder"):
            step(tiny_encoder, threshold=0.5, min_words=1, **sieve).apply(records, tmp_path)
