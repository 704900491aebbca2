"""Selection of refusals: orders that nest, filters before them, quotas, seeds, and no influence of the pool's order."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from artifacts.errors import SettingsError, UserError
from artifacts.settings import validate_settings
from data_curation import refusal_selection, refusals
from data_curation.embeddings import EncoderSettings
from data_curation.records import make_records
from data_curation.refusal_orders import facility_location, nearest_with_quotas
from data_curation.refusal_selection import SelectionSettings, choose

TOPICS = [
    {"name": "boats", "texts": ["request 3"], "quota": 3},
    {"name": "bridges", "texts": ["request 40", "request 45"]},
]
WAYS = {
    "paper": ("paper", {}),
    "paper, clean": ("paper", {"near_duplicates": "remove", "kind": "explanatory"}),
    "random": ("random", {}),
    "k-centre": ("diverse", {}),
    "k-centre, clean": ("diverse", {"near_duplicates": "remove"}),
    "facility": ("diverse", {"objective": "facility"}),
    "targeted": ("targeted", {"topics": TOPICS}),
}


def number(text):
    return int("".join(filter(str.isdigit, text)) or 0)


@pytest.fixture(autouse=True)
def by_number(monkeypatch):
    """A text lies on the circle where its number says."""

    def embed(texts, settings, scratch, threads):
        assert threads == 1
        angles = np.radians([number(text) * 3 for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    monkeypatch.setattr(refusals, "embed_texts", embed)
    monkeypatch.setattr(refusal_selection, "embed_texts", embed)


def pool_of(count=60):
    """Two thirds are refusals, half of those say why; numbers tell them apart."""
    endings = ("", " It is against the law, and people could be hurt by it in the end.")
    texts = (
        f"Sorry, number {row}, I cannot do that.{endings[row % 2]}" if row % 3 else f"Fine {row}."
        for row in range(count)
    )
    return make_records("pool", ((row, f"request {row}", text) for row, text in enumerate(texts)))


def chosen(way, pool, count, tmp_path, seed=0, rule="paper", **more):
    strategy, settings = WAYS[way]
    given = validate_settings(SelectionSettings, settings | more)
    found = choose(
        pool,
        count,
        strategy=strategy,
        rule=rule,
        seed=seed,
        settings=given,
        encoder=EncoderSettings(),
        scratch=tmp_path,
    )
    return [record.row_id for record in found.records], found


@pytest.mark.parametrize("way", WAYS)
def test_smaller_selections_lie_in_larger_ones(way, tmp_path):
    pool = pool_of()
    sizes = {count: chosen(way, pool, count, tmp_path)[0] for count in (2, 5, 10)}
    assert sizes[10][:5] == sizes[5]
    assert sizes[5][:2] == sizes[2]
    assert len(set(sizes[10])) == 10
    assert chosen(way, pool, 0, tmp_path)[0] == []


@pytest.mark.parametrize("way", ["random", "k-centre", "k-centre, clean", "facility", "targeted"])
def test_the_order_of_the_pool_does_not_matter(way, tmp_path):
    pool = pool_of()
    assert chosen(way, random.Random(1).sample(pool, len(pool)), 8, tmp_path)[0] == chosen(way, pool, 8, tmp_path)[0]


@pytest.mark.parametrize("way", ["paper", "paper, clean", "random"])
def test_the_seed_is_used(way, tmp_path):
    pool = pool_of()
    assert chosen(way, pool, 8, tmp_path, seed=1)[0] != chosen(way, pool, 8, tmp_path)[0]


def test_random_is_no_reading_of_the_papers_order(tmp_path):
    pool = pool_of()
    assert chosen("random", pool, 8, tmp_path)[0] != chosen("paper", pool, 8, tmp_path)[0]


def test_kinds_are_filtered(tmp_path):
    for kind, odd in (("explanatory", 1), ("bare", 0)):
        _, found = chosen("random", pool_of(), 10, tmp_path, kind=kind)
        assert {number(record.instruction) % 2 for record in found.records} == {odd}
        assert found.counts["rule"] == 40
        assert found.counts["kind"] == 20


def test_near_duplicates_are_removed_first(tmp_path):
    long = (
        "I cannot help you with that, since it would be against the law and harm the people who live near the old mill"
    )
    texts = [
        f"Sorry. {long} by the river.",
        f"Sorry. {long} by the river",
        f"Sorry! {long} by the river today.",
        "Sorry, no.",
    ]
    pool = make_records("pool", ((row, f"request {row}", text) for row, text in enumerate(texts)))
    for way in ("random", "facility"):
        _, found = chosen(way, pool, 2, tmp_path)
        assert {record.row for record in found.records} == {2, 3}, way
        assert found.counts == {"rule": 4, "no_near_duplicate": 2}
    assert len(chosen("random", pool, 4, tmp_path, near_duplicates="keep")[0]) == 4
    assert len(chosen("paper", pool, 4, tmp_path)[0]) == 4, "the paper's own way keeps them"
    with pytest.raises(
        UserError, match=r"3 refusals .* 2 of the pool's 4 rows are left \(rule: 4, no_near_duplicate: 2\)"
    ):
        chosen("random", pool, 3, tmp_path)


def test_topics_get_their_quotas_after_any_number(tmp_path):
    _, found = chosen("targeted", pool_of(), 20, tmp_path)
    topics = [detail["topic"] for detail in found.details]
    for count in range(1, 21):
        had = Counter(topics[:count])
        assert abs(had["boats"] - 0.75 * count) <= 1
    assert Counter(topics) == {"boats": 15, "bridges": 5}
    rows = found.rows()
    assert [row["place"] for row in rows] == list(range(20))
    boats = [row["similarity"] for row in rows if row["topic"] == "boats"]
    assert boats == sorted(boats, reverse=True)
    numbers = [record.row for record, topic in zip(found.records, topics, strict=True) if topic == "boats"]
    assert set(numbers[:2]) == {2, 4}, "3 itself is no refusal"


def test_nearest_is_that_to_the_nearest_text_of_a_topic():
    rows = np.eye(3, dtype=np.float32)
    got = nearest_with_quotas(rows, [rows[[1, 2]], rows[[0]]], [2, 1], 3)
    assert [(row, topic) for row, topic, _ in got] == [(1, 0), (0, 1), (2, 0)]


def test_facility_location_is_the_plain_greedy():
    rows = np.random.default_rng(0).normal(size=(120, 3))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    similar = np.maximum(rows.astype(np.float64) @ rows.astype(np.float64).T, 0)
    covered, expected = np.zeros(120), []
    for _ in range(15):
        gains = np.maximum(similar - covered, 0).sum(axis=1)
        gains[expected] = -1
        expected.append(int(gains.argmax()))
        covered = np.maximum(covered, similar[expected[-1]])
    assert facility_location(rows, 15) == expected
    assert sorted(facility_location(rows, 120)) == list(range(120))
    assert facility_location(rows, 0) == []


def test_facility_location_begins_in_the_crowd_and_farthest_points_at_the_rim():
    angles = np.radians([0, 1, 2, 3, 4, 5, 6, 7, 8, 60, 120, 180])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert facility_location(rows, 1)[0] < 9


def test_the_detector_can_be_the_rule(tmp_path):
    texts = ["I can't help with that.", "Sorry to hear that. Here is how: turn it left.", "No, I won't do it."]
    pool = make_records("pool", ((row, f"request {row}", text) for row, text in enumerate(texts)))
    _, found = chosen("paper", pool, 2, tmp_path, rule="detector", detector={"method": "cues"})
    assert {record.row for record in found.records} == {0, 2}


def test_topics_are_checked(tmp_path):
    with pytest.raises(UserError, match=r"selection.topics: the strategy 'targeted' needs topics"):
        WAYS["none"] = ("targeted", {})
        try:
            chosen("none", pool_of(), 2, tmp_path)
        finally:
            del WAYS["none"]
    for topics in ([{"name": "a", "texts": []}], [{"name": "a", "texts": [" "]}], [TOPICS[0], TOPICS[0]]):
        with pytest.raises(SettingsError, match="topics"):
            validate_settings(SelectionSettings, {"topics": topics})
