"""A table as LaTeX with booktabs, for a paper: `\\input{table_11}` after `\\usepackage{booktabs}`."""

from __future__ import annotations

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


def to_latex(table: Table) -> str:
    """A `table` environment: tabular with rules of booktabs, the notes and the source under it, caption and label.

    Numbers stand right-aligned, an interval in brackets behind its estimate; a naming cell that repeats the row above
    is left blank. Text is escaped, so any model's name or note is safe to compile.
    """
    align = "".join("l" if column.names_row else "r" for column in table.columns)
    lines = [
        r"\begin{table}[tbp]",
        r"\centering",
        r"\small",
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        _row([escape(column.heading) for column in table.columns]),
        r"\midrule",
        *(_row(_cells(table, index)) for index in range(len(table.rows))),
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\medskip",
        r"\begin{minipage}{\linewidth}\footnotesize",
        *(f"{escape(note)}\\par" for note in table.notes),
        f"Source: {escape(table.source)}.",
        r"\end{minipage}",
        rf"\caption{{{escape(table.title)}}}",
        rf"\label{{tab:{table.name.replace('_', '-')}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


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
    return ["" if table.repeats(index, place) else _cell(cell, column) for place, (cell, column) in pairs]


def _cell(cell: Cell, column: Column) -> str:
    if not isinstance(cell, Estimate):
        return escape(show(cell, column))
    value = escape(show(cell.value, column))
    if cell.low is None or cell.high is None:
        return value
    ends = f"[{cell.low:.{column.decimals}f}, {cell.high:.{column.decimals}f}]"
    return rf"{value} {{\scriptsize {ends}}}"
