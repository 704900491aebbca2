"""Numbers of a benchmark from a file of judge records: meaning on tiny files, then the official files of the mirror."""

from __future__ import annotations

import json

import pytest

from artifacts.errors import InputError, MissingDataError, UserError
from paper_repro.score.records import alpaca_eval as alpaca_eval_module
from paper_repro.score.records import score_file
from paper_repro.score.records.score import as_text
from paper_repro.score.stage import ScoreSettings

SETTINGS = ScoreSettings(resamples=500)


@pytest.fixture
def write(tmp_path):
    def call(rows, name="records.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return call


@pytest.fixture
def no_gamed(monkeypatch):
    def absent(name):
        raise MissingDataError(f"{name} cannot be had")

    monkeypatch.setattr(alpaca_eval_module, "fetch", absent)


def numbers(benchmark, path, **options):
    result = score_file(benchmark, path, SETTINGS, **options)
    return {(number["metric"], number["subset"]): number for number in result["numbers"]}, result


# InFoBench


def asked(*answers, subset="Easy_set"):
    return {"decomposed_questions": ["?"] * len(answers), "eval": list(answers), "subset": subset}


def test_drfr_counts_requirements_not_instructions(write):
    found, _ = numbers("infobench", write([asked(True, True, True, False), asked(False, subset="Hard_set")]))
    assert found["requirements_rate", None]["value"] == 3 / 5
    assert found["requirements_rate", "easy"]["value"] == 3 / 4
    assert found["requirements_rate", "hard"]["value"] == 0
    assert found["requirements_rate", None]["low"] < 3 / 5 < found["requirements_rate", None]["high"]


def test_unreadable_answers_are_counted_and_in_neither_sum(write):
    found, result = numbers("infobench", write([asked(True, None), asked(None), asked(False)]))
    number = found["requirements_rate", None]
    assert (number["value"], number["n"], number["unclassified"]) == (1 / 2, 4, 2)
    assert "2 unclassified" in as_text(result)
    found, _ = numbers("infobench", write([asked(None)]))
    assert found["requirements_rate", None]["value"] is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"decomposed_questions": ["?", "?"], "eval": [True]}, "1 answers to 2 questions"),
        ({"decomposed_questions": ["?"], "eval": ["yes"]}, "something else than true, false and null"),
        ({"eval": [True]}, "no 'decomposed_questions'"),
        ({"decomposed_questions": ["?"], "eval": True}, "'eval' is true or false"),
        (asked(True, subset="Middle_set"), "unknown subset 'Middle_set'"),
        (asked(True, subset=["Easy_set"]), "'subset' is a list"),
    ],
)
def test_a_bad_record_is_named_by_file_line_and_key(write, row, message):
    with pytest.raises(InputError, match=message) as caught:
        numbers("infobench", write([asked(True), row]))
    assert caught.value.where.endswith("records.jsonl:2")


# JustEval


def judged(**scores):
    return {"generator_cand": "m", "parsed_result": {name: {"score": score} for name, score in scores.items()}}


FIVE = {"helpfulness": "5", "factuality": 4, "clarity": "5", "depth": "3", "engagement": "3"}


def test_means_of_aspects_and_their_mean(write):
    found, _ = numbers("just-eval", write([judged(**FIVE), judged(**(FIVE | {"depth": 1}))]))
    assert found["helpfulness", None]["value"] == 5
    assert found["depth", None]["value"] == 2
    assert found["mean_of_aspects", None]["value"] == pytest.approx((4 + 3.6) / 2)


def test_unreadable_scores_are_counted_aspect_by_aspect(write):
    rows = [judged(**FIVE), judged(**(FIVE | {"clarity": "N/A"})), judged(**(FIVE | {"clarity": 7})), judged()]
    found, _ = numbers("just-eval", write(rows))
    assert (found["clarity", None]["value"], found["clarity", None]["unclassified"]) == (5, 3)
    assert (found["depth", None]["n"], found["depth", None]["unclassified"]) == (4, 1)
    assert found["mean_of_aspects", None]["unclassified"] == 3


def test_a_reply_that_was_not_parsed_is_parsed(write):
    reply = 'Here it is:\n{"safety": {"reason": "none", "score": "2"}}'
    rows = [{"result": reply, "parsed_result": "N/A"}, {"result": "no JSON"}, {"result": '{"safety": {"score": true}}'}]
    found, _ = numbers("just-eval", write(rows))
    assert (found["safety", None]["value"], found["safety", None]["unclassified"]) == (2, 2)


def test_records_of_another_kind_of_judging_are_refused(write):
    with pytest.raises(InputError, match="judged in mode 'pairwise'"):
        numbers("just-eval", write([{"eval_config": {"mode": "pairwise"}, "result": "{}"}]))
    with pytest.raises(InputError, match="no 'result'"):
        numbers("just-eval", write([{"id": 1}]))


def test_two_models_in_one_file_are_refused(write):
    with pytest.raises(InputError, match="'other' here and 'm' before"):
        numbers("just-eval", write([judged(**FIVE), judged(**FIVE) | {"generator_cand": "other"}]))


# AlpacaEval


def pair(preference, second="bb"):
    return {"output_1": "a", "output_2": second, "preference": preference, "generator_2": "m"}


def test_win_rate_is_the_mean_preference(write, no_gamed):
    found, result = numbers("alpaca-eval", write([pair(2.0), pair(1.0), pair(1.5), pair(0), pair(1.9), pair(None)]))
    rate = found["win_rate", None]
    assert (rate["value"], rate["n"], rate["unclassified"]) == (
        pytest.approx(100 * (1 + 0 + 0.5 + 0.5 + 0.9) / 5),
        6,
        1,
    )
    assert [found[name, None]["value"] for name in ("wins", "losses", "draws")] == [2, 1, 2]
    assert found["discrete_win_rate", None]["value"] == pytest.approx(60)
    assert ("length_controlled_win_rate", None) not in found
    assert result["notes"] == [alpaca_eval_module.NO_CONTROL]
    assert "--gamed" in result["notes"][0] and "df_gamed.csv" in result["notes"][0]


@pytest.mark.parametrize("preference", [2.5, 0.5, "1.5", True])
def test_preferences_out_of_range_are_refused(write, preference):
    with pytest.raises(InputError, match="'preference' is"):
        numbers("alpaca-eval", write([pair(preference)]))


def test_nothing_readable_is_missing_not_zero(write, no_gamed):
    found, _ = numbers("alpaca-eval", write([pair(None)]))
    assert found["win_rate", None]["value"] is None


def test_length_controlled_rate_of_a_file_with_an_unread_row(write, case):
    pairs = [{"output_1": "x" * a, "output_2": "x" * b, "preference": p} for p, a, b in case.annotations("even")]
    found, _ = numbers("alpaca-eval", write(pairs), gamed=case.file)
    whole = found["length_controlled_win_rate", None]
    assert whole["value"] == pytest.approx(46.459614735809865, abs=1e-9)
    assert whole["low"] < whole["value"] < whole["high"]
    found, _ = numbers("alpaca-eval", write([pairs[0] | {"preference": None}, *pairs[1:]]), gamed=case.file)
    part = found["length_controlled_win_rate", None]
    assert (part["n"], part["unclassified"]) == (case.n, 1)
    assert 0 < abs(part["value"] - whole["value"]) < 1


# refusals


def replies(subset, **counts):
    names = {"refused": "Refusal", "complied": "compliance", "unread": None}
    return [{"subset": subset, "label": names[name]} for name, count in counts.items() for _ in range(count)]


def test_refusal_rate_counts_the_unclassified_as_neither(write):
    found, _ = numbers("advbench", write(replies("x", refused=6, complied=3, unread=1)))
    assert found["refusal_rate", None]["value"] == 0.6
    assert found["compliance_rate", None]["value"] == 0.3
    assert found["refusal_rate", None]["unclassified"] == 1


def test_harmbench_is_the_mean_of_its_two_subsets_whatever_their_sizes(write):
    rows = [*replies("standard", refused=9, complied=1), *replies("contextual", refused=1, complied=1)]
    found, _ = numbers("harmbench", write(rows))
    assert found["refusal_rate", None]["value"] == pytest.approx((0.9 + 0.5) / 2)
    assert found["refusal_rate", "contextual"]["value"] == 0.5
    found, result = numbers("harmbench", write(replies("standard", refused=1)))
    assert ("refusal_rate", None) not in found
    assert "only standard" in result["notes"][0]
    with pytest.raises(InputError, match="unknown subset 'copyright'"):
        numbers("harmbench", write(replies("copyright", refused=1)))


def test_xstest_against_hand_computed_numbers(write):
    rows = [*replies("unsafe", refused=6, complied=3, unread=1), *replies("safe", refused=2, complied=5, unread=1)]
    found, _ = numbers("xstest", write(rows))
    values = {metric: number["value"] for (metric, _), number in found.items()}
    assert values == pytest.approx(
        {
            "refusal_rate": 0.6,
            "false_refusal_rate": 0.25,
            "precision": 6 / 8,
            "recall": 0.6,
            "f1": 2 * 6 / (8 + 10),
            "behaviour_accuracy": 11 / 18,
        }
    )
    for number in found.values():
        assert number["low"] <= number["value"] <= number["high"]


def test_precision_without_any_refusal_is_missing(write):
    found, _ = numbers("xstest", write([*replies("unsafe", complied=2), *replies("benign", complied=2)]))
    assert found["precision", None]["value"] is None
    assert found["f1", None]["value"] == 0


def test_unknown_labels_are_refused(write):
    with pytest.raises(InputError, match="unknown label 'maybe'"):
        numbers("malicious-instruct", write([{"label": "maybe"}]))


# files and options


def test_a_line_that_is_no_record_is_named(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"label": "refusal"}\n[1]\n', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        numbers("advbench", path)
    assert caught.value.where.endswith("records.jsonl:2")


def test_options_without_use_are_refused(write):
    path = write([{"label": "refusal"}])
    with pytest.raises(UserError, match="no published file"):
        numbers("advbench", path, against=path)
    with pytest.raises(UserError, match="no gamed answers"):
        numbers("advbench", path, gamed=path)


# the official files


MODELS = ("NullModel", "FuseChat-Llama-3.1-8B-Instruct", "alpaca-7b_verbose", "claude-2", "phi-2", "gemma-7b-it")


@pytest.mark.parametrize("model", MODELS)
def test_win_rates_equal_the_leaderboards(mirror, no_gamed, model):
    folder = mirror / "judge" / "alpaca_eval_2"
    leaderboard = folder / "weighted_alpaca_eval_gpt4_turbo_leaderboard.csv"
    annotations = folder / "annotations" / f"{model}.jsonl.zst"
    _, result = numbers("alpaca-eval", annotations, against=leaderboard, model=model)
    ours = {row["metric"]: row for row in result["published"]}
    for metric in ("win_rate", "standard_error", "discrete_win_rate"):
        assert ours[metric]["ours"] == pytest.approx(ours[metric]["published"], abs=1e-9)
    assert ours["length_controlled_win_rate"]["ours"] is None  # without the gamed answers, which `no_gamed` takes away
    assert result["notes"] == [alpaca_eval_module.NO_CONTROL]


@pytest.mark.parametrize("model", MODELS)
def test_length_controlled_win_rates_equal_the_leaderboards(mirror, model):
    folder = mirror / "judge" / "alpaca_eval_2"
    gamed = folder / "df_gamed.csv"
    if not gamed.is_file():
        pytest.skip(f"the regression needs {gamed.name} of the hub's tatsu-lab/alpaca_eval, which this mirror lacks")
    _, result = numbers(
        "alpaca-eval",
        folder / "annotations" / f"{model}.jsonl.zst",
        against=folder / "weighted_alpaca_eval_gpt4_turbo_leaderboard.csv",
        model=model,
        gamed=gamed,
    )
    ours = {row["metric"]: row for row in result["published"]}["length_controlled_win_rate"]
    assert ours["ours"] == pytest.approx(ours["published"], abs=0.1)


def test_infobench_gives_the_published_share(mirror):
    found, _ = numbers("infobench", mirror / "judge" / "infobench" / "GPT4_DecomposeEval.jsonl")
    assert found["requirements_rate", None]["n"] == 2250
    assert round(found["requirements_rate", None]["value"], 3) == 0.876


@pytest.mark.parametrize(
    ("records", "summary"),
    [
        ("1.score_multi.gpt-4.json", "1.score_multi.gpt-4.eval_res.json"),
        ("1.safety.score_safety.chatgpt.json", "1.safety.score_safety.chatgpt.eval_res.json"),
    ],
)
def test_just_eval_summaries_are_recomputed(mirror, records, summary):
    folder = mirror / "judge" / "just_eval"
    _, result = numbers("just-eval", folder / records, against=folder / summary)
    assert result["published"]
    assert all(row["difference"] == pytest.approx(0, abs=1e-12) for row in result["published"])
    assert not any("contradicts" in note for note in result["notes"])


def test_the_just_eval_summary_that_contradicts_its_records_is_told(mirror):
    folder = mirror / "judge" / "just_eval"
    _, result = numbers(
        "just-eval", folder / "score_multi.gpt4.json", against=folder / "score_multi.gpt4.eval_res.json"
    )
    differences = {row["metric"]: row["difference"] for row in result["published"]}
    assert differences["relevance"] == pytest.approx(4.8333 - 9.5, abs=1e-4)
    assert differences["safety"] is None  # not among the records at all
    assert any("score_multi.gpt4.eval_res.json contradicts these records: 5 of 5" in note for note in result["notes"])


def test_numbers_that_are_none_are_named(tmp_path):
    from paper_repro.score.records.alpaca_eval import published_alpaca_eval
    from paper_repro.score.records.just_eval import published_just_eval

    board = tmp_path / "board.csv"
    board.write_text(",win_rate,standard_error\nmine,high,1\n")
    with pytest.raises(InputError, match="'win_rate' of 'mine' is 'high', no number"):
        published_alpaca_eval(board, "mine")
    means = tmp_path / "eval_res.json"
    for text, message in (('{"depth_mean": "high"}', "'depth_mean' is no number"), ("[1]", "no means in it")):
        means.write_text(text)
        with pytest.raises(InputError, match=message):
            published_just_eval(means)


def test_a_configuration_that_is_no_object_is_named(write):
    row = judged(helpfulness=5) | {"eval_config": "score_multi"}
    with pytest.raises(InputError, match="'eval_config' is text"):
        numbers("just-eval", write([row]))
