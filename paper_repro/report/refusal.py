"""Refusal rates of our own runs in the form of Tables 15 and 16, one row a condition and seed."""

from __future__ import annotations

from collections.abc import Sequence

from paper_repro.report.names import called
from paper_repro.report.run_forms import REFUSALS, Measure
from paper_repro.report.run_rows import RunRow, columns_of, condition_cells, condition_columns
from paper_repro.report.table import Column, Estimate, Table
from paper_repro.report.tables import heading, refusal_notes

METRICS = ("refusal_rate", "false_refusal_rate")


def paper_columns(row: RunRow) -> dict[str, Estimate]:
    """A condition's rates under the paper's column names; what was not measured has no value."""
    return {name: _estimate(one, row) for name, one in REFUSALS.items()}


def _estimate(measure: Measure, row: RunRow) -> Estimate:
    if measure.whole in row.estimates:
        return row.estimates[measure.whole]
    return _mean([(weight, row.estimates.get(tuple(source), Estimate(None))) for *source, weight in measure.parts])


def _mean(parts: Sequence[tuple[float, Estimate]]) -> Estimate:
    """Weighted mean of rates, without an interval where there are several; no value unless all parts have one."""
    if len(parts) == 1:
        return parts[0][1]
    if any(part.value is None for _, part in parts):
        return Estimate(None)
    counts = [sum(getattr(part, name) for _, part in parts) for name in ("n", "unclassified", "failed")]
    return Estimate(sum(weight * part.value for weight, part in parts), None, None, *counts)


def other_false_refusals(rows: Sequence[RunRow]) -> list[tuple[str, str]]:
    """Benign benchmarks that the paper's table does not have (e.g. AlpacaEval), in order of name."""
    known = {(benchmark, metric) for one in REFUSALS.values() for benchmark, metric, _ in one.parts}
    return sorted({key for row in rows for key in row.estimates if key not in known and key[1] == METRICS[1]})


def refusal_table(rows: Sequence[RunRow]) -> Table:
    """Refusal rates by condition: the form of Tables 15 and 16, each with interval, n and unclassified count."""
    names, same = condition_columns(rows)
    others = other_false_refusals(rows)
    columns = (
        *columns_of(names),
        *_rate_columns(),
        *(Column(f"{name.replace('-', '_')}_false_refusal", f"{called(name)} (false refusals)") for name, _ in others),
    )
    cells = tuple(
        (
            *condition_cells(row, names),
            *paper_columns(row).values(),
            *(row.estimates.get(key, Estimate(None)) for key in others),
        )
        for row in rows
    )
    notes = (
        *refusal_notes(),
        *same,
        "In brackets the 95 % interval over prompts; the average over benchmarks has none. "
        "n counts all prompts judged; unclassified and failed ones are in n and count as no refusal.",
        "Missing: not measured in this run. The average is given only where all four of its parts are.",
    )
    return Table("refusal_rates", "Refusal rates of this run", "this run's scores", columns, cells, notes)


def _rate_columns() -> tuple[Column, ...]:
    return tuple(Column(name, heading(name)) for name in REFUSALS)
