"""Texts of models as inert text: nothing in them is mark-up, and nothing in them can hide or reorder what is read."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# control characters (but tab and line feed), and those that change the direction of what follows or override it
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text: `text` as it is, or the name of a character that is shown by its name (`mark`)."""

    text: str
    mark: bool = False


def pieces(text: str) -> list[Piece]:
    """A text cut at its hidden characters, each of which becomes a mark such as `U+202E`.

    A model could otherwise turn a line around or hide a part of it; the rater sees that something is there instead.
    CRLF counts as one line end.
    """
    text = text.replace("\r\n", "\n")
    found, at = [], 0
    for match in _HIDDEN.finditer(text):
        if match.start() > at:
            found.append(Piece(text[at : match.start()]))
        found.append(Piece(f"U+{ord(match[0]):04X}", mark=True))
        at = match.end()
    if at < len(text) or not found:
        found.append(Piece(text[at:]))
    return found


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen."""
    return all(c.isspace() or unicodedata.category(c) in ("Cc", "Cf") for c in text)
