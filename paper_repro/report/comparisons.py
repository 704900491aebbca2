"""The table of paired comparisons of a run."""

from __future__ import annotations

from collections.abc import Sequence

from paper_repro.report.names import called
from paper_repro.report.table import Column, Estimate, Table
from paper_repro.score.comparisons import Comparison
from paper_repro.score.metrics import METRICS

COLUMNS = (
    Column("benchmark", "Benchmark", names_row=True),
    Column("metric", "Metric", names_row=True),
    Column("base_model", "Base model", names_row=True),
    Column("condition", "Condition", names_row=True),
    Column("pair", "Compared", names_row=True),
    Column("value_first", "First", 3),
    Column("value_second", "Second", 3),
    Column("difference", "Difference", 3),
    Column("p", "p", 4),
    Column("p_holm", "p, Holm", 4),
    Column("test", "Test", names_row=True),
)
NOTES = (
    "Both of a pair were asked the same prompts. Intervals (95 %) resample prompts for both together, and seeds where "
    "there are several; n counts prompts.",
    "p: exact McNemar test for rates of one seed, else a permutation test that swaps the two prompt by prompt; "
    "two-sided. Beside it p corrected for all comparisons of the study (Holm). With one training seed a small p says "
    "nothing about other seeds.",
)
_WORDS = {"num_refusals": "refusals", "strategy": "strategy", "method": ""}


def comparisons_table(comparisons: Sequence[Comparison]) -> Table | None:
    """Every comparison with its difference, interval and tests; None where there is none."""
    if not comparisons:
        return None
    rows = tuple(_row(one) for one in comparisons)
    units = sorted({METRICS[one.metric].unit for one in comparisons})
    notes = (*NOTES, f"Units: {', '.join(units)}.")
    return Table("comparisons", "Conditions compared pair by pair", "this run's scores", COLUMNS, rows, notes)


def _row(one: Comparison) -> tuple:
    difference = Estimate(one.difference, one.low, one.high, one.prompts, one.unclassified or None)
    return (
        called(one.benchmark),
        one.metric.replace("_", " "),
        one.base_model,
        _condition(one),
        f"{one.first} less {one.second} {_WORDS[one.factor]}".strip(),
        one.value_first,
        one.value_second,
        difference,
        one.p,
        one.p_holm,
        one.test,
    )


def _condition(one: Comparison) -> str:
    """What the two share, in words."""
    parts = [one.response_set, one.method]
    if one.num_refusals:
        parts.append(f"{one.num_refusals} refusals" + (f" ({one.strategy})" if one.strategy else ""))
    if one.learning_rate is not None:
        parts.append(f"rate {one.learning_rate:g}")
    parts.append(None if one.seeds == 1 else f"{one.seeds} seeds")
    return ", ".join(part for part in parts if part) or ""
