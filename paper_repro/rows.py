"""Training rows from plain files and tables: every row is usable, or the file is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from artifacts.errors import InputError
from data_curation.readers.formats import raw_rows
from data_curation.readers.json_rows import type_word
from data_curation.readers.rows import RawRow, is_utf8


@dataclass(frozen=True, slots=True)
class Row:
    """One training row; `instruction` is None where there is none."""

    instruction: str | None
    response: str


def read_rows(
    path: Path, *, needs_instruction: bool, response_key: str = "response", instruction_key: str = "instruction"
) -> list[Row]:
    """Rows of a file with the columns `instruction` and `response`, in order; blank lines are no rows.

    Nothing is quarantined here, as in `rt curate`: what is trained on, or looked at, is the whole file or nothing.

    Args:
        path: JSONL, JSON array, CSV or Parquet; other columns are left alone.
        needs_instruction: Refuse rows without an instruction (IT); else it may be absent or null.
        response_key: Name of the column of responses.
        instruction_key: Name of the column of instructions.

    Raises:
        InputError: naming file, line and key of the first fault.
    """
    keys = response_key, instruction_key
    rows = [_row(raw, path, needs_instruction, *keys) for raw in raw_rows(path) if raw.fault != "empty line"]
    if not rows:
        raise InputError("no rows", where=str(path))
    return rows


def _row(raw: RawRow, path: Path, needs_instruction: bool, response_key: str, instruction_key: str) -> Row:
    where = f"{path}: row {raw.row}" if raw.line is None else f"{path}:{raw.line}"
    if raw.fault is not None or raw.values is None:
        raise InputError(raw.fault or "no values", where=where, fix="mend the row, or let `rt curate` set it aside")
    response = _text(raw, response_key, where)
    if response is None:
        raise InputError(
            f"key '{response_key}': {_found(raw, response_key)}",
            where=where,
            fix="if the responses are in another column, name it: --set response_key=NAME (rt train)",
        )
    instruction = _text(raw, instruction_key, where)
    if instruction is None and needs_instruction:
        raise InputError(
            f"key '{instruction_key}': {_found(raw, instruction_key)}",
            where=where,
            fix="IT needs an instruction in every row; RT needs none",
        )
    return Row(instruction, response)


def _text(raw: RawRow, key: str, where: str) -> str | None:
    value = raw.values.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"key '{key}': expected text, found {type_word(value)}", where=where)
    if value is not None and not is_utf8(value):
        raise InputError(f"key '{key}': holds half a character (a lone surrogate)", where=where)
    return value


def _found(raw: RawRow, key: str) -> str:
    if key in raw.values:
        return "expected text, found null"
    return f"no such key (keys: {', '.join(map(str, raw.values)) or 'none'})"
