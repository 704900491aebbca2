"""A table as LaTeX, for a paper: `\\input{table_11}` after `\\usepackage{array,booktabs,longtable,graphicx}`."""

from __future__ import annotations

import re

from paper_repro.report.latex_fit import BREAKS, PAGE, Fit, fit, interval, parted
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


SHRUNK = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"  # a wide table, where it must be


def to_latex(table: Table) -> str:
    """A `table` environment: tabular with rules of booktabs, caption and label, the notes and the source under it.

    A table longer than a page is a `longtable`, its heading repeated. Numbers stand right-aligned, an interval in
    brackets behind its estimate; long texts are wrapped; a naming cell that repeats the row above is left blank. Text
    is escaped, so any model's name or note is safe to compile.
    """
    how = fit(table)
    head = _row([_heading(column, how, index in how.wrapped) for index, column in enumerate(table.columns)])
    rows = [_row(_cells(table, index, how), how) for index in range(len(table.rows))]
    label = rf"\label{{tab:{table.name.replace('_', '-')}}}"
    notes = [f"{escape(note)}\\par" for note in table.notes] + [f"Source: {escape(table.source)}."]
    align = _align(table, how)
    if how.height <= PAGE:
        return _float(align, how, [rf"\caption{{{escape(table.title)}}}", label], head, rows, notes)
    if how.shrunk:
        return _pages(table, align, how, label, head, notes)
    return _long(align, [how.size.command], [rf"\caption{{{escape(table.title)}}}", label], head, rows, notes)


def _float(align: str, how: Fit, caption: list[str], head: str, rows: list[str], notes: list[str]) -> str:
    lines = [
        r"\begin{table}[tbp]",
        r"\centering",
        how.size.command,
        *([SHRUNK] if how.shrunk else []),
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        head,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        *(["}"] if how.shrunk else []),
        r"\par\medskip",
        *([r"\begin{minipage}{\linewidth}\footnotesize", *notes, r"\end{minipage}"] if notes else []),
        *caption,
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _pages(table: Table, align: str, how: Fit, label: str, head: str, notes: list[str]) -> str:
    """A table that is longer than a page and wider than its line, which a `longtable` cannot shrink: a part a page."""
    made, rest = [], list(range(len(table.rows)))
    while rest:
        count = how.on_a_page(rest)
        part, rest = rest[:count], rest[count:]
        # the first row of a part names what the row above it names
        rows = [_row(_cells(table, index, how, whole=index == part[0]), how) for index in part]
        again = r"\addtocounter{table}{-1}" if made else ""
        said = f"{escape(table.title)} (continued)" if made else escape(table.title)
        caption = [rf"{again}\caption{{{said}}}", *([] if made else [label])]
        made.append(_float(align, how, caption, head, rows, [] if rest else notes))
    return "".join(made)


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


def _heading(column: Column, how: Fit, wrapped: bool) -> str:
    """A heading; a long one over a column that is not wrapped on several lines."""
    lines = how.stacked(column.heading)
    if wrapped or len(lines) < 2:
        return escape(column.heading)
    stacked = r" \\ ".join(escape(line) for line in lines)
    return rf"\shortstack[{'l' if column.names_row else 'r'}]{{{stacked}}}"


def _align(table: Table, how: Fit) -> str:
    """Columns of the tabular."""
    kinds = ["l" if column.names_row else "r" for column in table.columns]
    for index, share in how.wrapped.items():
        kinds[index] = rf">{{\raggedright\arraybackslash}}p{{{share:.3f}\linewidth}}"
    return "".join(kinds)


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


def _row(cells: list[str], how: Fit | None = None) -> str:
    # a row that begins with a bracket would be read as an argument of the line break before it
    first, *rest = cells
    space = rf"\addlinespace[{how.spread:g}pt]" if how is not None and how.spread else ""
    return " & ".join([f"{{}}{first}" if first.startswith("[") else first, *rest]) + r" \\" + space


def _cells(table: Table, index: int, how: Fit, *, whole: bool = False) -> list[str]:
    return [
        "" if table.repeats(index, place) and not whole else _cell(cell, column, place in how.wrapped, how.size.below)
        for place, (cell, column) in enumerate(zip(table.rows[index], table.columns, strict=True))
    ]


def _set(line: str) -> str:
    """A line of a wrapped cell: its words may be parted after a sign, very long ones before a capital."""
    words = ([_parted(part) for part in BREAKS.split(word)] for word in re.split(r"\s+", line))
    return " ".join(r"\allowbreak{}".join(word) for word in words)


def _parted(word: str) -> str:
    *parts, last = parted(word)
    return r"\-".join([*(escape(part.removesuffix("-")) for part in parts), escape(last)])


def _cell(cell: Cell, column: Column, wrapped: bool, below: bool) -> str:
    if not isinstance(cell, Estimate):
        text = show(cell, column)
        return r"\newline ".join(_set(line) for line in text.split("\n")) if wrapped else escape(text)
    ends = interval(cell, column)
    value = escape(show(cell.value, column))
    if below and ends:
        return rf"\shortstack[r]{{{value} \\ {{\tiny {ends}}}}}"
    return rf"{value} {{\scriptsize {ends}}}" if ends else value
