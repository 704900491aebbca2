"""The testbed's claims: each can be won and lost, and none is decided by what is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paper_repro.report.claims import load_claims
from paper_repro.report.testbed_cells import read_cells
from paper_repro.report.testbed_claims import TESTBED_CLAIMS, check_testbed_claims, outcomes_table


def check(results, cards, missing=None) -> dict:
    outcomes = check_testbed_claims(read_cells(results), cards, missing or {})
    return {one.claim.id: one for one in outcomes}


def verdicts(found) -> dict[str, str]:
    return {name: one.verdict for name, one in found.items()}


def test_the_bounds_are_those_fixed_beforehand():
    claims = load_claims(TESTBED_CLAIMS)
    assert claims.version == 5
    assert {c.id: (c.comparison.low, c.comparison.high, c.comparison.above) for c in claims.claims} == {
        "rt-above-untuned": (0.10, None, None),
        "rt-above-first-line": (None, None, 0),
        "rt-close-to-it": (None, 0.14, None),
        "distance-shrinks-with-size": (None, None, 0),
        "rt-fails-without-formats": (None, 0.10, None),
        "it-works-on-one-format": (0.30, None, None),
        "rt-rises-with-formats": (0.10, None, None),
        "rt-needs-no-near-format": (None, 0.10, None),
        "rt-learns-to-refuse": (0.30, None, None),
        "false-refusals-look-alike": (None, 0.25, None),
        "false-refusals-benign": (None, 0.10, None),
        "it-above-rt-in-refusal": (None, None, 0),
        "dose-of-declines": (0.20, None, None),
        "never-declined-verbs": (0.30, None, None),
        "urial-r-close-to-urial": (-0.10, 0.10, None),
        "in-context-above-zero-shot": (0.10, None, None),
        "curation-helps-rt": (None, None, 0),
        "curation-helps-it": (None, None, 0),
    }
    assert all(c.applies_to == ("testbed",) and c.comparison.margin == 0 for c in claims.claims)


def test_a_full_run_decides_every_claim_and_rt_may_lose(testbed_results, cards):
    found = check(testbed_results, cards)
    rest = {name: verdict for name, verdict in verdicts(found).items() if verdict != "holds"}
    assert rest.pop("rt-above-first-line") == "does not hold"
    assert set(rest.values()) <= {"inconclusive"}, rest
    assert found["rt-above-untuned"].within == 3


def test_every_claim_can_be_lost(testbed_results, cards):
    """Numbers turned upside down: what held does not, and the other way round."""
    turned = [
        replace(row, value=1 - row.value, low=1 - row.high, high=1 - row.low)
        if row.metric != "first_line_acceptable_rate"
        else row
        for row in testbed_results
    ]
    assert "holds" not in {
        verdict
        for name, verdict in verdicts(check(turned, cards)).items()
        if name not in ("rt-above-first-line", "rt-close-to-it", "urial-r-close-to-urial")
    }


def test_the_whole_interval_decides(testbed_results, cards):
    found = check(testbed_results, cards)
    assert (found["rt-above-untuned"].verdict, found["rt-above-untuned"].crossing) == ("holds", 0)
    close = found["rt-close-to-it"]  # 0.08 of at most 0.14, but the intervals go beyond
    assert (close.verdict, close.within, close.cells) == ("inconclusive", 3, 3)
    assert close.crossing > 0 and "[" in close.why


def test_one_seed_gives_no_verdict(made_up, level, cards):
    found = check([row for row in made_up(level, seeds=(0,)) if not row.base_model.endswith("-1")], cards)
    assert set(verdicts(found).values()) <= {"inconclusive", "not run"}
    assert found["rt-above-untuned"].why.startswith("one seed gives no verdict; structured: 0.")
    assert found["urial-r-close-to-urial"].seeds == 1


def test_a_missing_base_or_set_is_told_and_decides_nothing(testbed_results, cards):
    without = [row for row in testbed_results if "formats-16" not in row.base_model and "5m" not in row.base_model]
    lacking = {"testbed-2m-formats-16-0": "not shipped", "testbed-2m-none-0": "gone"}
    found = check(without, cards, lacking)
    outcome = found["rt-rises-with-formats"]
    assert outcome.verdict == "not run"
    assert "formats-16" in outcome.why
    assert outcome.why.endswith("bases left out: testbed-2m-formats-16-0: not shipped")
    assert found["distance-shrinks-with-size"].verdict == "not run"
    assert found["rt-above-untuned"].verdict == "holds"
    two_sets = [row for row in testbed_results if row.response_set != "testbed-curated"]
    assert check(two_sets, cards)["rt-above-untuned"].verdict == "not run"


def test_failing_means_nothing_where_the_facts_are_not_known(testbed_results, cards):
    ignorant = [replace(card, likelihood=0.5) if card.base.corpus == "none" else card for card in cards]
    outcome = check(testbed_results, ignorant)["rt-fails-without-formats"]
    assert outcome.verdict == "inconclusive"
    assert "positive control failed" in outcome.why
    assert "2M none: 0.50" in outcome.why
    assert check(testbed_results, [])["rt-fails-without-formats"].verdict == "not run"


def test_the_positive_control_is_of_each_base(testbed_results, cards):
    outcome = check(testbed_results, cards)["rt-fails-without-formats"]
    assert (outcome.verdict, outcome.cells) == ("holds", 3)


def test_wording_says_that_it_is_the_testbeds(testbed_results, cards):
    outcomes = check_testbed_claims(read_cells(testbed_results), cards, {})
    table = outcomes_table(outcomes, 1, "Findings")
    assert {row[2] for row in table.rows} <= {"holds in the testbed", "does not hold in the testbed", "inconclusive"}
    assert any("no verdict about the paper's models" in note for note in table.notes)


def test_published_claims_do_not_decide_the_testbeds():
    assert not {claim.id for claim in load_claims().claims} & {c.id for c in load_claims(TESTBED_CLAIMS).claims}


@pytest.mark.parametrize("method", ["RT", "IT"])
def test_curation_is_decided_for_each_method_by_the_whole_recipe_against_raw(testbed_results, cards, method):
    claim = f"curation-helps-{method.lower()}"
    other = f"curation-helps-{'it' if method == 'RT' else 'rt'}"
    outcome = check(testbed_results, cards)[claim]
    assert (outcome.verdict, outcome.within, outcome.cells) == (
        "inconclusive",
        1,
        1,
    )  # a gain smaller than its interval
    assert outcome.why.startswith("structured: 0.04 [-0.")

    def cured(value: float) -> dict:
        changed = [
            replace(row, value=value, low=value - 0.02, high=value + 0.02)
            if (row.method, row.recipe, row.metric) == (method, "lexical", "acceptable_rate")
            else row
            for row in testbed_results
        ]
        return verdicts(check(changed, cards))

    better, worse = cured(0.9), cured(0.2)
    assert (better[claim], worse[claim]) == ("holds", "does not hold")
    assert (better[other], worse[other]) == ("inconclusive", "inconclusive")
    without = [row for row in testbed_results if row.recipe != "lexical"]
    assert "structured-dirty (lexical)" in check(without, cards)[claim].why


@pytest.mark.parametrize("count", [25, 100, 300])
def test_it_has_to_refuse_more_at_every_number(testbed_results, cards, count):
    turned = [
        replace(row, value=1.0, low=1.0, high=1.0)
        if (row.method, row.num_refusals, row.metric) == ("RT", count, "refusal_rate")
        else row
        for row in testbed_results
    ]
    assert check(turned, cards)["it-above-rt-in-refusal"].verdict == "does not hold"
