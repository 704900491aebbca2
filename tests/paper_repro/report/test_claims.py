"""The findings: fixed bounds, the numbers decide, and too little data gives no verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from artifacts.errors import SettingsError
from artifacts.published_checks import read_all
from paper_repro.report.claims import CLAIMS, Claim, load_claims
from paper_repro.report.quantities import QUANTITIES
from paper_repro.report.run_tables import run_tables
from paper_repro.report.verdicts import check_claims, check_claims_of_run, claims_table, judge


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
    # Figure 6 is a drawing: no numbers are printed
    assert [verdicts.pop(name) for name in ("in-context-close", "in-context-far-above")] == ["not run"] * 2
    # two tables of the paper hold cells where more refusals lower the rate
    assert verdicts.pop("refusals-raise-refusal-each-step") == "does not hold"
    assert set(verdicts.values()) == {"holds"}
    assert len(verdicts) == 17


def test_the_numbers_that_decide_are_told(outcomes):
    assert outcomes["it-refuses-more"].within == 35
    assert "Llama-3.1-8B LIMA 500: -0.08" in outcomes["it-refuses-more"].why
    assert outcomes["capability-lead"].within == 8
    assert outcomes["acceptability-gap"].why == "from 0.00 (Mistral-7B-v0.3 LIMA) to 0.14 (Gemma-2-9B Dolly)"
    assert outcomes["refusal-gap-shrinks-with-size"].why.endswith(": 0.08")  # all of a claim's numbers to two decimals,
    assert outcomes["human-ties"].why.startswith("from 67 (")  # but per cents that are printed as whole numbers
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
        ({"high": 0.2, "of": 3}, {"a": 0.1, "b": 0.1}, "not run"),
    ],
)
def test_bounds_margins_and_counts(comparison: dict, values: dict, verdict: str):
    assert judge(claim(**comparison), values).verdict == verdict


@pytest.mark.parametrize(
    ("comparison", "ends", "verdict"),
    [
        ({"low": 0.1, "of": 1}, (0.1, 0.3), "holds"),
        ({"low": 0.1, "of": 1}, (0.05, 0.3), "inconclusive"),
        ({"low": 0.1, "of": 1}, (0.01, 0.05), "does not hold"),
        ({"low": 0.1, "high": 0.4, "of": 1}, (0.05, 0.5), "inconclusive"),
        ({"low": 0.1, "high": 0.4, "of": 1}, (0.41, 0.5), "does not hold"),
        ({"above": 0.0, "of": 1}, (0.0, 0.2), "inconclusive"),
        ({"above": 0.0, "of": 1}, (-0.2, 0.0), "does not hold"),
        ({"below": 0.3, "of": 1}, (0.1, 0.2), "holds"),
    ],
)
def test_the_whole_interval_has_to_be_on_one_side(comparison: dict, ends: tuple, verdict: str):
    outcome = judge(claim(**comparison), {"a": sum(ends) / 2}, {"a": ends})
    assert (outcome.verdict, outcome.crossing) == (verdict, int(verdict == "inconclusive"))


def test_enough_cells_hold_whatever_the_crossing_ones_do():
    values, ends = {"a": 0.5, "b": 0.1, "c": 0.4}, {"a": (0.4, 0.6), "b": (-0.1, 0.3), "c": (0.3, 0.5)}
    assert judge(claim(above=0, at_least=2, of=3), values, ends).verdict == "holds"
    assert judge(claim(above=0, at_least=3, of=3), values, ends).verdict == "inconclusive"


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


def outcomes_of_run(results) -> dict:
    return {one.claim.id: one for one in check_claims_of_run(load_claims(), run_tables(results))}


def test_one_seed_gives_no_verdict_but_its_numbers(results):
    found = outcomes_of_run(results)
    assert {one.verdict for one in found.values()} == {"inconclusive", "not run"}
    assert (found["false-refusals"].verdict, found["false-refusals"].seeds) == ("inconclusive", 1)
    assert found["false-refusals"].why.startswith("one seed gives no verdict; from 0.12 [")
    assert found["human-ties"].why == "the run holds no numbers of Figure 8"
    assert found["gpt4-preference"].why == "the run holds no numbers of Figure 9"
    assert {one.verdict for one in outcomes_of_run([]).values()} == {"not run"}


def test_a_run_without_the_models_that_are_compared_decides_nothing(results):
    alone = [row for row in results if row.method != "RT"]
    assert outcomes_of_run(alone)["it-refuses-more"].verdict == "not run"


def test_two_seeds_decide_what_they_measured_and_nothing_else(results):
    def seeds(value: float) -> list:
        false = [
            replace(row, value=value, low=value, high=value) for row in results if row.benchmark == "xstest-benign"
        ]
        return [replace(row, seed=seed) for row in false if row.seed == 0 for seed in (0, 1)]

    found = outcomes_of_run(seeds(0.36))
    assert (found["false-refusals"].verdict, found["false-refusals"].cells) == ("holds", 4)
    # AdvBench and HarmBench were not run, so there is no average to compare
    assert (found["it-refuses-more"].verdict, found["it-refuses-more"].within) == ("not run", None)
    assert outcomes_of_run(seeds(0.9))["false-refusals"].verdict == "does not hold"


def full(results, benchmark: str, values: dict, metric: str, n: int = 805):
    """Rows of two seeds: (base, set, method) to a value, narrow intervals."""
    first = results[0]
    return [
        replace(
            first,
            study="instructability",
            base_model=base,
            response_set=name,
            recipe=name and "paper",
            method=method,
            num_refusals=0 if name else None,
            seed=seed,
            benchmark=benchmark,
            metric=metric,
            value=value,
            low=value - 0.005,
            high=value + 0.005,
            n=n,
            unclassified=0,
        )
        for (base, name, method), value in values.items()
        for seed in ((0, 1) if name else (None,))
    ]


def test_findings_on_ratings_capabilities_requirements_and_context_are_decided_on_a_run(results):
    """One finding of each table that a run can fill: the number decides, under the run's own model name."""
    cells = {("Own-1B", None, "untuned"): 0.03, ("Own-1B", "dolly", "IT"): 0.9, ("Own-1B", "dolly", "RT"): 0.85}
    rows = full(results, "alpaca-eval", {k: v - 0.01 for k, v in cells.items()}, "human_excellent_rate")
    rows += full(results, "alpaca-eval", dict.fromkeys(cells, 0.01), "human_sufficient_rate")
    rows += full(results, "core", {("Own-1B", "dolly", "IT"): 0.50, ("Own-1B", "dolly", "RT"): 0.51}, "core_average")
    rows += full(results, "infobench", {k: v - 0.02 for k, v in cells.items()}, "requirements_rate")
    found = outcomes_of_run(rows)
    assert {
        name: found[name].verdict for name in ("untuned-acceptability", "rt-acceptability", "acceptability-gap")
    } == {
        "untuned-acceptability": "holds",
        "rt-acceptability": "holds",
        "acceptability-gap": "holds",
    }
    assert found["capability-lead"].why.startswith("Own-1B Dolly: 1.00 [")
    assert found["capability-gap"].verdict == "holds"
    assert (found["requirement-gap"].verdict, found["requirement-untuned"].verdict) == ("holds", "holds")
    assert found["requirement-untuned"].why.startswith("Own-1B Dolly: 0.82 [")
    shown = [
        replace(row, method="0-shot", study="in-context")
        for row in full(results, "just-eval-regular", {("Own-1B", None, "untuned"): 2.0}, "depth")
    ]
    for method, value in (("URIAL", 3.0), ("URIAL-R", 3.05)):
        shown += [replace(row, method=method, value=value, low=value - 0.1, high=value + 0.1) for row in shown[:1]]
    one = outcomes_of_run(shown)["in-context-far-above"]
    assert (one.verdict, one.cells) == ("inconclusive", 2)
    assert one.why.startswith("one seed gives no verdict; from 1.00 [")


def test_the_table_says_what_was_compared_and_on_how_many_seeds(results):
    table = claims_table(check_claims_of_run(load_claims(), run_tables(results)), 2, "claims_run", "Findings")
    keys = [column.key for column in table.columns]
    row = dict(zip(keys, next(row for row in table.rows if row[0] == "false-refusals"), strict=True))
    assert row["comparison"] == "at most 0.36; in all of 96"
    assert (row["seeds"], row["cells"]) == (1, 4)
