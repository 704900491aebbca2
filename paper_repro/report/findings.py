"""The first part of the page: how many findings hold, each finding with its numbers, and the errata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from artifacts.published import Published
from artifacts.published_checks import Check
from paper_repro.report.claims import load_claims
from paper_repro.report.errata import errata_table
from paper_repro.report.page import Section
from paper_repro.report.run_tables import RunTable
from paper_repro.report.table import Column, Table
from paper_repro.report.verdicts import VERDICTS, Outcome, check_claims, check_claims_of_run, claims_table

Counts = dict[str, int]
ON = {
    "claims_testbed": "This project's claims, on this run of the testbed",
    "claims_testbed_shipped": "This project's claims, on the shipped run of the testbed",
    "claims_run": "The paper's findings, on this run",
    "claims_published": "The paper's findings, on its published numbers",
}


def find(
    published: Mapping[str, Published] | None,
    checks: Sequence[Check],
    runs: Mapping[str, RunTable] | None,
    testbed: Sequence[Section],
    facts: Mapping[str, Counts],
) -> tuple[list[Section], dict[str, Counts]]:
    """Sections on the findings, and the paper's verdicts counted.

    Args:
        published: The published numbers, or None.
        checks: Their sums and averages, recomputed.
        runs: The run's tables in the paper's form, or None without a run.
        testbed: The testbed's sections on its claims.
        facts: Verdicts of those, counted, by name.
    """
    claims = load_claims()
    parts, counts = list(testbed), {name: facts[name] for name in ON if name in facts}
    outcomes = check_claims(claims, published) if published else []
    if runs is not None:
        of_run = check_claims_of_run(claims, runs)
        counts["claims_run"] = _verdicts(of_run)
        parts.append(_of_run(of_run, claims.version))
    if published:
        counts["claims_published"] = _verdicts(outcomes)
        text = "Each finding as a statement about the paper's own numbers. Nothing here was measured by this package."
        title = "The paper's findings on its published numbers"
        table = claims_table(outcomes, claims.version, "claims_published", title)
        parts.append(Section("claims-published", "Findings: published numbers", (text,), (table,)))
        errata = errata_table(published, checks, outcomes)
        parts.append(Section("errata-found", "Errata", ("What does not fit in the published numbers.",), (errata,)))
    return [_summary(counts), *parts], {name: counts[name] for name in counts if name not in facts}


def _of_run(outcomes: list[Outcome], version: int) -> Section:
    table = claims_table(outcomes, version, "claims_run", "The paper's findings on this run's numbers")
    told = sum(outcome.verdict in ("holds", "does not hold") for outcome in outcomes)
    text = f"This run decides {told} of the paper's {len(outcomes)} findings; the table gives the reason where not."
    return Section("claims-run", "Findings: this run", (text,), (table,), folded=not told)


def _verdicts(outcomes: Sequence[Outcome]) -> Counts:
    counts = Counter(outcome.verdict for outcome in outcomes)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def _summary(counts: Mapping[str, Counts]) -> Section:
    columns = (
        Column("findings", "Findings", names_row=True),
        *(Column(verdict.replace(" ", "_"), verdict.capitalize(), 0) for verdict in VERDICTS),
    )
    rows = tuple((ON[name], *(counts[name][verdict] for verdict in VERDICTS)) for name in ON if name in counts)
    notes = (
        "Inconclusive: the verdict depends on a number whose interval crosses a bound, on one seed alone, or on a "
        "control that failed. Not run: the numbers are not there.",
    )
    table = Table("verdicts", "How many findings hold", "the tables of findings below", columns, rows, notes)
    return Section("findings", "Verdicts", (), (table,))
