"""Near deduplication of what is slow elsewhere: copies, huge texts, one word over and over, one sentence filled in."""

from __future__ import annotations

import random

import pyarrow.parquet as pq
import pytest

from data_curation.exact_dedup import ExactDedup, ExactDedupSettings
from data_curation.near_dedup import NearDedup, NearDedupSettings
from data_curation.records import make_records


def records_of(responses, source="set"):
    return make_records(source, ((row, None, text) for row, text in enumerate(responses)))


def near(records, *reference, **settings):
    return NearDedup(NearDedupSettings(**settings)).apply(records, None, *reference)


TEXT = "Seven grey herons stood by the old mill and waited for the miller to open the gate at noon"


def test_ten_thousand_copies_are_each_compared_once():
    records = records_of([TEXT] * 10_000)
    result = near(records)
    stays = min(record.row_id for record in records)
    assert len(result.drops) == 9_999 == result.measures["candidates_verified"]
    assert {drop.by for drop in result.drops} == {stays}
    copies = records_of([TEXT] * 10_000, source="old")
    result = near(records, copies)
    assert len(result.drops) == 10_000 == result.measures["candidates_verified"]
    assert len(ExactDedup(ExactDedupSettings()).apply(records, None, copies).drops) == 10_000


def test_one_word_again_and_again_is_one_n_gram_however_long():
    records = records_of([" ".join(["echo"] * length) for length in range(5, 1_500)])
    result = near(records)
    assert len(result.drops) == len(records) - 1 == result.measures["candidates_verified"]
    assert {drop.by for drop in result.drops} == {records[-1].row_id}
    assert {drop.score for drop in result.drops} == {1.0}


def test_a_sentence_filled_in_thousands_of_times_is_never_compared():
    """Short answers leave for equal ones only, so they are looked up whole: bands would give millions of pairs."""
    result = near(records_of([f"We found the answer that you asked for on page {number}" for number in range(3_000)]))
    assert result.drops == []
    assert result.measures["candidates_verified"] == 0


def test_a_megabyte_is_a_text_like_any_other():
    chooser = random.Random(0)
    long = " ".join(f"{chooser.randrange(5_000)}" for _ in range(220_000))
    assert len(long) > 1_000_000
    records = records_of([long, long + " end", long[: len(long) // 2], "x" * 1_000_000, "=" * 1_000_000, TEXT])
    result = near(records)
    assert [drop.row_id for drop in result.drops] == [records[0].row_id]
    assert result.drops[0].by == records[1].row_id
    assert result.measures["compared"] == 5  # a million letters are one word


def test_texts_that_share_half_of_a_frame_are_told_apart_by_their_signatures():
    frame = " ".join(f"frame{number}" for number in range(90))
    texts = [f"{frame} " + " ".join(f"own{text}x{number}" for number in range(40)) for text in range(600)]
    result = near(records_of(texts))  # similarity 0.5: one pair in nine shares a band
    assert result.drops == []
    assert result.measures["candidates_verified"] < 600


@pytest.mark.slow
def test_the_string_that_one_generator_repeats_leaves_once(mirror):
    table = pq.read_table(mirror / "corpus" / "responses_alpacaeval.parquet", columns=["generator", "output"])
    counts = table.group_by("output").aggregate([("output", "count")]).sort_by([("output_count", "descending")])
    text, count = counts["output"][0].as_py(), counts["output_count"][0].as_py()
    assert count >= 805
    repeated = [output for output in table["output"].to_pylist() if output == text]
    others = [output for output in table.slice(0, 2_000)["output"].to_pylist() if output != text]
    result = near(records_of(repeated + others))
    assert sum(drop.score == 1.0 for drop in result.drops) >= count - 1
    assert result.measures["candidates_verified"] < 2 * count + 2_000
