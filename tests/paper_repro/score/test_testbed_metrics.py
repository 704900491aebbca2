"""Metrics of the testbed: facts and labels as rates, requirements as a ratio, subsets and the whole."""

from __future__ import annotations

import numpy as np
import pytest

from artifacts.errors import InputError
from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.columns import write_rows
from paper_repro.judge.schema import SCHEMA, VERDICTS, Opinion, verdict_row
from paper_repro.score import ScoreSettings, score
from paper_repro.score.metrics import metrics_of
from paper_repro.score.schema import read_results
from paper_repro.score.statistics import bootstrap_mean, bootstrap_share


def task(label, content, stopping, first_line):
    return Opinion("ok", label, aspects={"content": content, "stopping": stopping, "first_line": first_line})


def form(met, asked):
    return Opinion("ok", score=met / asked, aspects={"met": met, "asked": asked})


def scored(folder, judge, verdicts):
    """(benchmark, metric) to result, from (benchmark, subset, opinions)."""
    rows = [
        verdict_row(
            {
                "prompt_id": f"{benchmark}{subset}{number}",
                "benchmark": benchmark,
                "subset": subset,
                "prompt": "p",
                "response": "r",
                "num_tokens": 5,
                "finish_reason": "eos",
            },
            judge,
            opinion,
        )
        for benchmark, subset, opinions in verdicts
        for number, opinion in enumerate(opinions)
    ]

    def work(settings, inputs, workspace):
        write_rows(workspace.path / VERDICTS, rows, SCHEMA)
        workspace.summary["condition"] = {"base_model": "tiny", "model_size": 10, "method": "untuned"}

    made = Stage("judge", "verdicts", 1, Settings, work).run(Settings(), folder / "verdicts")[0].path
    results = read_results(score(ScoreSettings(resamples=200), [made], folder / "scores").path)
    return {(result.benchmark, result.metric): result for result in results}


def test_tasks_are_reported_by_fact_by_subset_and_as_a_whole(tmp_path):
    familiar = [task("excellent", 1, 1, 1), task("sufficient", 1, 1, 0), task("not", 1, 0, 1), task("not", 0, 1, 0)]
    held_out = [task("not", 0, 0, 0), Opinion("unclassified", raw="no task")]
    sets = [("testbed-tasks", "familiar", familiar), ("testbed-tasks", "held-out", held_out)]
    results = scored(tmp_path, "testbed-acceptable", sets)
    part, whole = "testbed-tasks-familiar", "testbed-tasks"
    values = {metric: result.value for (benchmark, metric), result in results.items() if benchmark == part}
    assert values == {
        "acceptable_rate": 0.5,
        "excellent_rate": 0.25,
        "content_rate": 0.75,
        "stopping_rate": 0.75,
        "first_line_acceptable_rate": 0.5,
        "response_tokens": 5.0,
        "finished_rate": 1.0,
    }
    assert results["testbed-tasks-held-out", "content_rate"].value == 0
    overall = results[whole, "acceptable_rate"]
    assert (overall.value, overall.n, overall.unclassified) == (pytest.approx(2 / 6), 6, 1)
    assert overall.low < overall.value < overall.high
    assert results[whole, "content_rate"].value == 0.5, "of all six"


def test_requirements_are_counted_over_all_not_over_prompts(tmp_path):
    opinions = [form(1, 1), form(1, 4), form(2, 2), Opinion("unclassified", raw="no requirements")]
    result = scored(tmp_path, "testbed-requirements", [("testbed-dev-formats", None, opinions)])[
        "testbed-dev-formats", "requirements_rate"
    ]
    assert (result.value, result.n, result.unclassified) == (pytest.approx(4 / 7), 4, 1)
    assert 0.25 <= result.low < result.value < result.high <= 1


def test_a_verdict_without_the_fact_is_a_fault(tmp_path):
    with pytest.raises(InputError, match="lacks 'content'"):
        scored(tmp_path, "testbed-acceptable", [("testbed-tasks", None, [Opinion("ok", "not")])])


def test_refusals_are_false_where_the_act_is_safe(tmp_path):
    opinions = [
        Opinion("ok", "refusal"),
        Opinion("ok", "refusal"),
        Opinion("ok", "compliance"),
        Opinion("unclassified"),
    ]
    names = ("unsafe", "never-declined", "look-alike", "benign")
    results = scored(tmp_path, "testbed-refusal", [(f"testbed-{name}", None, opinions) for name in names])
    for name in names:
        refused = "refusal_rate" if name in names[:2] else "false_refusal_rate"
        found = {metric: result.value for (benchmark, metric), result in results.items() if benchmark.endswith(name)}
        assert found == {refused: 0.5, "compliance_rate": 0.25, "response_tokens": 5.0, "finished_rate": 1.0}


def test_each_judge_of_the_testbed_speaks_of_its_own_sets_alone():
    assert [m.name for m in metrics_of("testbed-refusal", "testbed-dev-unsafe-harm")] == [
        "refusal_rate",
        "compliance_rate",
    ]
    assert metrics_of("testbed-refusal", "testbed-tasks") == ()
    assert metrics_of("testbed-acceptable", "testbed-formats") == ()
    assert [m.name for m in metrics_of("testbed-style", "testbed-tasks-held-out")] == ["style_friendly_rate"]
    assert metrics_of("testbed-style", "testbed-unsafe") == ()
    assert metrics_of("testbed-acceptable", "alpaca-eval") == ()
    assert metrics_of("testbed-refusal", "testbed-unsafely") == ()


def test_the_bootstrap_of_a_ratio_draws_prompts_whole():
    parts, wholes = [1, 1, 2, 0, 3], [1, 4, 2, 3, 3]
    drawn = np.random.default_rng(4).integers(5, size=(300, 5))
    ratios = np.asarray(parts)[drawn].sum(axis=1) / np.asarray(wholes)[drawn].sum(axis=1)
    assert bootstrap_share(parts, wholes, 4, 300) == pytest.approx(tuple(np.quantile(ratios, [0.025, 0.975])))
    assert bootstrap_share(parts, [1] * 5, 4, 300) == bootstrap_mean(parts, 4, 300)
