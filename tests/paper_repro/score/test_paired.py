"""Paired comparisons: tests against known values, intervals that use the pairing, and which conditions are paired."""

from __future__ import annotations

import csv
from math import comb

import numpy as np
import pytest
from scipy.stats import binomtest

from artifacts.errors import InputError
from artifacts.settings import Settings
from artifacts.stage import Stage
from paper_repro.columns import write_rows
from paper_repro.conditions import Condition
from paper_repro.judge.schema import SCHEMA, VERDICTS, Opinion, verdict_row
from paper_repro.score import ScoreSettings, score
from paper_repro.score.comparisons import Comparable, read_comparisons
from paper_repro.score.metrics import METRICS
from paper_repro.score.outcomes import Outcomes, outcomes
from paper_repro.score.paired import holm, mcnemar, paired
from paper_repro.score.statistics import wilson

REFUSES, COMPLIES, UNCLEAR = Opinion("ok", label="refusal"), Opinion("ok", label="compliance"), Opinion("unclassified")
UNTUNED = {"base_model": "tiny", "model_size": 10, "method": "untuned"}


def rates(*values):
    array = np.array(values, dtype=float)
    prompts = tuple(f"p{i:03d}" for i in range(len(values)))
    return Outcomes(prompts, array, np.ones(len(values)), True, np.zeros(len(values), dtype=bool))


def ratios(parts, wholes):
    names = tuple(f"p{i:03d}" for i in range(len(parts)))
    shape = np.array(parts, dtype=float), np.array(wholes, dtype=float)
    return Outcomes(names, *shape, False, np.array(wholes) == 0)


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (1, 0), (5, 1), (9, 9), (3, 14)])
def test_mcnemar_equals_the_binomial_test_on_the_discordant(only_first, only_second):
    first = np.array([1] * only_first + [0] * only_second + [1, 1, 0])
    second = np.array([0] * only_first + [1] * only_second + [1, 1, 0])
    discordant = only_first + only_second
    expected = binomtest(only_first, discordant).pvalue if discordant else 1.0
    assert mcnemar(first, second) == pytest.approx(expected)


def test_holm_steps_down_and_keeps_the_order():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_the_interval_uses_the_pairing():
    # one prompt in ten differs, always the same way; unpaired, the two rates would scatter far more
    first = rates(*([1, 0] * 50))
    second = rates(*[0 if i % 20 == 0 else value for i, value in enumerate(first.parts)])
    result = paired([(first, second)], 0, 2000)
    assert result.difference == pytest.approx(0.05)
    low, high = wilson(5, 100)
    assert 0 < result.low < result.difference < result.high
    assert result.high - result.low < 1.2 * (high - low)
    assert (result.test, result.p) == ("mcnemar", pytest.approx(2 / 2**5))


def test_equal_conditions_differ_by_nothing():
    same = rates(1, 0, 1, 0)
    result = paired([(same, same)], 0, 500)
    assert (result.difference, result.p) == (0, 1)
    most = wilson(0, 4)[1]  # of other prompts that may differ
    assert (result.low, result.high) == pytest.approx((-most, most))


def test_conditions_that_differ_on_every_prompt_may_differ_less_on_others():
    result = paired([(rates(*[1] * 30), rates(*[0] * 30))], 0, 500)
    assert (result.difference, result.high) == (1, 1)
    assert result.low == pytest.approx(2 * wilson(30, 30)[0] - 1)


def test_the_permutation_test_of_a_mean_equals_counting_all_swaps():
    gains = [1, 2, 3, 4, 5, -1]
    first, second = ratios([10 + gain for gain in gains], [1] * 6), ratios([10] * 6, [1] * 6)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1)
    exact = (np.abs(signs.T @ gains) >= abs(sum(gains)) - 1e-9).mean()
    result = paired([(first, second)], 0, 20_000)
    assert result.test == "permutation"
    assert result.p == pytest.approx(exact, abs=0.01)


def test_a_ratio_is_of_sums_over_prompts_that_both_have():
    first, second = ratios([2, 1, 3, 9], [4, 2, 3, 9]), ratios([1, 1, 0, 0], [4, 2, 3, 0])
    result = paired([(first, second)], 0, 500)
    assert result.value_first == pytest.approx(6 / 9)
    assert result.value_second == pytest.approx(2 / 9)
    assert result.unclassified == 1
    assert paired([(ratios([1], [1]), ratios([0], [0]))], 0, 100) is None


def test_seeds_widen_the_interval_and_prompts_are_drawn_together():
    apart = [(rates(*[1] * 20), rates(*[0] * 20)), (rates(*[0] * 20), rates(*[0] * 20))]
    result = paired(apart, 0, 2000)
    assert (result.difference, result.seeds) == (0.5, 2)
    assert (result.low, result.high) == (0, 1)
    again = paired(apart, 0, 2000)
    assert again == result
    assert result.test == "permutation"
    assert result.p == pytest.approx(1 / 2001, abs=0.002)


def test_outcomes_follow_the_rules_of_the_results():
    rows = [
        verdict_row(generation(i), "refusal-rules", opinion) for i, opinion in enumerate([REFUSES, COMPLIES, UNCLEAR])
    ]
    found = outcomes(rows[::-1], METRICS["refusal_rate"])
    assert found.prompts == ("p2", "p1", "p0")
    assert (list(found.parts), list(found.wholes), found.unclassified) == ([0, 0, 1], [1, 1, 1], 1)
    drfr = [Opinion("ok", score=0.5, aspects={"met": 1, "asked": 2}), UNCLEAR]
    rows = [verdict_row(generation(i), "requirements-llm", opinion) for i, opinion in enumerate(drfr)]
    found = outcomes(rows, METRICS["requirements_rate"])
    assert (list(found.parts), list(found.wholes)) == ([1, 0], [2, 0])
    assert found.only({"p1"}).prompts == ("p1",)


def generation(i):
    return {
        "prompt_id": f"p{i}",
        "benchmark": "advbench",
        "subset": None,
        "prompt": "p",
        "response": "r",
        "num_tokens": 1,
        "finish_reason": "eos",
    }


@pytest.fixture
def verdicts(tmp_path):
    """Verdicts of one condition: refusals of the first `refused` of ten prompts."""
    made = []

    def make(refused, prompts=10, **condition):
        rows = [
            verdict_row(generation(i), "refusal-rules", REFUSES if i < refused else COMPLIES) for i in range(prompts)
        ]

        def work(settings, inputs, workspace):
            write_rows(workspace.path / VERDICTS, rows, SCHEMA)
            workspace.summary.update(condition=UNTUNED | condition)

        folder = tmp_path / f"v{len(made)}"
        made.append(Stage("judge", "verdicts", 1, Settings, work).run(Settings(), folder)[0].path)
        return made[-1]

    make.made = made
    return make


def compared(folders, out):
    made = score(ScoreSettings(resamples=200), folders, out)
    with (made.path / "comparisons.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert made.summary["comparisons"] == len(rows)
    return {(row["factor"], row["first"], row["second"], row["num_refusals"], row["method"]): row for row in rows}


TUNED = {"response_set": "dolly", "recipe": "paper", "strategy": None, "seed": 0, "num_refusals": 0}


def test_conditions_are_paired_where_one_thing_differs(verdicts, tmp_path):
    verdicts(0)
    for method in ("RT", "IT"):
        verdicts(1, **TUNED | {"method": method})
        verdicts(6, **TUNED | {"method": method, "num_refusals": 100, "strategy": "paper"})
    verdicts(7, **TUNED | {"method": "RT", "num_refusals": 100, "strategy": "diverse"})
    verdicts(5, **TUNED | {"method": "RT", "response_set": "lima"})  # another set: paired with the base alone
    verdicts(5, **UNTUNED | {"base_model": "other"})
    rows = compared(verdicts.made, tmp_path / "s")
    assert set(rows) == {
        ("method", "RT", "IT", "0", ""),
        ("method", "RT", "IT", "100", ""),
        ("method", "RT", "untuned", "0", ""),
        ("method", "RT", "untuned", "100", ""),
        ("method", "IT", "untuned", "0", ""),
        ("method", "IT", "untuned", "100", ""),
        ("num_refusals", "100", "0", "", "RT"),
        ("num_refusals", "100 (diverse)", "0", "", "RT"),
        ("num_refusals", "100", "0", "", "IT"),
        ("strategy", "diverse", "paper", "100", "RT"),
    }
    row = rows["num_refusals", "100", "0", "", "RT"]
    assert [float(row[name]) for name in ("value_first", "value_second", "difference")] == [0.6, 0.1, 0.5]
    assert float(row["p"]) == pytest.approx(2 / 2**5)
    assert float(row["p_holm"]) >= float(row["p"])
    assert (row["prompts"], row["seeds"], row["test"]) == ("10", "1", "mcnemar")


def test_an_untuned_base_stands_beside_every_seed_and_common_prompts_are_compared(verdicts, tmp_path):
    verdicts(0, prompts=8)
    for seed in (0, 1):
        verdicts(4 * (seed + 1), **TUNED | {"method": "RT", "seed": seed})
    row = compared(verdicts.made, tmp_path / "s")["method", "RT", "untuned", "0", ""]
    assert (row["prompts"], row["seeds"], row["test"]) == ("8", "2", "permutation")
    assert float(row["value_first"]) == (4 / 8 + 8 / 8) / 2


def test_comparisons_are_read_back_as_written(verdicts, tmp_path):
    verdicts(0)
    verdicts(4, **TUNED | {"method": "RT"})
    made = score(ScoreSettings(resamples=200), verdicts.made, tmp_path / "s")
    (one,) = read_comparisons(made.path)
    assert (one.first, one.second, one.num_refusals, one.method, one.difference) == ("RT", "untuned", 0, None, 0.4)
    assert (one.learning_rate, one.prompts) == (None, 10)
    assert read_comparisons(tmp_path) == []
    lines = (made.path / "comparisons.csv").read_text().replace("mcnemar,10", "mcnemar,ten")
    (tmp_path / "comparisons.csv").write_text(lines)
    with pytest.raises(InputError, match="'prompts' is 'ten'") as caught:
        read_comparisons(tmp_path)
    assert caught.value.where.endswith("comparisons.csv:2")


def test_nothing_to_compare_is_an_empty_table(verdicts, tmp_path):
    verdicts(3)
    assert compared(verdicts.made, tmp_path / "s") == {}


def test_discordant_counts_are_exact_for_many():
    first = np.array([1] * 300 + [0] * 200)
    assert mcnemar(first, 1 - first) == pytest.approx(2 * sum(comb(500, k) for k in range(201)) / 2**500, rel=1e-9)


def test_preferences_over_different_systems_are_no_pair():
    opinions = [Opinion("ok", label="win"), Opinion("ok", label="loss")]
    comparable = Comparable()
    for method in ("RT", "IT"):
        facts = {"response_set": "lima", "recipe": "paper", "num_refusals": 0, "strategy": None, "seed": 0}
        rows = [
            verdict_row(
                {"prompt_id": f"p{i}", "benchmark": "alpaca-eval", "subset": None, "prompt": "p", "response": "r",
                 "num_tokens": 1, "finish_reason": "eos"},
                "preference-llm",
                opinion,
            )
            for i, opinion in enumerate(opinions)
        ]  # fmt: skip
        comparable.add(Condition(**UNTUNED | facts | {"method": method}), rows)
    assert comparable.compare("s", 0, 100) == []
