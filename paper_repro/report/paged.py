"""A table as lines of placed texts, for pages of a given width: measured, wrapped, shrunk where it must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from paper_repro.report.table import Estimate, Table, details, show

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

SIZES = (8.0, 7.0, 6.0, 5.0, 4.2)  # points, the first at which the numbers fit
GAP = 0.09  # inches between columns
LEADING = 1.28
LONG = 0.9  # inches: a naming column wider than that may be wrapped
NARROWEST = 0.62  # inches a wrapped column needs
WORD = 1.3  # inches: a longer word may be cut
POINTS = 72.0
FAMILY = "DejaVu Sans"
UNIT = 100.0  # points at which letters are measured
UNKNOWN = "\ufffd"  # measured in the place of a letter that the font lacks
INK, QUIET = "#000000", "#555555"
SIGNS = "-_/"
Placed = tuple[float, float, str, str, str]  # x, y below the line's top (inches), text, alignment, colour


@dataclass(frozen=True)
class Line:
    """A row on the page.

    Attributes:
        texts: Its texts with their places.
        height: In inches.
        size: Of the letters, in points.
        ruled: Whether a rule stands above it.
    """

    texts: tuple[Placed, ...]
    height: float
    size: float
    ruled: bool = False


@cache
def _font(bold: bool) -> FT2Font:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties(family=FAMILY, weight="bold" if bold else "normal")))


@cache
def _advance(character: str, bold: bool) -> float:
    """Width of a letter of one point, in inches; kerning is left out, which makes a text a little wider."""
    from matplotlib.ft2font import LoadFlags

    font = _font(bold)
    font.set_size(UNIT, POINTS)  # each time: whatever is drawn shares the font, and sets its size
    letter = character if font.get_char_index(ord(character)) else UNKNOWN  # matplotlib raises where there is no glyph
    advance = font.load_char(ord(letter), flags=LoadFlags.NO_HINTING).linearHoriAdvance
    return advance / 65536 / UNIT / POINTS  # 16.16 fixed point


@cache
def width_of(text: str, size: float, bold: bool = False) -> float:
    """Width of a text in inches."""
    return size * sum(_advance(character, bold) for character in text)


def wrap(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """Lines of a text that are no wider than `width` inches; its own line ends are kept, long words are cut."""
    lines = []
    for part in text.replace("\r", "").replace("\t", " ").split("\n"):
        line = ""
        for word in part.split(" "):
            longer = f"{line} {word}" if line else word
            if width_of(longer, size, bold) <= width:
                line = longer
                continue
            lines += [line] if line else []
            *pieces, line = _cut(word, width, size, bold)
            lines += pieces
        lines.append(line)
    return lines


def _cut(word: str, width: float, size: float, bold: bool) -> list[str]:
    """A word in pieces that fit, cut after a sign that parts it where there is one."""
    pieces, rest = [], word
    while rest and width_of(rest, size, bold) > width:
        most = next((n for n in range(len(rest) - 1, 1, -1) if width_of(rest[:n], size, bold) <= width), 1)
        end = max((place + 1 for place, sign in enumerate(rest[:most]) if sign in SIGNS), default=most)
        pieces.append(rest[:end])
        rest = rest[end:]
    return [*pieces, rest]


def paged(table: Table, width: float) -> tuple[list[Line], list[Line], float]:
    """The heading's lines, a line for every row, and the size of the letters in points."""
    cells = [[_text(table, row, column) for column in range(len(table.columns))] for row in range(len(table.rows))]
    size, widths = _fit(table, cells, width)
    starts = [sum(widths[:index]) + GAP * index for index in range(len(widths))]
    head = _line(table, [[column.heading] for column in table.columns], starts, widths, size, bold=True)
    rows = [
        _line(table, row, starts, widths, size, ruled=not table.repeats(index, 0)) for index, row in enumerate(cells)
    ]
    return [head], rows, size


def _text(table: Table, row: int, column: int) -> list[str]:
    """A cell's lines: the value, then an estimate's interval and counts; a repeated name is left blank."""
    cell, kind = table.rows[row][column], table.columns[column]
    if table.repeats(row, column):
        return [""]
    value = cell.value if isinstance(cell, Estimate) else cell
    return [show(value, kind), *details(cell, kind)]


def _fit(table: Table, cells: Sequence[Sequence[list[str]]], width: float) -> tuple[float, list[float]]:
    """The largest size at which all columns fit, long ones wrapped between words; and the columns' widths."""
    for size in SIZES:
        widths = [_natural(table, cells, column, size) for column in range(len(table.columns))]
        room = width - GAP * (len(widths) - 1)
        long = [i for i, natural in enumerate(widths) if table.columns[i].names_row and natural > LONG]
        rest = room - sum(natural for i, natural in enumerate(widths) if i not in long)
        least = {i: min(widths[i], max(NARROWEST, _longest_word(table, cells, i, size))) for i in long}
        if sum(widths) <= room:
            return size, widths
        if long and rest >= sum(least.values()):
            return size, share(widths, least, rest)
    scale = room / sum(widths)  # so wide that even the smallest letters need narrower columns: all are wrapped
    return size, [natural * scale for natural in widths]


def _longest_word(table: Table, cells: Sequence[Sequence[list[str]]], column: int, size: float) -> float:
    """Width that no word of a column needs to be cut in; of words longer than `WORD` that width."""
    texts = {word for row in cells for text in row[column] for word in _words(text)}
    body = max((width_of(word, size) for word in texts), default=0.0)
    heading = max((width_of(word, size, True) for word in _words(table.columns[column].heading)), default=0.0)
    return min(WORD, max(body, heading) + 0.02)


def _words(text: str) -> list[str]:
    """What may stand on a line of its own: words, parted after a sign too."""
    for sign in SIGNS:
        text = text.replace(sign, f"{sign} ")
    return text.split()


def share(widths: Sequence[float], least: Mapping[int, float], room: float) -> list[float]:
    """The room among the long columns by the square root of what each would need, none below its least."""
    shares = {index: widths[index] ** 0.5 for index in least}
    fixed: dict[int, float] = {}
    while True:
        left, whole = room - sum(fixed.values()), sum(shares.values())
        given = {index: left * share / whole for index, share in shares.items()}
        short = [index for index, one in given.items() if one < least[index]]
        if not short:
            given |= fixed
            return [given.get(index, natural) for index, natural in enumerate(widths)]
        for index in short:
            fixed[index] = least[index]
            del shares[index]


def _natural(table: Table, cells: Sequence[Sequence[list[str]]], column: int, size: float) -> float:
    texts = [line for row in cells for text in row[column] for line in text.split("\n")]
    body = max((width_of(text, size) for text in texts), default=0.0)
    words = table.columns[column].heading.split()
    return max(body, *(width_of(word, size, True) for word in words)) + 0.02


def _line(
    table: Table,
    cells: Sequence[list[str]],
    starts: Sequence[float],
    widths: Sequence[float],
    size: float,
    *,
    bold: bool = False,
    ruled: bool = True,
) -> Line:
    step = LEADING * size / POINTS
    texts: list[Placed] = []
    most = 1
    for column, lines in enumerate(cells):
        names = table.columns[column].names_row
        x, align = (starts[column], "left") if names else (starts[column] + widths[column], "right")
        wrapped = [
            (part, index > 0) for index, line in enumerate(lines) for part in wrap(line, widths[column], size, bold)
        ]
        texts += [
            (x, (place + 1) * step, text, align, QUIET if small else INK)
            for place, (text, small) in enumerate(wrapped)
            if text
        ]
        most = max(most, len(wrapped))
    return Line(tuple(texts), (most + 0.35) * step, size, ruled)
