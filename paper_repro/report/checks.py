"""The recomputed sums and averages of the published numbers, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from artifacts.errors import StageError
from artifacts.published_checks import Check
from paper_repro.report.table import Column, Table
from paper_repro.report.tables import PAPER

COLUMNS = (
    Column("id", "Number", names_row=True),
    Column("what", "Rule", names_row=True),
    Column("printed", "Printed", 2),
    Column("recomputed", "Recomputed", 4),
    Column("tolerance", "Rounding explains", 3),
    Column("status", "Status", names_row=True),
    Column("note", "Note", names_row=True),
)


def checks_table(checks: Sequence[Check]) -> Table:
    """All checks."""
    return _table("checks", "Sums and averages of the published numbers, recomputed", checks)


def differences_table(checks: Sequence[Check]) -> Table:
    """Only the checks beyond rounding; the page shows these."""
    found = [check for check in checks if check.status != "agrees"]
    return _table("differences", f"{len(found)} of {len(checks)} recomputed numbers differ", found)


def _table(name: str, title: str, checks: Sequence[Check]) -> Table:
    rows = tuple((c.id, c.what, c.printed, c.recomputed, c.tolerance, c.status, c.note) for c in checks)
    notes = (
        "Rounding explains: half a unit of the last digit of each part, summed or averaged, and of the result.",
        "Known: beyond rounding, and listed with its reason; any other difference stops the report.",
    )
    return Table(name, title, PAPER, COLUMNS, rows, notes)


def count_checks(checks: Sequence[Check]) -> dict[str, int]:
    """Checks by status, for the summary."""
    counts = Counter(check.status for check in checks)
    return {status: counts[status] for status in ("agrees", "known", "differs")}


def refuse_unknown(checks: Sequence[Check]) -> None:
    """Raise StageError if a difference is not a known one: our copy of the numbers was changed or is wrong."""
    found = [check for check in checks if check.status == "differs"]
    if found:
        lines = [
            f"{c.id}: printed {c.printed:g}, recomputed {c.recomputed:.4g}, rounding explains {c.tolerance:g}"
            for c in found
        ]
        raise StageError(
            "published numbers do not add up:\n  - " + "\n  - ".join(lines),
            fix="see checks.csv; compare the numbers with the paper",
        )
