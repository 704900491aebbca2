"""Numbers from results of lm-eval: means, intervals, what is missing and what is refused. Made results, no model."""

from __future__ import annotations

import copy
import json

import pytest

from artifacts.errors import InputError
from paper_repro.capabilities.numbers import capabilities
from paper_repro.score.records import score_file
from paper_repro.score.stage import ScoreSettings
from paper_repro.score.statistics import wilson, wilson_weighted

SIMPLE = {"openbookqa": 0.3, "hellaswag": 0.6, "arc_easy": 0.8, "arc_challenge": 0.5, "piqa": 0.7}


@pytest.fixture
def results():
    """Results as lm-eval writes them: 100 rows a task, MMLU with two subjects."""
    both = {
        task: {"acc,none": value, "acc_stderr,none": 0.03, "acc_norm,none": value, "acc_norm_stderr,none": 0.03}
        for task, value in SIMPLE.items()
    }
    gsm = {
        f"exact_match{kind},{name}": value
        for name, value in (("strict-match", 0.4), ("flexible-extract", 0.5))
        for kind, value in (("", value), ("_stderr", 0.03))
    }
    mmlu = {"acc,none": 0.25, "acc_stderr,none": 0.03}
    numbers = both | {
        "gsm8k_cot_llama": gsm,
        "mmlu": mmlu,
        "mmlu_stem": mmlu,
        "mmlu_anatomy": mmlu,
        "mmlu_virology": mmlu,
    }
    leaves = [task for task in numbers if task not in ("mmlu", "mmlu_stem")]
    return {
        "results": numbers,
        "group_subtasks": {"mmlu": ["mmlu_stem", "mmlu_virology"], "mmlu_stem": ["mmlu_anatomy"]},
        "n-samples": {task: {"original": 200, "effective": 100} for task in leaves},
        "lm_eval_version": "0.4.13",
    }


def found(results):
    return {(one.label, one.metric): one for one in capabilities(results, "results.json")}


def test_the_average_takes_each_benchmark_once_and_arc_as_one(results):
    average = found(results)["core", "mean of the six"]
    assert average.value == pytest.approx((0.25 + 0.3 + 0.6 + 0.65 + 0.4 + 0.7) / 6)
    assert average.stderr == pytest.approx((5 * 0.03**2 + 0.03**2 / 2) ** 0.5 / 6)
    strata = [(50, 200), (30, 100), (60, 100), (80, 100), (50, 100), (40, 100), (70, 100)]
    weights = [1 / 12 if n in (3, 4) else 1 / 6 for n in range(7)]
    assert (average.low, average.high) == pytest.approx(wilson_weighted(strata, weights))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_two_rows_all_right_or_all_wrong_leave_the_means_uncertain(results, value):
    numbers, counts = results["results"], results["n-samples"]
    for task in numbers:
        numbers[task] = {key: 0.0 if "_stderr" in key else value for key in numbers[task]}
    for task in counts:
        counts[task]["effective"] = 2
    low, high = wilson(2 * value, 2)
    arc, average = found(results)["arc", "acc,none"], found(results)["core", "mean of the six"]
    assert arc.stderr == average.stderr == 0.0
    for one, tasks in ((arc, 2), (average, 7)):
        reach = abs((high if value == 0 else low) - value)
        assert reach / tasks < one.high - one.low < reach
        assert one.low <= one.value == value <= one.high


def test_a_share_has_wilsons_interval_and_a_group_the_rows_of_its_tasks(results):
    numbers = found(results)
    assert (numbers["piqa", "acc,none"].low, numbers["piqa", "acc,none"].high) == pytest.approx(wilson(70, 100))
    assert numbers["mmlu", "acc,none"].n == 200
    assert numbers["mmlu-stem", "acc,none"].n == 100
    assert numbers["arc", "acc,none"].n == 200


def test_one_benchmark_missing_is_no_average(results, tmp_path):
    del results["results"]["arc_easy"]
    assert ("core", "mean of the six") not in found(results)
    assert ("arc", "acc,none") not in found(results)
    assert found(results)["arc-challenge", "acc,none"].value == 0.5
    path = tmp_path / "results_one.json"
    path.write_text(json.dumps(results))
    assert "no average of the six: ARC missing" in score_file("core", path, ScoreSettings())["notes"]


def test_a_single_row_has_no_standard_error_and_the_average_none_but_intervals_they_have(results):
    results["results"]["piqa"] = {"acc,none": 1.0, "acc_stderr,none": "N/A"} | {
        "acc_norm,none": 1.0,
        "acc_norm_stderr,none": "N/A",
    }
    results["n-samples"]["piqa"]["effective"] = 1
    numbers = found(results)
    assert numbers["piqa", "acc,none"].stderr is None
    assert (numbers["piqa", "acc,none"].low, numbers["piqa", "acc,none"].high) == pytest.approx(wilson(1, 1))
    average = numbers["core", "mean of the six"]
    assert average.stderr is None
    assert 0 < average.low < average.value < average.high < 1


def test_a_value_that_is_no_share_of_the_rows_has_the_interval_of_an_uncertain_share(results):
    results["results"]["piqa"]["acc,none"] = 0.7055
    one = found(results)["piqa", "acc,none"]
    assert (one.low, one.high) == pytest.approx(wilson(70.55, 100))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["results"]["piqa"].pop("acc,none"), "'acc,none' of the task 'piqa' is None"),
        (lambda r: r["results"]["piqa"].update({"acc,none": 70.0}), "'acc,none' of the task 'piqa' is 70.0"),
        (lambda r: r["n-samples"].pop("piqa"), "does not say how many rows of 'piqa'"),
        (lambda r: r.pop("n-samples"), "no 'n-samples'"),
        (lambda r: r.pop("results"), "no 'results'"),
    ],
)
def test_a_file_that_lacks_something_is_refused_with_its_name(results, change, message):
    given = copy.deepcopy(results)
    change(given)
    with pytest.raises(InputError) as caught:
        capabilities(given, "results.json")
    assert message in str(caught.value)
    assert caught.value.where == "results.json"


def test_other_tasks_alone_are_refused_with_the_names_of_ours(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"results": {"winogrande": {"acc,none": 0.5}}, "n-samples": {}}))
    with pytest.raises(InputError, match="none of the six benchmarks"):
        score_file("core", path, ScoreSettings())
    path.write_text("[]")
    with pytest.raises(InputError, match="not results of lm-eval"):
        score_file("core", path, ScoreSettings())
