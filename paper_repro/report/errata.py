"""Errata: what does not fit among the published numbers, or between them and the paper's text; computed, not typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from artifacts.published import Published, label
from artifacts.published_checks import Check
from artifacts.published_tables import REFUSAL_COUNTS
from paper_repro.report.claims import source_words
from paper_repro.report.table import Cell, Column, Table
from paper_repro.report.tables import PAPER, heading
from paper_repro.report.verdicts import Outcome

NAMED = ("table_05/response_acceptance_rate/Gemma-2-9B",)  # in our specification's list, though rounding explains it
STANDS, EXPLAINED, OPEN = "stands", "explained by rounding", "not checked"
COLUMNS = (
    Column("id", "Erratum", names_row=True),
    Column("where", "Where", names_row=True),
    Column("said", "What is printed or said", names_row=True),
    Column("found", "What the numbers give", names_row=True),
    Column("status", "Status", names_row=True),
)
Row = tuple[Cell, ...]


def errata_table(tables: Mapping[str, Published], checks: Sequence[Check], outcomes: Sequence[Outcome]) -> Table:
    """Every erratum.

    Args:
        tables: The published numbers.
        checks: Their sums and averages, recomputed.
        outcomes: The claims on the published numbers.
    """
    rows = (*_sums(checks), *_claims(outcomes), *_falls(tables["table_15_16"]), _demonstrations())
    notes = (
        "Stands: the numbers contradict what is printed or said, beyond what rounding hides. Explained by rounding: "
        "they differ, by no more than that. Not checked: what would be needed is not part of this package.",
    )
    return Table("errata", "Errata of the published numbers", PAPER, COLUMNS, rows, notes)


def _sums(checks: Sequence[Check]) -> Iterator[Row]:
    """Printed sums and averages that the printed parts do not give."""
    for check in checks:
        if check.status == "agrees" and check.id not in NAMED:
            continue
        name, column, cell = check.id.split("/")
        where = f"{_words(name)}, {cell}"
        lowest, highest = check.recomputed - check.tolerance, check.recomputed + check.tolerance
        found = f"{check.recomputed:.3f} ({check.what}); rounding explains {lowest:.3f} to {highest:.3f}"
        said = f"{heading(column)}: {check.printed:.2f}"
        status = EXPLAINED if check.status == "agrees" else STANDS
        yield check.id, where, said, f"{found}; {check.note}" if check.note else found, status


def _claims(outcomes: Sequence[Outcome]) -> Iterator[Row]:
    """Findings that the published numbers do not bear out, or that they cannot decide."""
    for outcome in outcomes:
        if outcome.verdict != "holds":
            status = STANDS if outcome.verdict == "does not hold" else OPEN
            counted = "" if outcome.within is None else f"{outcome.within} of {outcome.cells} cells; "
            where = source_words(outcome.claim)
            yield (
                f"claim/{outcome.claim.id}",
                where,
                f"Our reading: {outcome.claim.statement}",
                f"{counted}{outcome.why}",
                status,
            )


def _falls(published: Published) -> Iterator[Row]:
    """Pairs of counts of refusals of which the larger gives the lower average rate, by model, data set and method."""
    cells = published.cells()
    for series in dict.fromkeys(key[:3] for key in cells):
        rates = {count: cells[*series, count]["average"] for count in REFUSAL_COUNTS}
        falls = [(few, many) for few, many in combinations(REFUSAL_COUNTS, 2) if rates[many] < rates[few]]
        if falls:
            found = "; ".join(f"{few} to {many} refusals: {rates[few]:.2f} to {rates[many]:.2f}" for few, many in falls)
            said = "more refusals in training raise the refusal rate"
            yield f"not-monotone/{label(series)}", f"Tables 15 and 16, {label(series)}", said, found, STANDS


def _demonstrations() -> Row:
    """The number of demonstrations in the in-context prompt; only our own prompt can be counted here."""
    from paper_repro.in_context.template import load_template

    own = len(load_template("fences").demonstrations)
    found = (
        "the prompt file that the text points to holds 3 pairs and the query, by our notes on version 3 of the paper; "
        f"the file is not part of this package, so it is not counted here (this package's own prompt holds {own} pairs)"
    )
    return "in-context/demonstrations", "Section 6", "URIAL's prompt shows 4 demonstrations", found, OPEN


def _words(name: str) -> str:
    kind, *numbers = name.split("_")
    return f"{kind.capitalize()} {' and '.join(str(int(number)) for number in numbers)}"
