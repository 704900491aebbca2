"""Training rows from plain files: JSONL, a JSON array, Parquet, or a curated or mixed artifact's table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.errors import InputError

COLUMNS = ("instruction", "response")


@dataclass(frozen=True, slots=True)
class Row:
    """One training row; `instruction` is None where there is none."""

    instruction: str | None
    response: str


def read_rows(path: Path, *, needs_instruction: bool) -> list[Row]:
    """Rows of a `.jsonl`, `.json` or `.parquet` file with the columns `instruction` and `response`, in order.

    Args:
        path: The file. Other columns are left alone.
        needs_instruction: Refuse rows without an instruction (IT); else it may be absent or null.

    Raises:
        InputError: naming file, line (or row) and key of the first fault.
    """
    entries = _parquet(path) if path.suffix == ".parquet" else _json_rows(path)
    rows = [_row(value, where, needs_instruction) for where, value in entries]
    if not rows:
        raise InputError("no rows", where=str(path))
    return rows


def _row(value: Any, where: str, needs_instruction: bool) -> Row:
    if not isinstance(value, dict):
        raise InputError(f"expected an object with the keys {', '.join(COLUMNS)}, found {_kind(value)}", where=where)
    response = value.get("response")
    if not isinstance(response, str):
        raise InputError(f"key 'response': expected text, found {_found(value, 'response')}", where=where)
    instruction = value.get("instruction")
    if instruction is None and not needs_instruction:
        return Row(None, response)
    if not isinstance(instruction, str):
        raise InputError(
            f"key 'instruction': expected text, found {_found(value, 'instruction')}",
            where=where,
            fix="IT needs an instruction in every row; RT does not" if instruction is None else None,
        )
    return Row(instruction, response)


def _found(value: dict, key: str) -> str:
    return _kind(value[key]) if key in value else f"no such key (keys: {', '.join(map(str, value)) or 'none'})"


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", bool: "true or false", type(None): "null", str: "text"}
    return names.get(type(value), "a number")


def _parquet(path: Path) -> Iterator[tuple[str, dict]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        table = pq.read_table(path, columns=[name for name in COLUMNS if name in schema.names])
    except FileNotFoundError:
        raise InputError("no such file", where=str(path)) from None
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"not a Parquet file: {error}", where=str(path)) from None
    for number, value in enumerate(table.to_pylist()):
        yield f"{path}: row {number}", value


def _json_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """`(where, value)` of each JSONL line, or of each entry if the file is one JSON array."""
    text = _text(path)
    if text.lstrip().startswith("["):
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"not JSON: {error.msg}", where=f"{path}:{error.lineno}") from None
        for number, value in enumerate(values):
            yield f"{path}: row {number}", value
        return
    # not splitlines(): texts may hold U+0085 and other separators that JSON does not escape
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"{path}:{number}", json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"not JSON: {error.msg} (column {error.colno})", where=f"{path}:{number}") from None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", where=str(path)) from None
    except IsADirectoryError:
        raise InputError("a folder, not a file", where=str(path)) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"not UTF-8 at byte {error.start}", where=f"{path}:{line}") from None
