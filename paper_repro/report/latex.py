"""A table as LaTeX, for a paper: `\\input{table_11}` after `\\usepackage{booktabs,longtable,graphicx}`."""

from __future__ import annotations

import re
import textwrap

from paper_repro.report.table import Cell, Column, Estimate, Table, show

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\u2013": "--",
    "\u2212": "$-$",
    "\u00d7": r"$\times$",
    "\u21b5": r"$\hookleftarrow$",
    "\u2026": r"\ldots{}",
    "\n": " ",
    "\r": " ",
}
_RAISED = {"\u2070": "0", "\u00b9": "1", "\u00b2": "2", "\u00b3": "3"} | {chr(0x2070 + i): str(i) for i in range(4, 10)}


PLAIN, NARROW = (0.0145, 0.035), (0.0115, 0.018)  # a letter and the gap of a column, in lines of `article`
WIDE = 7  # columns: more are set smaller and closer
HEADING = 13  # characters of a heading on a line, where it is not wrapped with its column
TEXT = 20  # characters: a naming column with a longer cell is wrapped
ROWS = 36  # more do not fit on a page
WRAPPED_ROWS = 6  # the same, where cells are wrapped
SHRUNK = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"  # a wide table, where it must be


def to_latex(table: Table) -> str:
    """A `table` environment: tabular with rules of booktabs, caption and label, the notes and the source under it.

    A table longer than a page is a `longtable`, its heading repeated. Numbers stand right-aligned, an interval in
    brackets behind its estimate; long texts are wrapped; a naming cell that repeats the row above is left blank. Text
    is escaped, so any model's name or note is safe to compile.
    """
    wrapped = _wrapped(table)
    head = _row([_heading(column, index in wrapped) for index, column in enumerate(table.columns)])
    rows = [_row(_cells(table, index)) for index in range(len(table.rows))]
    caption = [rf"\caption{{{escape(table.title)}}}", rf"\label{{tab:{table.name.replace('_', '-')}}}"]
    size = [r"\scriptsize\setlength{\tabcolsep}{3pt}" if len(table.columns) > WIDE else r"\small"]
    notes = [f"{escape(note)}\\par" for note in table.notes] + [f"Source: {escape(table.source)}."]
    align = _align(table, wrapped)
    if len(rows) > (WRAPPED_ROWS if wrapped else ROWS):
        return _long(align, size, caption, head, rows, notes)
    wide = len(table.columns) > WIDE
    lines = [
        r"\begin{table}[tbp]",
        r"\centering",
        *size,
        *([SHRUNK] if wide else []),
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        head,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        *(["}"] if wide else []),
        r"\par\medskip",
        r"\begin{minipage}{\linewidth}\footnotesize",
        *notes,
        r"\end{minipage}",
        *caption,
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _long(align: str, size: list[str], caption: list[str], head: str, rows: list[str], notes: list[str]) -> str:
    lines = [
        r"\begingroup",
        *size,
        rf"\begin{{longtable}}{{{align}}}",
        f"{''.join(caption)}\\\\",
        r"\toprule",
        head,
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        head,
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *rows,
        r"\end{longtable}",
        r"\footnotesize\noindent",
        *notes,
        r"\par",
        r"\endgroup",
    ]
    return "\n".join(lines) + "\n"


def _wrapped(table: Table) -> list[int]:
    """Naming columns with a text that has to be wrapped."""
    return [
        index
        for index, column in enumerate(table.columns)
        if column.names_row and any(len(show(row[index], column)) > TEXT for row in table.rows)
    ]


def _heading(column: Column, wrapped: bool) -> str:
    """A heading; a long one over a narrow column on several lines."""
    lines = textwrap.wrap(column.heading, HEADING, break_long_words=False)
    if wrapped or len(lines) < 2:
        return escape(column.heading)
    stacked = r" \\ ".join(escape(line) for line in lines)
    return rf"\shortstack[{'l' if column.names_row else 'r'}]{{{stacked}}}"


def _align(table: Table, wrapped: list[int]) -> str:
    """Columns of the tabular; wrapped ones share what the others leave of the line, by an estimate of their widths."""
    letter, gap = NARROW if len(table.columns) > WIDE else PLAIN
    room = 1 - gap * len(table.columns)
    for index, column in enumerate(table.columns):
        if index not in wrapped:
            heading = max(map(len, textwrap.wrap(column.heading, HEADING, break_long_words=False)), default=0)
            room -= letter * max(heading, *(len(_shown(row[index], column)) for row in table.rows), 0)
    share = max(0.08, room / len(wrapped)) if wrapped else 0.0
    kinds = ("l" if column.names_row else "r" for column in table.columns)
    return "".join(rf"p{{{share:.2f}\linewidth}}" if index in wrapped else kind for index, kind in enumerate(kinds))


def _shown(cell: Cell, column: Column) -> str:
    """A cell about as wide as it is set: an interval is in smaller letters, counts are left out."""
    if not isinstance(cell, Estimate):
        return show(cell, column)
    return show(cell.value, column) + ("" if cell.low is None else "x" * 9)


def escape(text: str) -> str:
    """Text that LaTeX sets as it stands; raised digits become a superscript."""
    found, raised = [], ""
    for character in text:
        if character in _RAISED:
            raised += _RAISED[character]
            continue
        if raised:
            found.append(f"$^{{{raised}}}$")
            raised = ""
        found.append(_SPECIAL.get(character, character))
    return "".join([*found, f"$^{{{raised}}}$" if raised else ""])


def _row(cells: list[str]) -> str:
    # a row that begins with a bracket would be read as an argument of the line break before it
    first, *rest = cells
    return " & ".join([f"{{}}{first}" if first.startswith("[") else first, *rest]) + r" \\"


def _cells(table: Table, index: int) -> list[str]:
    pairs = enumerate(zip(table.rows[index], table.columns, strict=True))
    wrapped = _wrapped(table)
    return [
        "" if table.repeats(index, place) else _cell(cell, column, r"\newline " if place in wrapped else " ")
        for place, (cell, column) in pairs
    ]


def _set(line: str, line_end: str) -> str:
    """A line of a cell; in a wrapped one long words may be parted after a sign."""
    text = escape(line)
    return re.sub(r"(\\_|/)(?=\w)", r"\1\\allowbreak{}", text) if line_end.strip() else text


def _cell(cell: Cell, column: Column, line_end: str) -> str:
    if not isinstance(cell, Estimate):
        return line_end.join(_set(line, line_end) for line in show(cell, column).split("\n"))
    value = escape(show(cell.value, column))
    if cell.low is None or cell.high is None:
        return value
    ends = f"[{cell.low:z.{column.decimals}f}, {cell.high:z.{column.decimals}f}]"
    return rf"{value} {{\scriptsize {ends}}}"
