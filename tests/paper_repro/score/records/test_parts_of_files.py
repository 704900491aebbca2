"""Files that hold a part of a benchmark, or records of two kinds: what each number counts."""

from __future__ import annotations

import json

import pytest

from paper_repro.score.records import score_file
from paper_repro.score.stage import ScoreSettings


@pytest.fixture
def numbers(tmp_path):
    def call(benchmark, rows, **options):
        path = tmp_path / "records.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        result = score_file(benchmark, path, ScoreSettings(resamples=100), **options)
        return {number["metric"]: number for number in result["numbers"]}, result["notes"]

    return call


@pytest.mark.parametrize(("first", "last"), [(0, 20), (20, 40)])
def test_a_slice_of_alpaca_eval_has_no_length_controlled_rate(numbers, case, first, last):
    pairs = [{"output_1": "x" * a, "output_2": "x" * b, "preference": p} for p, a, b in case.annotations("even")]
    found, notes = numbers("alpaca-eval", pairs[first:last], gamed=case.file)
    assert "win_rate" in found and "length_controlled_win_rate" not in found
    assert notes == ["no length-controlled win rate: 20 of 200 instructions"]


FIVE = {name: {"score": 4} for name in ("helpfulness", "factuality", "clarity", "depth", "engagement")}


@pytest.mark.parametrize("told", [True, False])
def test_an_aspect_counts_the_records_of_its_own_mode(numbers, told):
    def judged(mode, scores):
        return {"parsed_result": scores} | ({"eval_config": {"mode": mode}} if told else {})

    rows = [judged("score_multi", FIVE)] * 3 + [judged("score_safety", {"safety": {"score": 5}})] * 2
    rows.append(judged("score_multi", {name: FIVE[name] for name in FIVE if name != "depth"}))
    rows.append(judged("score_safety", {}))  # without a mode it could be of either
    found, _ = numbers("just-eval", rows)
    more = 0 if told else 1
    counts = {name: (number["n"], number["unclassified"]) for name, number in found.items()}
    assert counts["helpfulness"] == (4 + more, more)
    assert counts["depth"] == counts["mean_of_aspects"] == (4 + more, 1 + more)
    assert counts["safety"] == (3, 1)
