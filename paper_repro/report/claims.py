"""The paper's findings as statements about numbers: what `claims.yaml` holds (`verdicts` lets the numbers decide)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from artifacts.errors import SettingsError
from artifacts.files import read_yaml
from artifacts.settings import Settings, validate_settings
from paper_repro.report.quantities import QUANTITIES
from paper_repro.report.testbed_quantities import TESTBED_QUANTITIES

CLAIMS = Path(__file__).with_name("claims.yaml")
EPSILON = 1e-9  # binary fractions: 0.97 - 0.83 is not 0.14


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

    def words(self) -> str:
        """The bounds as people read them: `at least 0.81, at most 0.97; in all of 12`."""
        names = {"low": "at least", "high": "at most", "above": "above", "below": "below"}
        bounds = [f"{word} {getattr(self, name):g}" for name, word in names.items() if getattr(self, name) is not None]
        margin = f" (margin {self.margin:g})" if self.margin else ""
        cells = f"all of {self.of}" if self.at_least is None else f"{self.at_least} of {self.of}"
        return f"{', '.join(bounds)}{margin}; in {cells}" if self.of > 1 else f"{', '.join(bounds)}{margin}"

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


def load_claims(path: Path = CLAIMS) -> ClaimFile:
    """Read and validate the claims; every fault names its key, and ids are unique."""
    claims = validate_settings(ClaimFile, read_yaml(path), where=str(path))
    ids = [claim.id for claim in claims.claims]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise SettingsError([f"claims: id '{name}' is given twice" for name in twice], where=str(path))
    return claims


def source_words(claim: Claim) -> str:
    """Where the paper says it, as people cite it; empty if it does not."""
    return claim.source.words() if claim.source else ""
