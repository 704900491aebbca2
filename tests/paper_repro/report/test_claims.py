"""The findings: fixed bounds, the numbers decide, and too little data gives no verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from artifacts.errors import SettingsError
from artifacts.published_checks import read_all
from paper_repro.report.claims import CLAIMS, Claim, check_claims, check_claims_of_run, judge, load_claims
from paper_repro.report.quantities import OF_REFUSALS, QUANTITIES
from paper_repro.report.refusal import METRICS, claim_cells
from paper_repro.report.run_rows import run_rows


def claim(**comparison) -> Claim:
    return Claim(
        id="c",
        statement="s",
        source={"section": "4"},
        quantity="human_ties",
        comparison=comparison,
        applies_to=("published",),
    )


@pytest.fixture(scope="module")
def outcomes():
    return {outcome.claim.id: outcome for outcome in check_claims(load_claims(), read_all())}


def test_verdicts_on_the_published_numbers(outcomes):
    verdicts = {name: outcome.verdict for name, outcome in outcomes.items()}
    assert verdicts.pop("in-context") == "not testable"
    # two tables of the paper hold cells where more refusals lower the rate
    assert verdicts.pop("refusals-raise-refusal-each-step") == "does not hold"
    assert set(verdicts.values()) == {"holds"}
    assert len(verdicts) == 17


def test_the_numbers_that_decide_are_told(outcomes):
    assert outcomes["it-refuses-more"].within == 35
    assert "Llama-3.1-8B LIMA 500: -0.08" in outcomes["it-refuses-more"].why
    assert outcomes["capability-lead"].within == 8
    assert outcomes["acceptability-gap"].why == "from 0 (Mistral-7B-v0.3 LIMA) to 0.14 (Gemma-2-9B Dolly)"
    assert "Gemma-2-9B LIMA RT 100-200: -0.07" in outcomes["refusals-raise-refusal-each-step"].why


@pytest.mark.parametrize(
    ("comparison", "values", "verdict"),
    [
        ({"low": 0.1, "of": 2}, {"a": 0.1, "b": 0.2}, "holds"),
        ({"above": 0.1, "of": 2}, {"a": 0.1, "b": 0.2}, "does not hold"),
        ({"below": 0.2, "of": 2}, {"a": 0.1, "b": 0.2}, "does not hold"),
        ({"high": 0.2, "of": 2}, {"a": 0.1, "b": 0.3 - 0.1}, "holds"),
        ({"high": 0.2, "margin": 0.05, "of": 2}, {"a": 0.1, "b": 0.25}, "holds"),
        ({"high": 0.2, "margin": 0.05, "of": 2}, {"a": 0.1, "b": 0.26}, "does not hold"),
        ({"high": 0.2, "at_least": 1, "of": 2}, {"a": 0.1, "b": 0.9}, "holds"),
        ({"high": 0.2, "at_least": 2, "of": 2}, {"a": 0.1, "b": 0.9}, "does not hold"),
        ({"high": 0.2, "of": 3}, {"a": 0.1, "b": 0.1}, "not testable"),
    ],
)
def test_bounds_margins_and_counts(comparison: dict, values: dict, verdict: str):
    assert judge(claim(**comparison), values).verdict == verdict


def test_every_quantity_is_used_and_every_claim_names_one():
    assert {item.quantity for item in load_claims().claims} == set(QUANTITIES)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("quantity: human_ties", "quantity: human_tie", "claims.4.quantity: .*unknown quantity"),
        ("{low: 67, high: 88, of: 12}", "{of: 12}", "needs at least one of low, high, above, below"),
        ("{low: 67, high: 88, of: 12}", "{lower: 67, of: 12}", "did you mean 'low'"),
        ("id: human-ties", "id: gpt4-preference", "id 'gpt4-preference' is given twice"),
    ],
)
def test_a_wrong_claims_file_is_refused_naming_the_key(tmp_path: Path, old: str, new: str, message: str):
    text = CLAIMS.read_text()
    assert text.count(old) == 1
    (tmp_path / "claims.yaml").write_text(text.replace(old, new))
    with pytest.raises(SettingsError, match=message):
        load_claims(tmp_path / "claims.yaml")


def outcomes_of_run(results) -> dict[str, str]:
    cells, seeds = claim_cells(run_rows(results, METRICS))
    found = check_claims_of_run(load_claims(), cells, seeds, OF_REFUSALS)
    return {outcome.claim.id: (outcome.verdict, outcome.why) for outcome in found}


def test_one_seed_gives_no_verdict(results):
    found = outcomes_of_run(results)
    assert {verdict for verdict, _ in found.values()} == {"not testable"}
    assert found["false-refusals"][1] == "one seed gives no verdict"
    assert found["human-ties"][1] == "the run does not hold the numbers that it is about"
    assert outcomes_of_run([])["false-refusals"][0] == "not testable"


def test_a_run_without_the_models_that_are_compared_decides_nothing():
    cells = {("base", "dolly", "IT", 100): {"average": 0.5}}  # no RT to compare with
    found = check_claims_of_run(load_claims(), cells, 2, OF_REFUSALS)
    (outcome,) = [outcome for outcome in found if outcome.claim.id == "it-refuses-more"]
    assert outcome.verdict == "not testable"


def test_two_seeds_decide_what_they_measured_and_nothing_else(results):
    second = [
        replace(row, seed=1, value=0.36 if row.benchmark == "xstest-benign" else row.value, low=None, high=None)
        for row in results
        if row.seed == 0
    ]
    found = outcomes_of_run([*results, *second])
    assert found["false-refusals"][0] == "holds"
    # AdvBench and HarmBench were not run, so there is no average to compare
    assert found["it-refuses-more"] == ("not testable", "the run lacks a number that it needs: average")
    worse = [replace(row, value=0.9) if row.metric == "false_refusal_rate" else row for row in second]
    assert outcomes_of_run([*results, *worse])["false-refusals"][0] == "does not hold"
