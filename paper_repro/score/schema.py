"""The results table: one row a condition, benchmark, metric and judge. Checked when written and when read."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from artifacts.errors import InputError, StageError
from artifacts.files import atomic_path, write_text
from paper_repro.columns import OPTIONAL, is_optional
from paper_repro.conditions import METHODS
from paper_repro.score.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS_PARQUET = "results.parquet"
RESULTS_CSV = "results.csv"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: name, Arrow type, whether null is allowed, what it holds and in which unit.

    An optional one is written only where a row has a value, and a table may lack it.
    """

    name: str
    type: pa.DataType
    nullable: bool
    meaning: str
    unit: str = ""
    optional: bool = False

    @property
    def field(self) -> pa.Field:
        """The column in an Arrow schema."""
        return pa.field(self.name, self.type, self.nullable, metadata=OPTIONAL if self.optional else None)


COLUMNS = (
    Column("study", pa.string(), False, "Study the row belongs to"),
    Column("base_model", pa.string(), False, "Name of the base weights"),
    Column("model_size", pa.int64(), False, "Parameters of the base model", "parameters"),
    Column("response_set", pa.string(), True, "Base response set; null where nothing was tuned"),
    Column("recipe", pa.string(), True, "Curation recipe of the base set; null where nothing was tuned"),
    Column("method", pa.string(), False, "RT, IT, untuned, or in context: URIAL, URIAL-R, 0-shot"),
    Column("num_refusals", pa.int64(), True, "Refusals mixed into training; null where nothing was tuned", "responses"),
    Column("strategy", pa.string(), True, "How they were selected; null without tuning or refusals"),
    Column("seed", pa.int64(), True, "Training seed; null where nothing was tuned"),
    Column("benchmark", pa.string(), False, "Benchmark with its subset, named as in the paper"),
    Column("metric", pa.string(), False, "A name of `paper_repro.score.metrics.METRICS`"),
    Column("value", pa.float64(), True, "The estimate; null if no reply could be classified", "of the metric"),
    Column("n", pa.int64(), False, "Prompts judged, with the unclassified and failed ones", "prompts"),
    Column("low", pa.float64(), True, "Lower end of the 95 % interval", "of the metric"),
    Column("high", pa.float64(), True, "Upper end of the 95 % interval", "of the metric"),
    Column("unclassified", pa.int64(), False, "Replies without a readable verdict, counted as neither", "prompts"),
    Column("failed", pa.int64(), False, "Replies the judge could not be asked about, counted as neither", "prompts"),
    Column("judge", pa.string(), True, "Judge; null for facts of the reply itself (length, ending)"),
    Column("digest", pa.string(), False, "Digest of the verdicts artifact"),
    Column("learning_rate", pa.float64(), True, "Of tuning; null where nothing was tuned or known", optional=True),
    Column("against", pa.string(), True, "What was compared with, by where it differs: method=IT", optional=True),
)
SCHEMA = pa.schema([column.field for column in COLUMNS])
KEY = (
    "study",
    "base_model",
    "model_size",
    "response_set",
    "recipe",
    "method",
    "num_refusals",
    "strategy",
    "seed",
    "learning_rate",
    "benchmark",
    "metric",
    "judge",
)  # names a row; no two rows share it


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the results table; the meaning of every field is in `COLUMNS`."""

    study: str
    base_model: str
    model_size: int
    response_set: str | None
    recipe: str | None
    method: str
    num_refusals: int | None
    strategy: str | None
    seed: int | None
    benchmark: str
    metric: str
    value: float | None
    n: int
    low: float | None
    high: float | None
    unclassified: int
    failed: int
    judge: str | None
    digest: str
    learning_rate: float | None = None
    against: str | None = None

    @property
    def key(self) -> tuple:
        """What names the row: all columns but the numbers and the digest."""
        return tuple(getattr(self, name) for name in KEY)


def sort_key(result: Result) -> tuple:
    """Order of the table: by key, nulls first, methods as in `conditions.METHODS`, numbers as numbers."""
    ordered = [METHODS.index(value) if name == "method" else value for name, value in zip(KEY, result.key, strict=True)]
    return tuple((value is not None, value if value is not None else 0) for value in ordered)


def faults(results: Sequence[Result]) -> list[str]:
    """Everything wrong with a table, one sentence a fault, naming the row (counted from 0)."""
    found = [f"row {index}: {fault}" for index, row in enumerate(results) for fault in _row_faults(row)]
    seen: dict[tuple, int] = {}
    for index, result in enumerate(results):
        first = seen.setdefault(result.key, index)
        if first != index:
            found.append(f"row {index}: names the same as row {first} ({_named(result)})")
    return found


def _named(result: Result) -> str:
    return ", ".join(f"{name}={value}" for name, value in zip(KEY, result.key, strict=True) if value is not None)


def _row_faults(row: Result) -> list[str]:
    found = [f"{c.name} is missing" for c in COLUMNS if not c.nullable and getattr(row, c.name) is None]
    if found:
        return found
    if row.metric not in METRICS:
        return [f"unknown metric '{row.metric}' (known: {', '.join(METRICS)})"]
    if row.method not in METHODS:
        found.append(f"unknown method '{row.method}' (known: {', '.join(METHODS)})")
    least = 0 if row.value is None else 1  # no refusal at all: a precision is a share of nothing
    if row.n < least or row.unclassified < 0 or row.failed < 0 or row.unclassified + row.failed > row.n:
        found.append(f"counts do not fit: n {row.n}, unclassified {row.unclassified}, failed {row.failed}")
    return found + _number_faults(row)


def _number_faults(row: Result) -> list[str]:
    numbers = [number for number in (row.low, row.value, row.high) if number is not None]
    if not all(math.isfinite(number) for number in numbers):
        return ["value, low and high must be finite numbers or null"]
    found = []
    if (row.low is None) != (row.high is None) or (row.value is None and row.low is not None):
        found.append("low and high come together, and only with a value")
    elif numbers != sorted(numbers):
        found.append(f"not low <= value <= high: {row.low}, {row.value}, {row.high}")
    least = -1 if METRICS[row.metric].minus else 0
    if METRICS[row.metric].kind != "mean" and any(not least <= number <= 1 for number in numbers):
        found.append(f"a rate lies between {least} and 1, found {numbers}")
    return found


def written_schema(rows: Sequence[Result]) -> pa.Schema:
    """`SCHEMA` without the optional columns that no row has a value for."""
    fields = [f for f in SCHEMA if not is_optional(f) or any(getattr(row, f.name) is not None for row in rows)]
    return pa.schema([field.remove_metadata() for field in fields])


def to_table(results: Iterable[Result]) -> pa.Table:
    """Results as an Arrow table (see `written_schema`), in the given order."""
    rows = list(results)
    schema = written_schema(rows)
    return pa.table({name: [getattr(row, name) for row in rows] for name in schema.names}, schema=schema)


def to_csv(results: Iterable[Result]) -> str:
    """Results as CSV: one header line, an empty field for null, every digit of a number."""
    file = io.StringIO()
    rows = list(results)
    writer = csv.DictWriter(file, written_schema(rows).names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(result) for result in rows)
    return file.getvalue()


def write_results(results: Iterable[Result], folder: Path) -> list[Result]:
    """Sort, check and write `results.parquet` and `results.csv`; returns the rows as written.

    Raises:
        StageError: a row that breaks the schema, or two rows of one name; every fault is listed.
    """
    rows = write_parquet(results, folder)
    write_text(folder / RESULTS_CSV, to_csv(rows))
    return rows


def write_parquet(results: Iterable[Result], folder: Path) -> list[Result]:
    """Sort, check and write `results.parquet` alone; returns the rows as written.

    Raises:
        StageError: as `write_results`.
    """
    import pyarrow.parquet as pq

    rows = list(results)
    wrong = faults(rows)
    if wrong:
        raise StageError("not a results table:\n  - " + "\n  - ".join(wrong), where=str(folder))
    rows.sort(key=sort_key)
    with atomic_path(folder / RESULTS_PARQUET) as temporary:
        pq.write_table(to_table(rows), temporary)
    return rows


def read_results(path: Path) -> list[Result]:
    """Read a results table and check it: a `scores` folder, or a `results.parquet`.

    Raises:
        InputError: no such file, not Parquet, other columns or types, or rows that break the schema.
    """
    import pyarrow.parquet as pq

    file = path / RESULTS_PARQUET if path.is_dir() else path
    if not file.is_file():
        raise InputError("no such file", where=str(file), fix="run rt score, which writes it")
    try:
        table = pq.ParquetFile(file).read()
    except pa.ArrowInvalid as error:
        raise InputError(f"not a Parquet file: {error}", where=str(file)) from None
    if not fits(table.schema):
        raise InputError(
            f"not a results table; its columns: {_shape(table.schema)}",
            where=str(file),
            fix=f"expected: {_shape(SCHEMA)}",
        )
    results = [Result(**row) for row in table.to_pylist()]
    wrong = faults(results)
    if wrong:
        raise InputError("not a results table:\n  - " + "\n  - ".join(wrong), where=str(file))
    return results


def fits(schema: pa.Schema) -> bool:
    """Whether a file's columns are those of `SCHEMA`, in its order; optional ones may be absent."""
    expected = [field for field in SCHEMA if not is_optional(field) or field.name in schema.names]
    return [(f.name, f.type) for f in schema] == [(f.name, f.type) for f in expected]


def _shape(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


assert [field.name for field in fields(Result)] == SCHEMA.names
