"""Reading a judge's reply: the last word of a few, the last JSON object, yes or no."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any


def last_word(reply: str, words: Iterable[str]) -> str | None:
    """The last of `words` in a reply, in lower case, or None; a word inside another word does not count."""
    found = re.findall(r"\b(" + "|".join(map(re.escape, words)) + r")\b", reply, re.IGNORECASE)
    return found[-1].lower() if found else None


def verdict_line(reply: str, name: str, values: Iterable[str]) -> str | None:
    """The value of the last line `name: value`, in lower case, or None where there is no such line or value.

    Markup around it (`**Rating:** Excellent.`) does not matter.
    """
    pattern = rf"^\W*{re.escape(name)}\W*:\W*(" + "|".join(map(re.escape, values)) + r")\b"
    found = re.findall(pattern, reply, re.IGNORECASE | re.MULTILINE)
    return found[-1].lower() if found else None


def json_object(reply: str) -> Mapping[str, Any] | None:
    """The last JSON object that stands in a reply and is in no other, or None."""
    decoder, at, found = json.JSONDecoder(), reply.find("{"), None
    while at != -1:
        try:
            value, end = decoder.raw_decode(reply, at)
        except (ValueError, RecursionError):
            at = reply.find("{", at + 1)
            continue
        found = value if isinstance(value, dict) else found
        at = reply.find("{", end)
    return found


def number(value: Any, lowest: float, highest: float) -> float | None:
    """A number between two bounds, given as number or text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        given = float(value)
    except ValueError:
        return None
    return given if lowest <= given <= highest else None
