"""How two versions of a data file differ: rows, cells, and by how much the numbers do."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.differences import ABSENT, flat
from artifacts.digests import digest_file
from artifacts.errors import ResponseTuningError
from artifacts.files import read_json, read_jsonl
from paper_repro.score.schema import KEY

Row = dict[str, Any]
# columns that tell rows apart, the first set of them that does so in both files is used; else rows pair by their place
KEYS = (
    tuple(name for name in KEY if name != "model_size"),  # a table may be of before it was a column
    ("row_id",),
    ("prompt_id",),
    ("prompt_id", "judge"),
    ("prompt_id", "judge", "rater"),
    ("step", "row_id"),
    ("id",),
    ("claim",),
    ("step",),
)  # fmt: skip
EXAMPLES = 5
NOTHING = (ABSENT, "", None)
TENSORS = ".safetensors"


@dataclass(frozen=True)
class Cell:
    """One cell that differs: the row's name, the column, and both values."""

    row: str
    column: str
    a: Any
    b: Any


@dataclass(frozen=True)
class FileDifference:
    """How a file differs between two artifacts.

    Attributes:
        name: Path within the artifact.
        how: In words.
        rows_a: Rows (values of a JSON file, tensors of a file of weights) of the first; None if it cannot be read so.
        rows_b: Those of the second.
        rows_differing: Rows that are in one file only or have another value, a number in its last bits included.
        rows_beyond: Of these, rows that differ in more than numbers within the tolerance that was asked about.
        largest: Largest relative difference between two numbers; 0 where none differ.
        largest_absolute: Largest absolute one.
        examples: The first cells that differ beyond the tolerance, else the first that differ.
    """

    name: str
    how: str
    rows_a: int | None = None
    rows_b: int | None = None
    rows_differing: int = 0
    rows_beyond: int = 0
    largest: float = 0.0
    largest_absolute: float = 0.0
    examples: tuple[Cell, ...] = ()


def compare_files(
    name: str, a: Path, b: Path, tolerance: float = 0.0, examples: int | None = EXAMPLES
) -> FileDifference | None:
    """Compare two files of the same name, or None if their bytes are equal.

    CSV, Parquet, JSON and JSON lines are compared by rows, safetensors by tensors, anything else by bytes.

    Args:
        name: What the result calls them.
        a: The first.
        b: The second.
        tolerance: Relative difference up to which two numbers count as near, in `rows_beyond`.
        examples: Most cells to keep; None = all.
    """
    for path, which in ((a, "second"), (b, "first")):
        if not path.is_file():
            return FileDifference(name, f"only in the {which}")
    if a.stat().st_size == b.stat().st_size and digest_file(a) == digest_file(b):
        return None
    if Path(name).suffix == TENSORS:
        return _compare_tensors(name, a, b, tolerance)
    read = _READERS.get(Path(name).suffix)
    if read is None:
        return FileDifference(name, "other bytes")
    try:
        one, other = _named(read(a), read(b))
    except (ValueError, OSError, ResponseTuningError) as error:  # what Arrow cannot read is a ValueError
        return FileDifference(name, f"other bytes, and not readable as {Path(name).suffix}: {error}")
    return _compare_rows(name, one, other, tolerance, examples)


def _compare_rows(
    name: str, one: dict[str, Row], other: dict[str, Row], tolerance: float, most: int | None
) -> FileDifference:
    differing = beyond = 0
    largest = absolute = 0.0
    near: list[Cell] = []
    far: list[Cell] = []
    for key in [*one, *(key for key in other if key not in one)]:
        cells = list(_cells(key, one.get(key), other.get(key)))
        gaps = [gap(cell.a, cell.b) for cell in cells]
        numbers = [found for found in gaps if found is not None]
        is_far = any(found is None or found[0] > tolerance for found in gaps)
        differing += bool(cells)
        beyond += is_far
        largest = max([largest, *(relative for relative, _ in numbers)])
        absolute = max([absolute, *(size for _, size in numbers)])
        (far if is_far else near).extend(cells[:most])
    how = "same content in other bytes" if not differing else "other rows" if set(one) != set(other) else "other values"
    examples = tuple((far or near)[:most])
    return FileDifference(name, how, len(one), len(other), differing, beyond, largest, absolute, examples)


def _cells(key: str, one: Row | None, other: Row | None) -> Iterable[Cell]:
    """Cells that differ; a row of one side is one cell."""
    if one is None or other is None:
        yield Cell(key, "(row)", *("present" if row is not None else ABSENT for row in (one, other)))
        return
    for column in [*one, *(column for column in other if column not in one)]:
        a, b = one.get(column, ABSENT), other.get(column, ABSENT)
        if not _same(a, b):
            yield Cell(key, column, a, b)


def gap(a: Any, b: Any) -> tuple[float, float] | None:
    """Relative and absolute difference of two finite numbers; None where one of them is none."""
    if not (_is_number(a) and _is_number(b)):
        return None
    size = abs(a - b)
    return (size / max(abs(a), abs(b)) if size else 0.0), size  # 0 and 0.0 differ in kind alone


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _same(a: Any, b: Any) -> bool:
    both_nan = isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)
    neither = a in NOTHING and b in NOTHING  # an optional column is left out where no row has a value
    return both_nan or neither or (type(a) is type(b) and a == b)


def _named(*files: list[Row]) -> list[dict[str, Row]]:
    """Rows of files by names that tell them apart in each: by the first of `KEYS` that does, else by their place."""
    for columns in KEYS:
        there = [column for column in columns if all(rows and column in rows[0] for rows in files)]
        if len(there) >= min(2, len(columns)):
            names = [[_name(row, there) for row in rows] for rows in files]
            if all(len(set(found)) == len(found) for found in names):
                return [dict(zip(found, rows, strict=True)) for found, rows in zip(names, files, strict=True)]
    return [{f"row {place}": row for place, row in enumerate(rows)} for rows in files]


def _name(row: Row, columns: Sequence[str]) -> str:
    return ", ".join(str(row.get(column)) for column in columns if row.get(column) not in NOTHING)


def _csv(path: Path) -> list[Row]:
    with open(path, encoding="utf-8", newline="") as lines:
        return [{key: _number(text) for key, text in row.items()} for row in csv.DictReader(lines)]


def _number(text: str | None) -> Any:
    """A CSV cell as the number that it shows, or as it stands."""
    try:
        return float(text) if text else text
    except (TypeError, ValueError):
        return text


def _parquet(path: Path) -> list[Row]:
    import pyarrow.parquet as pq

    return [flat(row) for row in pq.read_table(path).to_pylist()]


def _json(path: Path) -> list[Row]:
    value = read_json(path)
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return [flat(row) for row in value]
    return [{"id": key, "value": leaf} for key, leaf in flat(value).items()]


def _jsonl(path: Path) -> list[Row]:
    return [flat(row) for row in read_jsonl(path)]


def _compare_tensors(name: str, a: Path, b: Path, tolerance: float) -> FileDifference:
    """Tensors are the rows; their relative difference is the largest one over the largest value of either."""
    from safetensors import safe_open

    with safe_open(a, framework="pt") as one, safe_open(b, framework="pt") as other:
        names = sorted({*one.keys(), *other.keys()})
        here = [set(file.keys()) for file in (one, other)]
        cells = [_tensor_cell(key, one, other) if all(key in keys for keys in here) else None for key in names]
    pairs = list(zip(names, cells, strict=True))
    gaps = [cell for cell in cells if cell is not None]
    changed = [(key, cell) for key, cell in pairs if cell is None or cell[1] != 0]
    return FileDifference(
        name,
        "other tensors" if None in cells else "other values" if changed else "same tensors in other bytes",
        *(len(keys) for keys in here),
        len(changed),
        sum(cell is None or cell[0] > tolerance for _, cell in changed),
        max((relative for relative, _ in gaps), default=0.0),
        max((size for _, size in gaps), default=0.0),
    )


def _tensor_cell(key: str, one: Any, other: Any) -> tuple[float, float] | None:
    """Relative and absolute difference of two tensors; None where shape or number type differ."""
    a, b = one.get_tensor(key), other.get_tensor(key)
    if a.shape != b.shape or a.dtype != b.dtype:
        return None
    if not a.numel():
        return 0.0, 0.0
    size = float((a.double() - b.double()).abs().max())
    return (size / max(float(a.double().abs().max()), float(b.double().abs().max())) if size else 0.0), size


_READERS: dict[str, Callable[[Path], list[Row]]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".json": _json,
    ".jsonl": _jsonl,
}
