"""The testbed's claims: `testbed_claims.yaml` says what would be true there, the numbers decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paper_repro.report.claims import (
    Bounded,
    Claim,
    ClaimFile,
    Comparison,
    Outcome,
    for_cells,
    judge,
    load_claims,
    source_words,
)
from paper_repro.report.table import Column, Table
from paper_repro.report.testbed_cards import Card
from paper_repro.report.testbed_cells import Cells
from paper_repro.report.testbed_quantities import TESTBED_QUANTITIES, Absent, Numbers
from paper_repro.report.testbed_statistics import interval

TESTBED_CLAIMS = Path(__file__).with_name("testbed_claims.yaml")
SEEDS = 2
CLEAR, STRADDLES = "clear of the bound", "straddles the bound"
VERDICTS = {
    "holds": "holds in the testbed",
    "does not hold": "does not hold in the testbed",
    "not testable": "not testable",
}


@dataclass(frozen=True)
class TestbedOutcome:
    """A verdict with what qualifies it.

    Attributes:
        outcome: Claim, verdict, numbers that decide.
        margin: `clear of the bound` if no value's interval holds a bound, else `straddles the bound`; empty without
            numbers.
        seeds: Fewest seeds of the cells that it is about; None if it has no numbers.
    """

    __test__ = False  # not a test class, whatever pytest makes of the name

    outcome: Outcome
    margin: str = ""
    seeds: int | None = None


def check_testbed_claims(
    cells: Cells, cards: Sequence[Card], missing: Mapping[str, str], claims: ClaimFile | None = None
) -> list[TestbedOutcome]:
    """Every claim that applies to the testbed.

    Args:
        cells: Results.
        cards: Cards of the bases.
        missing: Bases that the run lacked, with the reason: told where a claim cannot be tested.
        claims: The claims; None: the package's.
    """
    claims = claims or load_claims(TESTBED_CLAIMS)
    return [_check(claim, cells, cards, missing) for claim in claims.claims if "testbed" in claim.applies_to]


def _check(claim: Claim, cells: Cells, cards: Sequence[Card], missing: Mapping[str, str]) -> TestbedOutcome:
    numbers = Numbers(cells, cards)
    try:
        values = TESTBED_QUANTITIES[claim.quantity](numbers)
        control = TESTBED_QUANTITIES[claim.control.quantity](numbers) if claim.control else {}
    except Absent as absent:
        return TestbedOutcome(Outcome(claim, "not testable", _absent_text(absent, missing)))
    seeds = fewest_seeds(numbers)
    if seeds < SEEDS:
        return TestbedOutcome(Outcome(claim, "not testable", "one seed gives no verdict", cells=len(values)), "", seeds)
    failed = {} if claim.control is None else _outside(claim.control, control)
    if failed:
        shown = ", ".join(f"{name}: {value:.2f}" for name, value in failed.items())
        why = f"positive control failed, as it needs that {claim.control.statement}; found {shown}"
        return TestbedOutcome(Outcome(claim, "not testable", why, cells=len(values)), "", seeds)
    draws = TESTBED_QUANTITIES[claim.quantity](Numbers(cells, cards, resampled=True))
    ends = {name: interval(draw) for name, draw in draws.items()}
    outcome = judge(for_cells(claim, len(values)), values)
    straddling = any(_straddles(claim.comparison, low, high) for low, high in ends.values())
    why = "; ".join(f"{name}: {value:.2f} [{ends[name][0]:.2f}, {ends[name][1]:.2f}]" for name, value in values.items())
    whole = Outcome(claim, outcome.verdict, why, outcome.within, outcome.cells)
    return TestbedOutcome(whole, STRADDLES if straddling else CLEAR, seeds)


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


def _straddles(comparison: Comparison, low: float, high: float) -> bool:
    bounds = (comparison.low, comparison.high, comparison.above, comparison.below)
    return any(bound is not None and low < bound < high for bound in bounds)


def outcomes_table(outcomes: Sequence[TestbedOutcome], version: int, name: str, title: str) -> Table:
    """The outcomes as a table; the wording of a verdict says that it is the testbed's."""
    columns = (
        Column("id", "Claim", names_row=True),
        Column("statement", "Statement", names_row=True),
        Column("verdict", "Verdict", names_row=True),
        Column("why", "Numbers that decide", names_row=True),
        Column("margin", "95 % interval", names_row=True),
        Column("within", "Within"),
        Column("cells", "Of"),
        Column("seeds", "Seeds"),
        Column("source", "Paper's counterpart", names_row=True),
    )
    rows = tuple(
        (
            one.outcome.claim.id,
            one.outcome.claim.statement,
            VERDICTS[one.outcome.verdict],
            one.outcome.why,
            one.margin,
            "" if one.outcome.within is None else one.outcome.within,
            "" if one.outcome.cells is None else one.outcome.cells,
            "" if one.seeds is None else one.seeds,
            source_words(one.outcome.claim),
        )
        for one in outcomes
    )
    notes = (
        f"Bounds are fixed in testbed_claims.yaml, version {version}, made before any final number. The mean decides; "
        "the interval says how firmly.",
        "Intervals of differences resample both sides apart, as if nothing tied them: rather too wide than too narrow.",
        "Seeds: the fewest pairs of pre-training and tuning seed behind a number. One seed gives no verdict.",
        "A verdict is about small models in a generated world, and no verdict about the paper's models.",
    )
    return Table(name, title, "this package's claims on the testbed's scores", columns, rows, notes)
