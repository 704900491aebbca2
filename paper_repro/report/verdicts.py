"""The numbers decide: each claim with its verdict, on the published numbers and on a run's.

holds: as many cells as the statement needs keep to its bounds, with their whole intervals where they have some.
does not hold: fewer can, even if every cell whose interval crosses a bound is granted.
inconclusive: neither (or one seed alone, or a failed positive control). not run: the numbers are not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from paper_repro.report.claims import Claim, ClaimFile, Comparison, source_words
from paper_repro.report.quantities import QUANTITIES, LackingTable, Tables, Values
from paper_repro.report.run_tables import RunTable
from paper_repro.report.table import Column, Table, interval_text, rounded
from paper_repro.report.tables import PAPER
from paper_repro.report.testbed_statistics import interval

SHOWN = 5
SEEDS = 2  # fewest that give a verdict
Verdict = Literal["holds", "does not hold", "inconclusive", "not run"]
VERDICTS: tuple[Verdict, ...] = ("holds", "does not hold", "inconclusive", "not run")
Ends = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Outcome:
    """What the numbers say about one claim.

    Attributes:
        claim: The claim.
        verdict: One of `VERDICTS`.
        why: The numbers that decide, or what is missing.
        within, cells: Cells whose value is within the bounds, and cells looked at.
        seeds: Fewest seeds behind a number; None for published numbers.
        crossing: Cells whose interval crosses a bound; None where there are no intervals.
    """

    claim: Claim
    verdict: Verdict
    why: str
    within: int | None = None
    cells: int | None = None
    seeds: int | None = None
    crossing: int | None = None


def judge(claim: Claim, values: Values, ends: Ends | None = None) -> Outcome:
    """Compare the values, and their intervals where they have some, with the claim's bounds."""
    comparison = claim.comparison
    if len(values) != comparison.of:
        why = f"{len(values)} cells have numbers, the statement is about {comparison.of}"
        return Outcome(claim, "not run", why, cells=len(values))
    outside = {cell: value for cell, value in values.items() if not comparison.allows(value)}
    needed = comparison.of if comparison.at_least is None else comparison.at_least
    places = [place(comparison, *(ends[cell] if ends else (value, value))) for cell, value in values.items()]
    crossing = places.count("crosses")
    if places.count("inside") >= needed:
        verdict: Verdict = "holds"
    else:
        verdict = "does not hold" if len(places) - places.count("outside") < needed else "inconclusive"
    why = numbers_text(values, outside, ends)
    return Outcome(claim, verdict, why, len(values) - len(outside), len(values), crossing=crossing if ends else None)


def place(comparison: Comparison, low: float, high: float) -> Literal["inside", "outside", "crosses"]:
    """Where an interval lies: all of it within the bounds, none of it, or both."""
    if comparison.allows(low) and comparison.allows(high):
        return "inside"
    above = not comparison.allows(low) and all(
        bound is None or low > bound for bound in (comparison.low, comparison.above)
    )
    below = not comparison.allows(high) and all(
        bound is None or high < bound for bound in (comparison.high, comparison.below)
    )
    return "outside" if above or below else "crosses"


def numbers_text(values: Values, outside: Values, ends: Ends | None) -> str:
    """The range of the values, and those outside the bounds, each with its interval where there is one."""

    # per cents that are printed as whole numbers stay so
    decimals = 0 if not ends and all(value == round(value) for value in values.values()) else 2

    def said(cell: str) -> str:
        span = f" {interval_text(*ends[cell], 2)}" if ends else ""
        return f"{rounded(values[cell], decimals)}{span}"

    lowest, highest = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if len(values) == 1:
        text = f"{lowest}: {said(lowest)}"
    else:
        text = f"from {said(lowest)} ({lowest}) to {said(highest)} ({highest})"
    if not outside:
        return text
    shown = [f"{cell}: {said(cell)}" for cell in list(outside)[:SHOWN]]
    more = f" and {len(outside) - SHOWN} more" if len(outside) > SHOWN else ""
    return f"{text}; outside: {', '.join(shown)}{more}"


def check_claims(claims: ClaimFile, tables: Tables) -> list[Outcome]:
    """Every claim that applies to the published numbers."""
    return [_check(claim, tables) for claim in claims.claims if "published" in claim.applies_to]


def _check(claim: Claim, tables: Tables) -> Outcome:
    try:
        values = QUANTITIES[claim.quantity](tables)
    except LackingTable:
        why = f"{source_words(claim)} is a drawing; its numbers are not printed, so our copy of the numbers lacks them"
        return Outcome(claim, "not run", why)
    return judge(claim, values)


def check_claims_of_run(claims: ClaimFile, tables: Mapping[str, RunTable]) -> list[Outcome]:
    """Every claim of the paper on our own results; most need what a small run does not have, and say so.

    Args:
        claims: The claims.
        tables: The run's tables in the form of the published ones.
    """
    return [_check_of_run(claim, tables) for claim in claims.claims if "run" in claim.applies_to]


def _check_of_run(claim: Claim, tables: Mapping[str, RunTable]) -> Outcome:
    used = _Used(tables)
    try:
        values = QUANTITIES[claim.quantity](used)
    except LackingTable as error:
        return Outcome(claim, "not run", f"the run holds no numbers of {_words(error.name)}")
    if not values:
        return Outcome(claim, "not run", "the run has no conditions with all the numbers that the statement compares")
    seeds = min(tables[name].seeds for name in used.names)
    draws = QUANTITIES[claim.quantity]({name: tables[name].resampled() for name in used.names})
    ends = {cell: interval(draws[cell]) for cell in values}
    outcome = replace(judge(for_cells(claim, len(values)), values, ends), claim=claim, seeds=seeds)
    if seeds < SEEDS:
        return replace(outcome, verdict="inconclusive", why=f"one seed gives no verdict; {outcome.why}")
    return outcome


class _Used(dict):
    """The tables, recording which were asked for."""

    def __init__(self, tables: Mapping[str, RunTable]):
        super().__init__(tables)
        self.names: list[str] = []

    def __getitem__(self, name: str) -> RunTable:
        found = super().__getitem__(name)
        self.names.append(name)
        return found


def _words(name: str) -> str:
    kind, *numbers = name.split("_")
    words = [str(int(number)) for number in numbers]
    return f"{kind.capitalize()}{'s' if len(words) > 1 else ''} {' and '.join(words)}"


def for_cells(claim: Claim, count: int) -> Claim:
    """The claim about `count` cells: the statement's own count is the paper's, a share of it is what carries over."""
    comparison = claim.comparison
    share = (comparison.at_least or comparison.of) / comparison.of
    needed = {"of": count, "at_least": max(1, round(share * count))}
    return claim.model_copy(update={"comparison": comparison.model_copy(update=needed)})


def claims_table(outcomes: Sequence[Outcome], version: int, name: str, title: str) -> Table:
    """The outcomes as a table."""
    of_run = any(outcome.seeds is not None for outcome in outcomes)
    notes = [f"Bounds and margins are fixed in claims.yaml, version {version}."]
    if of_run:
        notes.append(
            "A run's cells decide with their whole 95 % intervals (prompts and seeds resampled): inconclusive, where "
            "that depends on a cell whose interval crosses a bound, or where there is one seed. A statement about n of "
            "the paper's cells is taken as the same share of the run's."
        )
    table = Table(name, title, f"statements: {PAPER}", (), (), tuple(notes))
    return filled(table, outcomes, of_run=of_run)


def filled(
    table: Table,
    outcomes: Sequence[Outcome],
    *,
    of_run: bool,
    said: Mapping[str, str] | None = None,
    where: str = "Where",
) -> Table:
    """The table with a row for each outcome.

    Args:
        table: Its name, title, source and notes.
        outcomes: What was found.
        of_run: Whether intervals and seeds of a run decided.
        said: Verdict to its wording; none: as it is.
        where: Heading of the source.
    """
    columns = (
        Column("id", "Claim", names_row=True),
        Column("statement", "Statement", names_row=True),
        Column("verdict", "Verdict", names_row=True),
        Column("why", "Numbers that decide", names_row=True),
        Column("comparison", "Bounds and margin", names_row=True),
        Column("within", "Within"),
        Column("cells", "Of"),
        *((Column("crossing", "Crossing a bound"), Column("seeds", "Seeds")) if of_run else ()),
        Column("source", where, names_row=True),
    )
    rows = tuple(
        (
            one.claim.id,
            one.claim.statement,
            (said or {}).get(one.verdict, one.verdict),
            one.why,
            one.claim.comparison.words(),
            *map(blank, (one.within, one.cells, *((one.crossing, one.seeds) if of_run else ()))),
            source_words(one.claim),
        )
        for one in outcomes
    )
    return replace(table, columns=columns, rows=rows)


def blank(value: int | None) -> int | str:
    """A count, or nothing where it has no meaning."""
    return "" if value is None else value
