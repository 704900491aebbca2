"""Tables of what else was measured on a run's replies, each metric under its own name."""

from __future__ import annotations

from collections.abc import Sequence

from paper_repro.report.names import benchmark_order, called
from paper_repro.report.run_rows import columns_of, condition_cells, condition_columns, run_rows
from paper_repro.report.table import Column, Estimate, Table
from paper_repro.score.metrics import METRICS
from paper_repro.score.schema import Result


def relevance_table(results: Sequence[Result]) -> Table | None:
    """Embedding relevance: a proxy, never called acceptability. None if it was not measured."""
    names = ("embedding_relevance", "relevance_top1")
    notes = ("Embedding relevance says whether a reply is about its query; it does not say whether the reply is good.",)
    return metric_table(results, names, "embedding_relevance", "Embedding relevance of this run", notes)


def length_table(results: Sequence[Result]) -> Table | None:
    """Length of the replies and how they end. None if it was not measured."""
    names = ("response_tokens", "finished_rate")
    notes = ("A reply that did not finish was cut at the token limit of the run's settings.",)
    return metric_table(results, names, "response_lengths", "Length of this run's replies", notes)


def metric_table(
    results: Sequence[Result],
    metrics: Sequence[str],
    name: str,
    title: str,
    notes: tuple[str, ...],
    *,
    shared: bool = True,
) -> Table | None:
    """One row a condition and benchmark, one column a metric; None where none of them was measured.

    Args:
        results: Results of a run.
        metrics: Names, left to right.
        name, title, notes: Of the table.
        shared: Whether every benchmark has every metric, so that an absent one is missing; if not, it has no meaning.
    """
    rows = run_rows(results, metrics)
    if not rows:
        return None
    shown, same = condition_columns(rows)
    benchmarks = sorted({benchmark for row in rows for benchmark, _ in row.estimates}, key=benchmark_order)
    columns = (
        *columns_of(shown),
        Column("benchmark", "Benchmark", names_row=True),
        *(
            Column(metric, f"{metric.replace('_', ' ').capitalize()} ({METRICS[metric].unit})", _decimals(metric))
            for metric in metrics
        ),
    )
    cells = tuple(
        (
            *condition_cells(row, shown),
            called(benchmark),
            *(row.estimates.get((benchmark, metric), Estimate(None) if shared else "") for metric in metrics),
        )
        for benchmark in benchmarks
        for row in rows
        if any((benchmark, metric) in row.estimates for metric in metrics)
    )
    meanings = tuple(f"{metric.replace('_', ' ').capitalize()}: {METRICS[metric].meaning}." for metric in metrics)
    return Table(name, title, "this run's scores", columns, cells, (*meanings, *notes, *same))


def _decimals(metric: str) -> int:
    return 1 if METRICS[metric].unit == "tokens" else 2
