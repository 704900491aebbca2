"""The testbed's claims: `testbed_claims.yaml` says what would be true there, the numbers decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from paper_repro.report.claims import Bounded, Claim, ClaimFile, load_claims
from paper_repro.report.table import Table, interval_text, rounded
from paper_repro.report.testbed_cards import Card
from paper_repro.report.testbed_cells import Cells
from paper_repro.report.testbed_quantities import TESTBED_QUANTITIES, Absent, Numbers
from paper_repro.report.testbed_statistics import interval
from paper_repro.report.verdicts import SEEDS, VERDICTS, Outcome, filled, for_cells, judge

TESTBED_CLAIMS = Path(__file__).with_name("testbed_claims.yaml")
SAID = {verdict: verdict if verdict in VERDICTS[2:] else f"{verdict} in the testbed" for verdict in VERDICTS}


def check_testbed_claims(
    cells: Cells, cards: Sequence[Card], missing: Mapping[str, str], claims: ClaimFile | None = None
) -> list[Outcome]:
    """Every claim that applies to the testbed.

    Args:
        cells: Results.
        cards: Cards of the bases.
        missing: Bases that the run lacked, with the reason: told where a claim cannot be tested.
        claims: The claims; None: the package's.
    """
    claims = claims or load_claims(TESTBED_CLAIMS)
    return [_check(claim, cells, cards, missing) for claim in claims.claims if "testbed" in claim.applies_to]


def _check(claim: Claim, cells: Cells, cards: Sequence[Card], missing: Mapping[str, str]) -> Outcome:
    numbers = Numbers(cells, cards)
    try:
        values = TESTBED_QUANTITIES[claim.quantity](numbers)
        control = TESTBED_QUANTITIES[claim.control.quantity](numbers) if claim.control else {}
    except Absent as absent:
        return Outcome(claim, "not run", _absent_text(absent, missing))
    seeds, count = fewest_seeds(numbers), len(values)
    failed = {} if claim.control is None else _outside(claim.control, control)
    if failed:
        shown = ", ".join(f"{name}: {rounded(value, 2)}" for name, value in failed.items())
        why = f"positive control failed, as it needs that {claim.control.statement}; found {shown}"
        return Outcome(claim, "inconclusive", why, cells=count, seeds=seeds)
    draws = TESTBED_QUANTITIES[claim.quantity](Numbers(cells, cards, resampled=True))
    ends = {name: interval(draw) for name, draw in draws.items()}
    why = "; ".join(f"{name}: {rounded(value, 2)} {interval_text(*ends[name], 2)}" for name, value in values.items())
    outcome = replace(judge(for_cells(claim, count), values, ends), claim=claim, why=why, seeds=seeds)
    if seeds < SEEDS:
        return replace(outcome, verdict="inconclusive", why=f"one seed gives no verdict; {why}")
    return outcome


def _absent_text(absent: Absent, missing: Mapping[str, str]) -> str:
    text = f"the results lack {absent}"
    reasons = [f"{base}: {reason}" for base, reason in missing.items() if absent.is_of(base)]
    return f"{text}; bases left out: {'; '.join(reasons)}" if reasons else text


def fewest_seeds(numbers: Numbers) -> int:
    """Fewest pairs of seeds among the tuned cells looked up, or among all where none is tuned.

    An untuned base has no tuning seed, so beside tuned models it sets no limit.
    """
    used = list(numbers.used.values())
    tuned = [cell for cell in used if cell.key.response_set is not None]
    return min((len(cell.units) for cell in tuned or used), default=0)


def _outside(bounded: Bounded, values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if not bounded.comparison.allows(value)}


def outcomes_table(outcomes: Sequence[Outcome], version: int, title: str) -> Table:
    """The outcomes as a table; the wording of a verdict says that it is the testbed's."""
    notes = (
        f"Bounds are fixed in testbed_claims.yaml, version {version}: before the first numbers of the final world, but "
        "for curation-helps-* and rt-needs-no-near-format, which came after numbers of other studies and before their "
        "own.",
        "The whole 95 % interval decides: inconclusive, where the verdict depends on a number whose interval crosses a "
        "bound, where there is one seed, or where a positive control failed. This rule was settled after first numbers "
        "had been seen, with the same bounds; all it can do is make a verdict inconclusive.",
        "Intervals of differences resample both sides apart, as if nothing tied them, which widens them; but few seeds "
        "make them narrow: what is called 95 % holds the truth in 77 to 93 % of cases with two seeds, in 85 to 94 % "
        "with three. Verdicts near a bound are weak.",
        "A run with fewer response sets or bases decides on those that it has.",
        "Seeds: the fewest pairs of pre-training and tuning seed behind a number. One seed gives no verdict.",
        "A verdict is about small models in a generated world, and no verdict about the paper's models.",
    )
    table = Table("claims_testbed", title, "this package's claims on the testbed's scores", (), (), notes)
    return filled(table, outcomes, of_run=True, said=SAID, where="Paper's counterpart")
