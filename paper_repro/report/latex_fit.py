"""How a table is made to fit the line in LaTeX: the size of its letters, which columns are wrapped, and how wide.

Widths are those of Computer Modern, which `article` sets, measured with the copy that matplotlib brings. Letters of
common paper styles (Times) are narrower, and their lines longer: what fits here fits there.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import TYPE_CHECKING

from paper_repro.report.paged import share
from paper_repro.report.table import Cell, Column, Estimate, Table, interval_text, show

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

LINE, PAGE = 345.0, 480.0  # points of `article`: its line, and what of its page a table may take
TALL = 10  # lines: a taller row is worth smaller letters
ROW_GAP = 2.0  # points between rows that take several lines
HEADING = 13  # characters of a heading on a line; where room is short, as many as its longest word has
LONG = 30.0  # points: a naming column that is wider may be wrapped
NARROWEST = 32.0  # points that a wrapped column has at least
SLACK = 2.0  # points that are left over, and that a wrapped column has beyond its longest word
BREAKS = re.compile(r"(?<=\w[_/-])(?=\w)|\s+")  # where a wrapped cell's lines may end
NOTE = 85  # characters of a note on a line
WIDER, ROOMY = 1.25 * LINE, 56.0  # points that a shrunk table may take before, and that a wrapped column then has
UNIT = 100.0


@dataclass(frozen=True)
class Size:
    """A size of letters.

    Attributes:
        command: What sets it.
        points: Of its letters, as wide as Computer Modern makes them at that size.
        leading: Points from line to line.
        gap: Points on each side of a column (`tabcolsep`).
        below: Whether an interval stands below its estimate, not behind it.
    """

    command: str
    points: float
    leading: float
    gap: float
    below: bool = False


# small sizes of Computer Modern are wider than the large one made smaller
SIZES = (
    Size(r"\small", 9 * 1.028, 11, 6),
    Size(r"\footnotesize\setlength{\tabcolsep}{4pt}", 8 * 1.063, 9.5, 4),
    Size(r"\scriptsize\setlength{\tabcolsep}{3pt}", 7 * 1.139, 8, 3),
    Size(r"\scriptsize\setlength{\tabcolsep}{2pt}", 7 * 1.139, 8, 2),
    Size(r"\scriptsize\setlength{\tabcolsep}{2pt}", 7 * 1.139, 8, 2, below=True),
)
BEHIND, BELOW = 7 * 1.139, 5 * 1.36  # points of an interval behind its estimate (scriptsize), and below it (tiny)
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
LONG_WORD = 13  # letters: a word as long as that may be parted before a capital


@dataclass(frozen=True)
class Fit:
    """How a table is set.

    Attributes:
        size: Of its letters.
        wrapped: Column to its width as a share of the line.
        heading: Characters of a heading on a line; None: as many as its longest word has.
        shrunk: Whether it is wider than the line all the same.
        spread: Points between rows.
        head: Points of its heading, about.
        rows: Points of each row, about.
        notes: Points of its notes and its caption, about.
    """

    size: Size
    wrapped: dict[int, float]
    heading: int | None
    shrunk: bool
    spread: float
    head: float
    rows: tuple[float, ...]
    notes: float

    @property
    def height(self) -> float:
        """Points of the whole table, about."""
        return self.head + sum(self.rows) + self.notes

    def on_a_page(self, rows: Sequence[int]) -> int:
        """How many of the rows that are left fit on a page, at least one."""
        room, count = PAGE - self.head - self.notes, 0
        while count < len(rows) and (room := room - self.rows[rows[count]]) >= 0:
            count += 1
        return max(count, 1)

    def stacked(self, heading: str) -> list[str]:
        """Lines of the heading of a column that is not wrapped."""
        return _stacked(heading, self.heading)


def fit(table: Table) -> Fit:
    """The largest letters at which the table fits the line with no very tall row, texts wrapped and headings stacked.

    Where every size has a very tall row it is the one whose tallest is the least tall; where none fits, the smallest
    with wrapped columns that can be read, to be shrunk to the line.
    """
    best: tuple[int, Fit] | None = None
    for size in SIZES:
        for heading in (HEADING, None):
            room = _room(table, size, heading)
            wrapped = _share(room)
            if wrapped is None:
                continue
            made = _fit(table, size, wrapped, heading)
            tallest = round(max(made.rows, default=0.0) / size.leading)
            if tallest <= TALL:
                return made
            if best is None or tallest < best[0]:
                best = (tallest, made)
    return best[1] if best else _shrunk(table, room)


@dataclass(frozen=True)
class _Room:
    """What a size of letters leaves.

    Attributes:
        size: The size.
        widths: Columns as wide as their texts.
        wrapped: Columns that must be wrapped, as their texts have line ends.
        least: Columns that may be wrapped, to their least width.
        left: Points that the others leave to them.
    """

    size: Size
    widths: list[float]
    wrapped: list[int]
    least: dict[int, float]
    left: float


def _room(table: Table, size: Size, heading: int | None) -> _Room:
    widths = [_natural(table, column, size, heading) for column in range(len(table.columns))]
    wrapped = [index for index in range(len(widths)) if _broken(table, index)]
    long = [i for i, one in enumerate(widths) if i in wrapped or (table.columns[i].names_row and one > LONG)]
    least = {i: min(widths[i], max(NARROWEST, _longest(table, i, size))) for i in long}
    others = sum(one for i, one in enumerate(widths) if i not in long)
    return _Room(size, widths, wrapped, least, LINE - SLACK - 2 * size.gap * len(widths) - others)


def _share(room: _Room) -> dict[int, float] | None:
    """Columns to wrap with their widths; None: the table does not fit the line."""
    if sum(room.widths[i] for i in room.least) <= room.left:
        return {index: room.widths[index] for index in room.wrapped}
    if not room.least or room.left < sum(room.least.values()):
        return None
    given = share(room.widths, room.least, room.left)
    return {index: given[index] for index in room.least}


def _shrunk(table: Table, room: _Room) -> Fit:
    least = {i: min(room.widths[i], max(ROOMY, one)) for i, one in room.least.items()}
    given = share(room.widths, least, max(room.left + WIDER - LINE, sum(least.values()))) if least else room.widths
    widths = [min(one, natural) for one, natural in zip(given, room.widths, strict=True)]
    scale = LINE / (sum(widths) + 2 * room.size.gap * len(widths))
    return _fit(table, room.size, {i: widths[i] for i in least}, None, scale)


def _fit(table: Table, size: Size, wrapped: dict[int, float], heading: int | None, scale: float = 1.0) -> Fit:
    lines = [_row_lines(table, index, wrapped, size) for index in range(len(table.rows))]
    head = 1 + max(len(_stacked(column.heading, heading)) for column in table.columns)
    notes = sum(ceil(len(note) / NOTE) for note in (*table.notes, table.source))
    below = notes * SIZES[1].leading + 2 * SIZES[0].leading
    shares = {i: ceil(1000 * width / LINE) / 1000 for i, width in wrapped.items()}
    spread = ROW_GAP if max(lines, default=1) > 1 else 0.0
    rows = tuple((count * size.leading + spread) * scale for count in lines)
    return Fit(size, shares, heading, scale < 1, spread, head * size.leading * scale, rows, below)


def _row_lines(table: Table, index: int, wrapped: dict[int, float], size: Size) -> int:
    row = table.rows[index]
    least = 2 if size.below and any(isinstance(cell, Estimate) for cell in row) else 1
    shown = {i: width for i, width in wrapped.items() if not table.repeats(index, i)}
    return max([least, *(_lines(show(row[i], table.columns[i]), width, size) for i, width in shown.items())])


def _lines(text: str, width: float, size: Size) -> int:
    return sum(max(1, ceil(1.1 * width_of(part, size.points) / width)) for part in text.split("\n"))


def _broken(table: Table, column: int) -> bool:
    """Whether a column's texts have line ends of their own, which only a wrapped column can show."""
    kind = table.columns[column]
    return kind.names_row and any("\n" in show(row[column], kind) for row in table.rows)


def _stacked(heading: str, most: int | None) -> list[str]:
    if most is None:  # a part that ends in a hyphen is a word of its own here
        heading = " ".join(part for word in heading.split() for part in parted(word))
        most = max((len(word) for word in heading.split()), default=1)
    return textwrap.wrap(heading, most, break_long_words=False, break_on_hyphens=False) or [""]


def _natural(table: Table, column: int, size: Size, heading: int | None) -> float:
    kind = table.columns[column]
    lines = _stacked(kind.heading, heading)
    body = max((_cell_width(row[column], kind, size) for row in table.rows), default=0.0)
    return max(body, *(width_of(line, size.points) for line in lines))


def _cell_width(cell: Cell, column: Column, size: Size) -> float:
    """Width of a cell as it is set: an interval behind its estimate, counts left out."""
    if not isinstance(cell, Estimate):
        return max(width_of(line, size.points) for line in show(cell, column).split("\n"))
    value = width_of(show(cell.value, column), size.points)
    ends = interval(cell, column)
    if size.below:
        return max(value, width_of(ends, BELOW))
    return value + (width_of(f" {ends}", BEHIND) if ends else 0.0)


def interval(cell: Estimate, column: Column) -> str:
    """An estimate's interval as it is set; empty without one."""
    if cell.low is None or cell.high is None:
        return ""
    return interval_text(cell.low, cell.high, column.decimals)


def _longest(table: Table, column: int, size: Size) -> float:
    """Width of a column's longest word, parted where it may be."""
    kind = table.columns[column]
    texts: Sequence[str] = [kind.heading, *(show(row[column], kind) for row in table.rows)]
    words = (part for text in texts for word in BREAKS.split(text) for part in parted(word))
    return max(width_of(word, size.points) for word in words) + SLACK


def parted(word: str) -> list[str]:
    """A word in the parts that may stand on lines of their own, each but the last with a hyphen: most have one part."""
    *parts, last = CAMEL.split(word) if len(word) >= LONG_WORD else [word]
    return [*(f"{part}-" for part in parts), last]


@cache
def _font() -> FT2Font:
    import matplotlib
    from matplotlib.font_manager import get_font

    return get_font(f"{matplotlib.get_data_path()}/fonts/ttf/cmr10.ttf")


@cache
def _advance(character: str) -> float:
    from matplotlib.ft2font import LoadFlags

    font = _font()
    if not font.get_char_index(ord(character)):
        return 0.8  # a sign that the face lacks: as wide as a wide letter
    font.set_size(UNIT, 72)
    return font.load_char(ord(character), flags=LoadFlags.NO_HINTING).linearHoriAdvance / 65536 / UNIT


def width_of(text: str, points: float) -> float:
    """Width of a text in points."""
    return points * sum(_advance(character) for character in text)
