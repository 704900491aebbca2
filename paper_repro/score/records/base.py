"""What every reader of judge records shares: rows with their place in the file, checked fields, and the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from data_curation.readers.formats import raw_rows
from data_curation.readers.json_rows import type_word


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its values, and where it stands (`file:line`, or `file, row N` where there are no lines)."""

    values: Mapping[str, Any]
    where: str

    def get(self, key: str, *kinds: type, null: bool = False) -> Any:
        """The value of `key`.

        Args:
            key: Name of the field.
            kinds: Types that it may have.
            null: Whether it may be null (an absent field still may not).

        Raises:
            InputError: the field is absent or of another type; names file, line and key.
        """
        if key not in self.values:
            keys = ", ".join(map(str, self.values))
            raise InputError(f"the record has no '{key}'", where=self.where, fix=f"its keys: {keys}")
        value = self.values[key]
        if (value is None and null) or (isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))):
            return value
        raise InputError(f"'{key}' is {type_word(value)}", where=self.where, fix=f"it must be {_words(kinds)}")


def _words(kinds: Sequence[type]) -> str:
    names = {str: "text", list: "a list", dict: "an object", int: "a number", float: "a number", bool: "true or false"}
    return " or ".join(dict.fromkeys(names[kind] for kind in kinds))


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a benchmark.

    Attributes:
        metric: Its name.
        value: The estimate, or None where no record has a readable verdict.
        n: Units judged (prompts, or requirements for a DRFR), the unclassified ones with them.
        unit: Unit of value, low and high.
        low: Lower end of its 95 % interval; None where there is none.
        high: Upper end.
        unclassified: How many of n have no readable verdict.
        subset: Part of the benchmark, or None for the whole.
    """

    metric: str
    value: float | None
    n: int
    unit: str = "share"
    low: float | None = None
    high: float | None = None
    unclassified: int = 0
    subset: str | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """The numbers of a file.

    Attributes:
        records: Records read.
        numbers: What they give.
        notes: What a reader has to know: what is absent and why, what was read differently.
        facts: Facts of the file: names of the models compared, of the judge.
    """

    records: int
    numbers: list[Number]
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def resolved(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def read_records(path: Path) -> list[Row]:
    """All records of a file (JSON array, JSON Lines, CSV or Parquet; .gz and .zst too), in order.

    Raises:
        InputError: the file cannot be read, a row is no record, or there is none.
    """
    rows = list(_rows(path))
    if not rows:
        raise InputError("there are no records in it", where=str(path))
    return rows


def _rows(path: Path) -> Iterator[Row]:
    for raw in raw_rows(path):
        where = f"{path}:{raw.line}" if raw.line is not None else f"{path}, row {raw.row}"
        if raw.values is None:
            raise InputError(str(raw.fault), where=where)
        yield Row(raw.values, where)


def only(rows: Sequence[Row], key: str) -> str | None:
    """The one value that `key` has in all records that have it; None where none has.

    Raises:
        InputError: two values, e.g. the answers of two models in one file.
    """
    first: Row | None = None
    for row in rows:
        if row.values.get(key) is None:
            continue
        if first is not None and row.values[key] != first.values[key]:
            raise InputError(
                f"'{key}' is '{row.values[key]}' here and '{first.values[key]}' before ({first.where})",
                where=row.where,
                fix="give one file a model",
            )
        first = first or row
    return None if first is None else str(first.values[key])
