"""Results of our own runs, arranged by condition: what all tables and figures of a run start from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from paper_repro.report.table import Cell, Column, Estimate
from paper_repro.score.schema import Result

METHODS = ("untuned", "0-shot", "URIAL", "URIAL-R", "IT", "RT")
CONDITION = (
    "study",
    "base_model",
    "response_set",
    "recipe",
    "method",
    "num_refusals",
    "strategy",
    "seed",
    "learning_rate",
    "judge",
)
HEADINGS = {
    "study": "Study",
    "base_model": "Base model",
    "response_set": "Response set",
    "recipe": "Recipe",
    "method": "Method",
    "num_refusals": "Refusals",
    "strategy": "Strategy",
    "seed": "Seed",
    "learning_rate": "Learning rate",
    "judge": "Judge",
}
# columns that a table leaves out, and a note tells, when they are the same in all rows
QUIET = ("study", "recipe", "seed", "learning_rate", "judge")


@dataclass(frozen=True)
class RunRow:
    """One condition and its measurements by (benchmark, metric)."""

    condition: tuple[str | int | float | None, ...]
    estimates: dict[tuple[str, str], Estimate] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str | int | float | None:
        """A value of the condition by its column's name."""
        return self.condition[CONDITION.index(name)]


def run_rows(results: Sequence[Result], metrics: Collection[str]) -> list[RunRow]:
    """Group the results of some metrics by condition, in the order of Tables 15 and 16: by method, then by refusals."""
    rows: dict[tuple, RunRow] = {}
    for result in results:
        if result.metric in metrics:
            condition = tuple(getattr(result, name) for name in CONDITION)
            estimate = Estimate(result.value, result.low, result.high, result.n, result.unclassified, result.failed)
            rows.setdefault(condition, RunRow(condition)).estimates[result.benchmark, result.metric] = estimate
    return sorted(rows.values(), key=_order)


def _order(row: RunRow) -> tuple:
    """Untuned first, IT before RT, the paper's strategy before others; null before all values."""
    values = [row[name] for name in ("study", "judge", "base_model", "response_set", "recipe", "seed")]
    values += [METHODS.index(row["method"]), row["num_refusals"], row["strategy"] != "paper", row["strategy"]]
    values.append(row["learning_rate"])
    return tuple((value is not None, value if value is not None else 0) for value in values)


def condition_columns(rows: Sequence[RunRow]) -> tuple[list[str], list[str]]:
    """Names of the condition's columns to show, and sentences on those that are the same in all rows."""
    shown, same = list(CONDITION), []
    for name in QUIET:
        values = {row[name] for row in rows} - {None}
        if len(values) <= 1:
            shown.remove(name)
            same += [f"{HEADINGS[name].lower()} {_text(value)}" for value in values]
    return shown, [f"All rows: {', '.join(same)}."] if same else []


def columns_of(names: Sequence[str]) -> tuple[Column, ...]:
    """Table columns of a condition."""
    return tuple(Column(name, HEADINGS[name], 0, names_row=True) for name in names)


def condition_cells(row: RunRow, names: Sequence[str]) -> tuple[Cell, ...]:
    """A condition's cells; what does not apply (an untuned model's response set) is a dash."""
    return tuple(_text(row[name]) for name in names)


def _text(value: str | float | None) -> Cell:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else value
