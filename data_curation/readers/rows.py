"""One row as it stands in a file, and how a row that cannot be used is written down."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_RAW = 2_000  # characters of an unusable row that quarantine.jsonl quotes
_INVALID_BYTE = re.compile("[\udc80-\udcff]")


class ForeignValue:
    """A value that Python has no object for (a date after the year 9999, an unknown time zone), as Arrow writes it.

    It is no text, so a row is quarantined if the value is needed, and kept if nobody asked for it.
    """

    def __init__(self, text: str):
        self.text = text

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row before its columns are understood.

    Attributes:
        row: Position among the rows of the file, from 0; rows that cannot be used count too.
        line: Physical line on which the row begins, from 1; None where the format has no lines (Parquet).
        values: Column to value, or None if the row could not be parsed.
        fault: Why it could not be parsed, else None.
        raw: The row's own text or bytes; None where only `values` exist.
        file: Name of its file within a folder of files; None where there is one file only.
    """

    row: int
    line: int | None
    values: Mapping[str, Any] | None = None
    fault: str | None = None
    raw: str | bytes | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that could not be used: one line of quarantine.jsonl.

    Attributes:
        file: Name of the source or file.
        line: Physical line, from 1, or None.
        row: Position among the rows, from 0.
        reason: What is wrong with it.
        raw: Its text, invalid bytes as `\\xNN`, cut after `MAX_RAW` characters.
        raw_length: Characters before the cut.
    """

    file: str
    line: int | None
    row: int
    reason: str
    raw: str
    raw_length: int


def quarantined(raw: RawRow, reason: str, file: str) -> Quarantined:
    """Write down why `raw` cannot be used; a row of a folder's file is told by both names."""
    text = _printable(raw)
    return Quarantined(
        file if raw.file is None else f"{file}/{raw.file}", raw.line, raw.row, reason, text[:MAX_RAW], len(text)
    )


def is_utf8(text: str) -> bool:
    """Whether `text` can be written as UTF-8 (it holds no lone surrogate, the trace of an invalid byte or escape)."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _printable(raw: RawRow) -> str:
    """The row as valid text: invalid bytes as `\\xNN`, lone surrogates as `\\uNNNN`."""
    if isinstance(raw.raw, bytes):
        return raw.raw.decode("utf-8", "backslashreplace")
    text = raw.raw
    if text is None:
        text = json.dumps(dict(raw.values or {}), ensure_ascii=False, default=str)
    text = _INVALID_BYTE.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", text)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
