"""Markdown of cards: text that marks nothing up, and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

Rows = Iterable[Sequence[Any]]
# what would mark up text inside a line or a table cell, and what would turn into a link
_SPECIAL = re.compile(r"([\\`*_{}\[\]|~$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)


def plain(text: Any) -> str:
    """Text as plain text in Markdown: no mark-up, no HTML, one line."""
    escaped = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", escaped)


def table(head: Sequence[str], rows: Rows) -> str:
    """A Markdown table; numbers to the right. Cells are taken as they are: give what is data through `plain`."""
    rows = [
        ["" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows
    ]
    right = [bool(rows) and all(re.fullmatch(r"[\d,.%]*", row[column]) for row in rows) for column in range(len(head))]
    rule = ["---:" if to_the_right else "---" for to_the_right in right]
    return "\n".join("| " + " | ".join(row) + " |" for row in [list(head), rule, *rows])
