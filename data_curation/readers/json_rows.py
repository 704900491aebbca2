"""Rows of JSON Lines files and of JSON arrays."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from artifacts.errors import InputError
from data_curation.readers.rows import ForeignValue, RawRow, is_utf8

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\n\r]*")  # JSON's own white space: no other character may stand between values
_TYPES = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    type(None): "null",
    ForeignValue: "a value that Python cannot hold",
}


class RepeatedKeys(dict):
    """A JSON object that gives a key twice; `repeated` names the first such key."""

    repeated: str


def type_word(value: Any) -> str:
    """The JSON type of `value` in words."""
    return _TYPES.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")


def jsonl_rows(stream: BinaryIO, where: str) -> Iterator[RawRow]:
    """One row a line; only LF ends a line, so U+0085 and U+2028 inside a text do no harm.

    Raises:
        InputError: a line's object gives a key twice, so that nobody can know which value was meant.
    """
    for index, line in enumerate(stream):
        raw = (line.removeprefix(_BOM) if index == 0 else line).removesuffix(b"\n").removesuffix(b"\r")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            yield RawRow(index, index + 1, fault=f"not UTF-8 at byte {error.start + 1} of the line", raw=raw)
            continue
        values, fault = _parse(text)
        _refuse_repeated(values, f"{where}:{index + 1}")
        yield RawRow(index, index + 1, values, fault, raw)


def json_rows(stream: BinaryIO, where: str) -> Iterator[RawRow]:
    """Rows of a `.json` file: the items of an array, or JSON Lines if the file does not begin with `[`.

    The text is held in memory as a whole; the items are decoded one at a time.
    """
    data = stream.read().removeprefix(_BOM)
    if data.lstrip()[:1] != b"[":
        yield from jsonl_rows(io.BytesIO(data), where)
        return
    text = data.decode("utf-8", "surrogateescape")
    line, counted = 1, 0
    for row, (start, end, value) in enumerate(_array_items(text, where)):
        line, counted = line + text.count("\n", counted, start), start
        yield _array_row(row, line, text[start:end], value, where)


def _array_row(row: int, line: int, raw: str, value: Any, where: str) -> RawRow:
    if not is_utf8(raw):
        return RawRow(row, line, fault="not UTF-8", raw=raw)
    if not isinstance(value, dict):
        return RawRow(row, line, fault=f"{type_word(value)}, not an object", raw=raw)
    _refuse_repeated(value, f"{where}:{line}")
    return RawRow(row, line, value, None, raw)


def _array_items(text: str, where: str) -> Iterator[tuple[int, int, Any]]:
    """Start, end and value of each item of the array that `text` holds."""
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    at = _SPACE.match(text).end() + 1
    at = _SPACE.match(text, at).end()
    if text[at : at + 1] == "]":
        at += 1
    else:
        separator = ","
        while separator == ",":
            at = _SPACE.match(text, at).end()
            value, end = _decode(decoder, text, at, where)
            yield at, end, value
            at = _SPACE.match(text, end).end()
            separator = text[at : at + 1]
            at += 1
        if separator != "]":
            raise _not_json(text, at - 1, "expected ',' or ']'", where)
    at = _SPACE.match(text, at).end()
    if at != len(text):
        raise _not_json(text, at, "more text after the array", where)


def _decode(decoder: json.JSONDecoder, text: str, at: int, where: str) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise _not_json(text, error.pos, error.msg, where) from None
    except (ValueError, RecursionError) as error:
        raise _not_json(text, at, _plain(error), where) from None


def _not_json(text: str, at: int, message: str, where: str) -> InputError:
    line = text.count("\n", 0, at) + 1
    return InputError(f"not a JSON array: {message}", where=f"{where}:{line}")


def _parse(text: str) -> tuple[dict | None, str | None]:
    """The object on one line, or why there is none."""
    if not text.strip(" \t\r\n"):
        return None, "empty line"
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        return None, f"not JSON: {error.msg} (character {error.pos + 1})"
    except (ValueError, RecursionError) as error:
        return None, f"not JSON: {_plain(error)}"
    return (value, None) if isinstance(value, dict) else (None, f"{type_word(value)}, not an object")


def _plain(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else "a number with too many digits"


def _object(pairs: list[tuple[str, Any]]) -> dict:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    repeated = RepeatedKeys(value)
    seen: set[str] = set()
    repeated.repeated = next(key for key, _ in pairs if key in seen or seen.add(key))
    return repeated


def _refuse_repeated(values: dict | None, where: str) -> None:
    if isinstance(values, RepeatedKeys):
        raise InputError(
            f"the key '{values.repeated}' is given twice in one object",
            where=where,
            fix="give every column one name of its own",
        )
