"""From the results that lm-eval writes to the numbers of the six benchmarks and their average. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from artifacts.errors import InputError
from paper_repro.capabilities.benchmarks import CORE, Benchmark, Task
from paper_repro.score.statistics import combined_interval, wilson

AVERAGE = "core"
MMLU_PARTS = ("stem", "humanities", "social_sciences", "other")


@dataclass(frozen=True, slots=True)
class Capability:
    """One number of one benchmark.

    Attributes:
        benchmark: Name in the results table (`core` = the average of the six).
        part: Part of it (of MMLU a field, of ARC a task), or None for the whole.
        task: lm-eval's name of the task, group or tag.
        metric: lm-eval's key: metric and filter.
        name: Our name of the metric.
        value: The estimate, 0 to 1.
        stderr: lm-eval's standard error; None where it gives none (a single row).
        low: Lower end of the 95 % interval: Wilson's of right answers; of a mean of tasks what the intervals of the
            tasks give (`combined_interval`). It has a width where all of a few answers are right, or wrong; the
            standard error has none there.
        high: Upper end.
        n: Rows asked.
        rows: Rows of the whole benchmark; None where that is not known.
        reported: Whether it is the benchmark's number in the paper's table.
    """

    benchmark: str
    part: str | None
    task: str
    metric: str
    name: str
    value: float
    stderr: float | None
    low: float
    high: float
    n: int
    rows: int | None
    reported: bool = False

    @property
    def label(self) -> str:
        """Benchmark with its part: what the results table calls it."""
        return self.benchmark if self.part is None else f"{self.benchmark}-{self.part.replace('_', '-')}"

    @property
    def coverage(self) -> str | None:
        """`full`, or `partial` where rows of the benchmark were not asked."""
        return None if self.rows is None else "full" if self.n == self.rows else "partial"

    def resolved(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self) | {"label": self.label, "coverage": self.coverage}


def capabilities(results: Mapping[str, Any], where: str) -> list[Capability]:
    """All numbers that lm-eval's results give of the six benchmarks, and their average if all six are there.

    Args:
        results: What `simple_evaluate` returns and `lm_eval --output_path` writes.
        where: File, for messages.

    Raises:
        InputError: not such results, or a number of one of the benchmarks that is absent or no share.
    """
    found: list[Capability] = []
    for benchmark in CORE:
        found += _mean_of_parts(benchmark, results, where) if len(benchmark.parts) > 1 else []
        for part in benchmark.parts:
            found += _of_task(benchmark, part, results, where)
    return found + _average([one for one in found if one.reported])


def missing(found: Sequence[Capability]) -> list[Benchmark]:
    """Benchmarks without a reported number."""
    there = {one.benchmark for one in found if one.reported}
    return [benchmark for benchmark in CORE if benchmark.name not in there]


def _of_task(benchmark: Benchmark, task: Task, results: Mapping[str, Any], where: str) -> list[Capability]:
    """Numbers of one task; of MMLU also of its four fields. Nothing if the results lack the task."""
    numbers = _field(results, "results", where)
    if task.name not in numbers:
        return []
    alone = len(benchmark.parts) == 1
    part = None if alone else task.name.split("_", 1)[1]
    names = {task.name: (part, task.rows)}
    if task.name == "mmlu":
        names |= {f"mmlu_{field}": (field, None) for field in MMLU_PARTS if f"mmlu_{field}" in numbers}
    found = []
    for name, (own, rows) in names.items():
        n = _asked(results, name, where)
        for key, metric in benchmark.metrics.items():
            value, stderr = _value(numbers, name, key, where)
            low, high = _interval(value, n)
            reported = alone and name == task.name and key == benchmark.reported
            found.append(
                Capability(benchmark.name, own, name, key, metric, value, stderr, low, high, n, rows, reported)
            )
    return found


def _mean_of_parts(benchmark: Benchmark, results: Mapping[str, Any], where: str) -> list[Capability]:
    """Plain means over a benchmark's tasks; nothing unless the results have all of them."""
    numbers = _field(results, "results", where)
    if any(part.name not in numbers for part in benchmark.parts):
        return []
    n = sum(_asked(results, part.name, where) for part in benchmark.parts)
    found = []
    for key, metric in benchmark.metrics.items():
        parts = [one for part in benchmark.parts for one in _of_task(benchmark, part, results, where)]
        same = [one for one in parts if one.metric == key]
        common = {"n": n, "rows": benchmark.rows, "reported": key == benchmark.reported}
        found.append(_mean(benchmark.name, benchmark.task, key, metric, same, **common))
    return found


def _average(reported: Sequence[Capability]) -> list[Capability]:
    """The paper's average: of the six numbers, each with equal weight. Nothing if one is missing."""
    if len(reported) != len(CORE):
        return []
    n, rows = sum(one.n for one in reported), sum(benchmark.rows for benchmark in CORE)
    tasks = "+".join(one.task for one in reported)
    return [_mean(AVERAGE, tasks, "mean of the six", "core_average", reported, n=n, rows=rows, reported=False)]


def _mean(benchmark: str, task: str, key: str, metric: str, of: Sequence[Capability], **common: Any) -> Capability:
    """Mean of numbers of separate sets of rows: their errors are independent."""
    value = math.fsum(one.value for one in of) / len(of)
    errors = [one.stderr for one in of if one.stderr is not None]
    stderr = math.sqrt(math.fsum(error**2 for error in errors)) / len(of) if len(errors) == len(of) else None
    low, high = combined_interval([(one.value, one.low, one.high) for one in of], [1 / len(of)] * len(of))
    return Capability(benchmark, None, task, key, metric, value, stderr, *_around(value, low, high), **common)


def _interval(value: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a share of n rows; too wide rather than too narrow where a row can be right in part."""
    right = round(value * n)
    return _around(value, *wilson(right if abs(right - value * n) <= 1e-6 * n else value * n, n))


def _around(value: float, low: float, high: float) -> tuple[float, float]:
    """The interval within 0 and 1, and rounding may not put its ends on the wrong side of the value."""
    return max(0.0, min(low, value)), min(1.0, max(high, value))


def _value(numbers: Mapping[str, Any], task: str, key: str, where: str) -> tuple[float, float | None]:
    """A number and its standard error ("N/A" = None)."""
    value = numbers[task].get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InputError(f"'{key}' of the task '{task}' is {value!r}", where=where, fix="a number from 0 to 1")
    metric, _, selected = key.partition(",")
    stderr = numbers[task].get(f"{metric}_stderr,{selected}")
    usable = isinstance(stderr, int | float) and not isinstance(stderr, bool) and math.isfinite(stderr)
    return float(value), float(stderr) if usable else None


def _asked(results: Mapping[str, Any], name: str, where: str) -> int:
    """Rows asked of a task, or of all tasks of a group."""
    members = results.get("group_subtasks", {}).get(name) or []
    if members:
        return sum(_asked(results, member, where) for member in members)
    counts = _field(results, "n-samples", where).get(name)
    n = counts.get("effective") if isinstance(counts, Mapping) else None
    if not isinstance(n, int) or n < 1:
        raise InputError(f"'n-samples' does not say how many rows of '{name}' were asked", where=where)
    return n


def _field(results: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = results.get(key) if isinstance(results, Mapping) else None
    if not isinstance(value, Mapping) or not all(isinstance(one, Mapping) for one in value.values()):
        raise InputError(f"not results of lm-eval: no '{key}', tasks to numbers", where=where)
    return value
