"""What changed between two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "gone", "new", "cut"]
Piece = tuple[Kind, str]
CONTEXT = 120  # characters of unchanged text shown on either side of a change
MOST = 2_000  # characters of either text that are compared
_SPACES = {" ": "\u00b7", "\n": "\u21b5\n", "\r": "\u240d", "\t": "\u21e5"}
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


def difference(before: str, after: str, context: int = CONTEXT, most: int = MOST) -> list[Piece]:
    """The two texts as pieces: `same`, `gone` (only before), `new` (only after), `cut` (left out here).

    Long unchanged stretches are cut to `context` characters on either side of a change. Of texts longer than `most`
    characters the part around their first difference is compared; where more follows, the last piece is `cut`.
    """
    start = max(0, _common(before, after) - context)
    start = before.rfind(" ", 0, start) + 1 if start else 0
    window = before[start : start + most], after[start : start + most]
    pieces: list[Piece] = [("cut", "\u2026")] if start else []
    one, other = (_TOKEN.findall(text) for text in window)
    for tag, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(("same", "".join(one[a:b])))
            continue
        pieces += [(kind, text) for kind, text in (("gone", "".join(one[a:b])), ("new", "".join(other[c:d]))) if text]
    if len(before) > start + most or len(after) > start + most:
        while pieces and pieces[-1][0] in ("gone", "new"):  # the window's edge, not a difference
            pieces.pop()
        pieces.append(("cut", "\u2026"))
    return _shortened(pieces, context)


def _common(before: str, after: str) -> int:
    """Length of the texts' common beginning."""
    shorter = min(len(before), len(after))
    low, high = 0, shorter
    while low < high:  # the longest equal prefix, by halving
        middle = (low + high + 1) // 2
        low, high = (middle, high) if before[:middle] == after[:middle] else (low, middle - 1)
    return low


def _shortened(pieces: list[Piece], context: int) -> list[Piece]:
    """The same pieces with the middle of long unchanged ones cut out."""
    short: list[Piece] = []
    for place, (kind, text) in enumerate(pieces):
        head = 0 if place == 0 else context
        tail = 0 if place == len(pieces) - 1 else context
        if kind != "same" or len(text) <= head + tail + context:
            short.append((kind, text))
            continue
        short += [("same", text[:head])] if head else []
        short.append(("cut", "\u2026"))
        short += [("same", text[-tail:])] if tail else []
    return short


def sides(pieces: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """The pieces of each text, for two columns."""
    return [p for p in pieces if p[0] != "new"], [p for p in pieces if p[0] != "gone"]


def visible(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces of a difference with marks for what nobody would see in a changed one: white space, control characters."""
    return [(kind, _visible(text) if kind in ("gone", "new") else text) for kind, text in pieces]


def _visible(text: str) -> str:
    marks = _SPACES if not text.strip() else {}
    return "".join(marks.get(sign) or (sign if sign.isprintable() or sign == "\n" else _code(sign)) for sign in text)


def _code(sign: str) -> str:
    return _SPACES.get(sign) or f"<U+{ord(sign):04X}>"
