"""Exact and near deduplication: who leaves, because of whom, and that input order does not matter."""

from __future__ import annotations

import random

import pytest

from artifacts.errors import SettingsError
from artifacts.settings import validate_settings
from data_curation.exact_dedup import ExactDedup, ExactDedupSettings
from data_curation.near_dedup import NearDedup, NearDedupSettings, banding, candidate_chance, jaccard, shingles, words
from data_curation.records import make_records
from data_curation.survivors import survivor_order

WORDS = [f"w{index}" for index in range(400)]
SENTENCE = " ".join(WORDS[:40])  # 36 five-grams


def records_of(*responses: str, source: str = "test"):
    return make_records(source, ((row, f"instruction {row}", text) for row, text in enumerate(responses)))


def outcome(step, records):
    """Decisions by row_id: who left, because of whom, with what score."""
    return {drop.row_id: (drop.by, drop.score) for drop in step.apply(records, None).drops}


def exact(survivor="longest"):
    return ExactDedup(ExactDedupSettings(survivor=survivor))


def near(**settings):
    return NearDedup(NearDedupSettings(**settings))


def changed(text: str, *positions: int) -> str:
    """The text with other words at these positions."""
    parts = text.split()
    for position in positions:
        parts[position] = f"x{position}"
    return " ".join(parts)


def test_equal_responses_leave_whatever_their_instruction():
    records = records_of("Paris.", "Rome.", "Paris.  \r\n")
    ((left, (by, score)),) = outcome(exact(), records).items()
    assert {left, by} == {records[0].row_id, records[2].row_id}
    assert score == 1.0


def test_first_keeps_the_earliest_row_of_the_first_source():
    records = make_records("b", [(0, None, "same")]) + make_records("a", [(7, None, "same"), (3, None, "same")])
    assert set(outcome(exact("first"), records)) == {records[0].row_id, records[1].row_id}


def test_longest_does_not_count_white_space_around():
    records = records_of("short" + " " * 50, "longer text")
    assert survivor_order(records, "longest") == [1, 0]


def test_ties_go_to_the_smaller_row_id():
    records = [record for row in range(6) for record in make_records("test", [(row, f"instruction {row}", "same")])]
    smallest = min(record.row_id for record in records)
    assert {by for by, _ in outcome(exact(), records).values()} == {smallest}


def test_of_two_equally_near_the_smaller_row_id_is_named():
    for tail in ("y", "z", "q", "k"):
        left, right = f"{tail}1 {tail}2 {SENTENCE}", f"{SENTENCE} {tail}3 {tail}4"
        records = records_of(left, right, SENTENCE, source=tail)
        assert jaccard(shingles(left, 5), shingles(right, 5)) < 0.92
        for order in (records, records[::-1]):
            by = outcome(near(threshold=0.93), order)[records[2].row_id][0]
            assert by == min(records[0].row_id, records[1].row_id)


def test_one_changed_word_in_forty_is_a_near_duplicate():
    records = records_of(SENTENCE, changed(SENTENCE, 0), "something else altogether in these nine plain words")
    ((_, (_, score)),) = outcome(near(), records).items()
    assert score == pytest.approx(35 / 37)


def test_the_score_is_the_exact_jaccard_not_an_estimate():
    left, right = shingles("a b c d e f", 5), shingles("b c d e f g", 5)
    assert jaccard(left, right) == 1 / 3
    assert jaccard(frozenset(), frozenset()) == 0.0


def test_a_pair_just_below_the_threshold_stays():
    other = changed(SENTENCE, 4)  # 5 of 36 five-grams differ: 31 / 41
    assert outcome(near(threshold=0.76), records_of(SENTENCE, other)) == {}
    assert len(outcome(near(threshold=0.75), records_of(SENTENCE, other))) == 1


@pytest.mark.parametrize(
    "pair", [("Yes.", "Yes!"), ("Yes.", "No."), ("In 1945", "In 1946"), ("", " "), ("A b c d", "a b c d.")]
)
def test_short_answers_are_never_near_duplicates(pair):
    result = near().apply(records_of(*pair), None)
    assert result.drops == []
    assert result.measures["too_short"] == 2


def test_short_texts_with_one_other_word_stay():
    assert outcome(near(), records_of("The capital of France is Paris", "The capital of Spain is Paris")) == {}


def test_in_a_short_text_one_word_more_makes_another_answer():
    lists = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
    assert jaccard(*(shingles(text, 5) for text in lists)) > 0.8
    assert outcome(near(), records_of(*lists)) == {}
    assert len(outcome(near(), records_of(lists[0], lists[0].replace(",", ";")))) == 1
    assert len(outcome(near(short_ngrams=0), records_of(*lists))) == 1


def test_words_ignore_case_and_punctuation_but_not_what_formulas_say():
    assert words("Hello, WORLD!") == words("hello world")
    assert words("x < 3") != words("x > 3")
    assert words("at -5 degrees") != words("at 5 degrees")
    assert words("日本語") == ["日", "本", "語"]


def test_a_chain_of_near_duplicates_drops_only_neighbours_of_what_stays():
    """A is like B and B like C, but A is not like C: C must not go because of a B that has gone."""
    a, b, c = " ".join(WORDS[0:106]), " ".join(WORDS[8:113]), " ".join(WORDS[17:121])
    records = records_of(a, b, c)
    assert jaccard(shingles(a, 5), shingles(c, 5)) < 0.8 <= jaccard(shingles(b, 5), shingles(c, 5))
    assert set(outcome(near(), records)) == {records[1].row_id}


@pytest.mark.parametrize("survivor", ["longest", "first"])
def test_decisions_do_not_depend_on_input_order(survivor):
    chooser = random.Random(5)
    texts = []
    for _ in range(12):
        start = chooser.randrange(200)
        base = " ".join(WORDS[start : start + chooser.randrange(30, 60)])
        texts += [base, base, *(changed(base, *chooser.sample(range(25), chooser.randrange(1, 3))) for _ in range(4))]
    records = records_of(*texts)
    for step in (exact(survivor), near(survivor=survivor, threshold=0.6)):
        expected = outcome(step, records)
        assert expected
        kept = {record.row_id for record in records} - set(expected)
        assert {by for by, _ in expected.values()} <= kept, "only what stays makes others leave"
        for seed in range(5):
            assert outcome(step, random.Random(seed).sample(records, len(records))) == expected


def test_every_near_duplicate_is_found_that_all_pairs_would_find():
    chooser = random.Random(1)
    texts = [" ".join(chooser.sample(WORDS[:60], 30)) for _ in range(60)]
    texts += [changed(text, chooser.randrange(30)) for text in texts[:40]]
    records = records_of(*texts)
    grams = [shingles(record.response, 5) for record in records]
    pairs = {(i, j) for i in range(len(grams)) for j in range(i) if jaccard(grams[i], grams[j]) >= 0.6}
    assert len(outcome(near(threshold=0.6, recall=0.999), records)) == len(pairs) > 20


def test_bands_follow_from_threshold_and_recall():
    bands, rows = banding(0.8, 256, 0.99)
    assert (bands, rows) == (32, 8)
    assert candidate_chance(0.8, bands, rows) >= 0.99 > candidate_chance(0.8, 256 // 9, 9)
    measures = near().apply(records_of(SENTENCE), None).measures
    assert (measures["bands"], measures["rows"], measures["recall_at_threshold"]) == (32, 8, 0.997196)


def test_a_recall_out_of_reach_is_refused():
    with pytest.raises(SettingsError, match="cannot reach a recall"):
        validate_settings(NearDedupSettings, {"threshold": 0.01, "num_perm": 16})


def test_the_seed_chooses_the_hash_functions():
    texts = [" ".join(random.Random(seed).choices(WORDS[:14], k=60)) for seed in range(150)]
    records = records_of(*texts)

    def candidates(seed):
        return near(seed=seed, threshold=0.05).apply(records, None).measures["candidates_verified"]

    assert candidates(0) == candidates(0) != candidates(1)
