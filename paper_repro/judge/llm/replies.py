"""Reading a judge's reply: the last word of a few, the last JSON object, yes or no."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

# word boundaries that know hyphens: non-compliance is not compliance
_BEFORE, _AFTER = r"(?<![\w\u2010\u2011-])", r"(?![\w\u2010\u2011-])"
# what may follow a value: marks, a remark in brackets, and whatever stands after a full stop
_REMARKS = r"[^\w(\[]*(?:\([^()]*\)[^\w(\[]*|\[[^\[\]]*\][^\w(\[]*)*(?:(?<=[.!])[^\w\s]*\s.*)?"

_ASIDE = r"\W*?(?:[,;:]|\s[-\u2013\u2014]+)\s"  # what begins a remark that goes on in the same sentence


def last_word(reply: str, words: Iterable[str]) -> str | None:
    """The last of `words` in a reply, in lower case, or None; a word inside another, or hyphened, does not count."""
    found = re.findall(_BEFORE + "(" + "|".join(map(re.escape, words)) + ")" + _AFTER, reply, re.IGNORECASE)
    return found[-1].lower() if found else None


def verdict_line(reply: str, name: str, values: Iterable[str]) -> str | None:
    """The value of the last line `name: value`, in lower case, or None.

    That line alone is read: where it holds none of the values, or goes on after one ("1 and 2 are equal"), there is no
    verdict, whatever earlier lines say. Markup (`**Rating:** Excellent.`), a remark in brackets and one after a full
    stop do not matter, nor does one after a comma or a dash that names no value.
    """
    lines = re.findall(rf"^[^\w\n]*{re.escape(name)}[^\w\n]*:(.*)$", reply, re.IGNORECASE | re.MULTILINE)
    if not lines:
        return None
    value = "|".join(map(re.escape, values))
    found = re.fullmatch(rf"\W*?{_BEFORE}({value}){_AFTER}(.*)", lines[-1], re.IGNORECASE)
    if found is None:
        return None
    rest = found[2]
    aside = re.match(_ASIDE, rest) and not re.search(f"{_BEFORE}(?:{value}){_AFTER}", rest, re.IGNORECASE)
    return found[1].lower() if aside or re.fullmatch(_REMARKS, rest) else None


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
