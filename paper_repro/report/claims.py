"""The paper's findings, checked: `claims.yaml` says what would be true, the numbers decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from artifacts.errors import SettingsError
from artifacts.files import read_yaml
from artifacts.published import label
from artifacts.settings import Settings, validate_settings
from paper_repro.report.quantities import QUANTITIES, Values
from paper_repro.report.table import Column, Table
from paper_repro.report.tables import PAPER, Tables
from paper_repro.report.testbed_quantities import TESTBED_QUANTITIES

CLAIMS = Path(__file__).with_name("claims.yaml")
EPSILON = 1e-9  # binary fractions: 0.97 - 0.83 is not 0.14
SHOWN = 5
Verdict = Literal["holds", "does not hold", "not testable"]


class ClaimSource(Settings):
    """Where the paper says it: section, and the tables and figures that hold the numbers."""

    section: str
    tables: tuple[int, ...] = ()
    figures: tuple[int, ...] = ()

    def words(self) -> str:
        """As people cite it."""
        parts = [f"Section {self.section}" if self.section.isdigit() else f"Appendix {self.section}"]
        parts += [f"Table {number}" for number in self.tables] + [f"Figure {number}" for number in self.figures]
        return ", ".join(parts)


class Comparison(Settings):
    """Bounds of every value, and how many cells must keep to them.

    Attributes:
        low, high: Ends included.
        above, below: Ends not included (a margin does not apply).
        margin: How far beyond `low` or `high` a value may lie.
        at_least: Cells that must be within; None: all.
        of: Cells that the statement is about in the paper.
    """

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    margin: float = Field(0.0, ge=0)
    at_least: int | None = Field(None, ge=1)
    of: int = Field(ge=1)

    @model_validator(mode="after")
    def _some_bound(self) -> Comparison:
        if all(bound is None for bound in (self.low, self.high, self.above, self.below)):
            raise ValueError("needs at least one of low, high, above, below")
        if self.at_least is not None and self.at_least > self.of:
            raise ValueError(f"at_least {self.at_least} is more than of {self.of}")
        return self

    def allows(self, value: float) -> bool:
        """Whether one value keeps to the bounds."""
        slack = self.margin + EPSILON
        return (
            (self.low is None or value >= self.low - slack)
            and (self.high is None or value <= self.high + slack)
            and (self.above is None or value > self.above + EPSILON)
            and (self.below is None or value < self.below - EPSILON)
        )


class Bounded(Settings):
    """A quantity and its bounds."""

    quantity: str
    comparison: Comparison

    @field_validator("quantity")
    @classmethod
    def _known(cls, value: str) -> str:
        known = (*QUANTITIES, *TESTBED_QUANTITIES)
        if value not in known:
            raise ValueError(f"unknown quantity; known: {', '.join(known)}")
        return value


class Control(Bounded):
    """What must be so before a claim can be tested at all: without it the numbers would mean nothing.

    Attributes:
        statement: It in words.
    """

    statement: str


class Claim(Bounded):
    """One finding as a statement about numbers.

    Attributes:
        id: Its name.
        statement: It in words.
        source: Where the paper says it, or its like; None: the paper does not.
        applies_to: Whose numbers can decide it.
        control: Positive control, or None.
    """

    id: str
    statement: str
    source: ClaimSource | None = None
    applies_to: tuple[Literal["published", "run", "testbed"], ...]
    control: Control | None = None


class ClaimFile(Settings):
    """`claims.yaml`."""

    version: int
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Outcome:
    """What the numbers say about one claim.

    Attributes:
        claim: The claim.
        verdict: `holds`, `does not hold` or `not testable`.
        why: The numbers that decide, or what is missing.
        within, cells: Cells within the bounds, and cells looked at.
    """

    claim: Claim
    verdict: Verdict
    why: str
    within: int | None = None
    cells: int | None = None


def load_claims(path: Path = CLAIMS) -> ClaimFile:
    """Read and validate the claims; every fault names its key, and ids are unique."""
    claims = validate_settings(ClaimFile, read_yaml(path), where=str(path))
    ids = [claim.id for claim in claims.claims]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise SettingsError([f"claims: id '{name}' is given twice" for name in twice], where=str(path))
    return claims


def judge(claim: Claim, values: Values) -> Outcome:
    """Compare the values with the claim's bounds."""
    comparison = claim.comparison
    if len(values) != comparison.of:
        why = f"{len(values)} cells have numbers, the statement is about {comparison.of}"
        return Outcome(claim, "not testable", why, cells=len(values))
    outside = {cell: value for cell, value in values.items() if not comparison.allows(value)}
    within = len(values) - len(outside)
    needed = comparison.of if comparison.at_least is None else comparison.at_least
    verdict = "holds" if within >= needed else "does not hold"
    return Outcome(claim, verdict, _why(values, outside), within, len(values))


def _why(values: Values, outside: Values) -> str:
    lowest, highest = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    if len(values) == 1:
        text = f"{lowest}: {values[lowest]:.4g}"
    else:
        text = f"from {values[lowest]:.4g} ({lowest}) to {values[highest]:.4g} ({highest})"
    if not outside:
        return text
    shown = [f"{cell}: {value:.4g}" for cell, value in list(outside.items())[:SHOWN]]
    more = f" and {len(outside) - SHOWN} more" if len(outside) > SHOWN else ""
    return f"{text}; outside: {', '.join(shown)}{more}"


def check_claims(claims: ClaimFile, tables: Tables) -> list[Outcome]:
    """Every claim that applies to the published numbers."""
    outcomes = []
    for claim in claims.claims:
        if "published" not in claim.applies_to:
            continue
        quantity = QUANTITIES[claim.quantity]
        if quantity is None:
            why = f"{source_words(claim)} gives no numbers that could be compared"
            outcomes.append(Outcome(claim, "not testable", why))
        else:
            outcomes.append(judge(claim, quantity(tables)))
    return outcomes


def check_claims_of_run(
    claims: ClaimFile, cells: Mapping, seeds: int, quantities: Mapping[str, Callable[[Mapping], Values]]
) -> list[Outcome]:
    """Every claim on our own results: most need what a small run does not have, and say so.

    Args:
        claims: The claims.
        cells: (model, data set, method, refusals) to rates averaged over seeds; only complete rows.
        seeds: Fewest seeds of any cell.
        quantities: Quantities that can be computed from such cells.
    """
    return [_outcome_of_run(claim, cells, seeds, quantities) for claim in claims.claims]


def _outcome_of_run(claim: Claim, cells: Mapping, seeds: int, quantities: Mapping) -> Outcome:
    if "run" not in claim.applies_to or claim.quantity not in quantities:
        return Outcome(claim, "not testable", "the run does not hold the numbers that it is about")
    if not cells:
        return Outcome(claim, "not testable", "no model of the run has all numbers that the statement needs")
    if seeds < 2:
        return Outcome(claim, "not testable", "one seed gives no verdict")
    try:
        values = quantities[claim.quantity](cells)
    except KeyError as error:
        absent = error.args[0]
        named = label(absent) if isinstance(absent, tuple) else absent
        return Outcome(claim, "not testable", f"the run lacks a number that it needs: {named}")
    if not values:
        return Outcome(claim, "not testable", "the run has no pair of models that the statement compares")
    outcome = judge(for_cells(claim, len(values)), values)
    return Outcome(claim, outcome.verdict, outcome.why, outcome.within, outcome.cells)


def for_cells(claim: Claim, count: int) -> Claim:
    """The claim about `count` cells: the statement's own count is the paper's, a share of it is what carries over."""
    comparison = claim.comparison
    share = (comparison.at_least or comparison.of) / comparison.of
    needed = {"of": count, "at_least": max(1, round(share * count))}
    return claim.model_copy(update={"comparison": comparison.model_copy(update=needed)})


def claims_table(outcomes: list[Outcome], name: str, title: str) -> Table:
    """The outcomes as a table."""
    columns = (
        Column("id", "Claim", names_row=True),
        Column("statement", "Statement", names_row=True),
        Column("verdict", "Verdict", names_row=True),
        Column("within", "Cells within"),
        Column("cells", "Cells"),
        Column("why", "Numbers that decide", names_row=True),
        Column("source", "Source", names_row=True),
    )
    rows = tuple(
        (
            o.claim.id,
            o.claim.statement,
            o.verdict,
            _or_blank(o.within),
            _or_blank(o.cells),
            o.why,
            source_words(o.claim),
        )
        for o in outcomes
    )
    notes = ("Bounds and margins are fixed in claims.yaml.",)
    return Table(name, title, f"statements: {PAPER}", columns, rows, notes)


def source_words(claim: Claim) -> str:
    """Where the paper says it, as people cite it; empty if it does not."""
    return claim.source.words() if claim.source else ""


def _or_blank(value: int | None) -> int | str:
    return "" if value is None else value
