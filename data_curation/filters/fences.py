"""Fenced code blocks of a Markdown text, as far as filters need them."""

from __future__ import annotations

import re
from dataclasses import dataclass

# a run of three or more at the beginning of a line, behind indentation, quote marks or a list mark
_FENCE = re.compile(r"[ \t>]*(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)?(`{3,}|~{3,})([^`\n]*)\Z")
_INLINE = re.compile(r"`[^`\n]{1,200}`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        first: Index of the line that opens it.
        last: Index of the line that closes it; None if nothing does.
        info: What stands behind the opening run (a language), or an empty text.
    """

    first: int
    last: int | None
    info: str


def blocks(lines: list[str], nested: bool = False) -> list[Block]:
    """The fenced blocks of a text's lines, in order; only the last can be open.

    Args:
        lines: The text's lines.
        nested: Read a fence with a language inside an open block as the beginning of a block inside it. CommonMark
            reads it as a line of code; models that quote Markdown mean the former.
    """
    found: list[Block] = []
    opened: tuple[int, str, str] | None = None
    depth = 0
    for number, line in enumerate(lines):
        match = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if match is None:
            continue
        run, info = match[1], match[2].strip()
        if opened is None:
            opened, depth = (number, run, info), 1
        elif run[0] != opened[1][0] or (len(run) < len(opened[1]) and not info):
            continue
        elif info:
            depth += nested
        else:
            depth -= 1
            if depth == 0:
                found.append(Block(opened[0], number, opened[2]))
                opened = None
    # a line of tildes that nothing answers is an ornament
    if opened is not None and opened[1][0] == "`":
        found.append(Block(opened[0], None, opened[2]))
    return found


def open_block(lines: list[str]) -> Block | None:
    """The block that nothing closes, by either reading of fences inside blocks; None if one reading closes all."""
    for nested in (False, True):
        found = blocks(lines, nested)
        if not found or found[-1].last is not None:
            return None
    return found[-1]


def without_code(text: str) -> str:
    """`text` without fenced blocks (an open one reaches to the end) and without short inline code."""
    if "```" not in text and "~~~" not in text:
        return _INLINE.sub(" ", text) if "`" in text else text
    lines = text.split("\n")
    prose: list[str] = []
    at = 0
    for block in blocks(lines):
        prose += lines[at : block.first]
        at = len(lines) if block.last is None else block.last + 1
    return _INLINE.sub(" ", "\n".join(prose + lines[at:]))
