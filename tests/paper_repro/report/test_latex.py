"""Tables as LaTeX: what is escaped, what stands where, and that it compiles where a compiler is."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from artifacts.published_checks import check_published, read_all
from paper_repro.report.claims import load_claims
from paper_repro.report.errata import errata_table
from paper_repro.report.items import ITEMS, State, items_table
from paper_repro.report.latex import escape, to_latex
from paper_repro.report.numbers import NUMBERS, both_table
from paper_repro.report.prompts import PROMPTS, prompt_table
from paper_repro.report.run_tables import run_tables
from paper_repro.report.table import Column, Estimate, Table
from paper_repro.report.tables import TABLES
from paper_repro.report.testbed_cards import Card, bases_table
from paper_repro.report.testbed_cells import Base
from paper_repro.report.verdicts import check_claims, claims_table
from tests.paper_repro.report.conftest import rate, tuned

NEEDS_LATEX = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="needs pdflatex with booktabs (texlive-latex-recommended)"
)
LACKING = State("not run", "left to the profile testbed-full (make reproduce FULL=1): it would take more time")
COLUMNS = (
    Column("model", "Model", names_row=True),
    Column("set", "Set", names_row=True),
    Column("rate", "Rate (%)", 1),
)


def table(*rows, notes=()):
    return Table("my_table", "A & B", "me", COLUMNS, rows, notes)


def test_text_is_escaped():
    assert escape("50% of $a_b$ & {x}#~^\\") == (
        r"50\% of \$a\_b\$ \& \{x\}\#\textasciitilde{}\textasciicircum{}\textbackslash{}"
    )
    assert escape("10\u2079 \u2212 1") == "10$^{9}$ $-$ 1"
    assert escape("a\nb") == "a b"


def test_numbers_stand_right_and_repeated_names_are_left_blank():
    rows = (("m", "a", 12.345), ("m", "b", Estimate(3.0, 2.0, 4.0, 10)), ("m", "c", None), ("[n]", "", 1.0))
    lines = to_latex(table(*rows, notes=("n & m",))).split("\n")
    assert r"\begin{tabular}{llr}" in lines
    assert r"m & a & 12.3 \\" in lines
    assert r" & b & 3.0 {\scriptsize [2.0, 4.0]} \\" in lines
    assert r" & c & missing \\" in lines
    assert r"{}[n] & -- & 1.0 \\" in lines
    assert r"n \& m\par" in lines
    assert r"\caption{A \& B}" in lines
    assert r"\label{tab:my-table}" in lines


def test_long_texts_are_wrapped_and_a_table_longer_than_a_page_repeats_its_heading():
    texts = to_latex(table(("m", "x" * 40 + "\nsecond line", 1.0), notes=("n",)))
    assert r"\begin{tabular}{l>{\raggedright\arraybackslash}p{0." in texts
    assert r"x\newline second line & 1.0 \\" in texts
    names = to_latex(table(("m", "table_15/average/" + "x" * 30 + " text" * 20 + " at -0.1 of MaliciousInstruct", 1.0)))
    assert r"table\_\allowbreak{}15/\allowbreak{}average/\allowbreak{}xxx" in names
    assert r" at -0.1 of Malicious\-Instruct" in names  # a sign of a number parts nothing, very long words are parted
    lines = to_latex(table(*((f"m{i}", "s", float(i)) for i in range(50)))).split("\n")
    assert r"\begin{longtable}{llr}" in lines
    assert lines.count(r"Model & Set & Rate (\%) \\") == 2
    assert r"\endhead" in lines and r"\begin{table}[tbp]" not in lines


def wide(columns: int, heading: str, rows: int = 1, cell=1.0) -> Table:
    named = Column("name", "Name", names_row=True)
    numbers = tuple(Column(f"c{i}", f"{heading} {i}") for i in range(columns))
    return Table("w", "W", "me", (named, *numbers), tuple((f"m{i}", *(cell,) * columns) for i in range(rows)))


def test_a_table_of_many_columns_is_set_smaller_and_shrunk_only_where_that_is_not_enough():
    assert r"\small" in to_latex(wide(3, "Heading")) and "resizebox" not in to_latex(wide(3, "Heading"))
    narrow = to_latex(wide(9, "Heading"))
    assert r"\scriptsize" in narrow and "resizebox" not in narrow
    lines = to_latex(wide(14, "Heading")).split("\n")
    assert lines[lines.index(rf"\begin{{tabular}}{{l{'r' * 14}}}") - 1].startswith(
        r"\resizebox{\ifdim\width>\linewidth"
    )
    assert lines[lines.index(r"\end{tabular}") + 1] == "}"


def test_an_interval_stands_below_its_estimate_where_there_is_no_room_behind_it():
    measured = Estimate(0.5, 0.25, 0.75, 10)
    assert r"0.50 {\scriptsize [0.25, 0.75]}" in to_latex(wide(3, "Rate", cell=measured))
    assert r"\shortstack[r]{0.50 \\ {\tiny [0.25, 0.75]}}" in to_latex(wide(8, "Rate", cell=measured))


def test_a_table_longer_than_a_page_and_wider_than_its_line_is_a_part_a_page():
    text = to_latex(wide(14, "Heading", rows=100))
    parts = text.split(r"\begin{table}")[1:]
    assert len(parts) > 1 and "longtable" not in text
    assert [f"m{i} " for i in range(100)] == re.findall(r"^m\d+ ", text, re.M)
    assert all(part.count(r"\resizebox") == 1 and r"\toprule" in part for part in parts)
    assert text.count(r"\label") == text.count("Source: me.") == 1  # the first has the label, the last the notes
    assert all(r"\addtocounter{table}{-1}\caption{W (continued)}" in part for part in parts[1:])


def compiled(tables: Iterable[Table], folder: Path) -> str:
    """What pdflatex says of all tables, each on its own pages of `article`."""
    body = "\n\\clearpage\n".join(f"\\typeout{{ITEM {one.name}}}\n{to_latex(one)}" for one in tables)
    packages = "\\documentclass{article}\n\\usepackage{array,booktabs,longtable,graphicx}\n"
    text = f"{packages}\\begin{{document}}\n{body}\n\\end{{document}}\n"
    (folder / "all.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "all.pdf").stat().st_size > 10_000
    return done.stdout


def too_wide(said: str) -> list[tuple[str, float]]:
    """Tables with a box that is more than 10 points too wide for its line, or too tall for its page."""
    found, name = [], ""
    for line in said.split("\n"):
        name = line.removeprefix("ITEM ") if line.startswith("ITEM ") else name
        over = re.search(r"Overfull \\[hv]box \(([0-9.]+)pt too|Float too large for page by ([0-9.]+)pt", line)
        if over and float(over[1] or over[2]) > 10:
            found.append((name, float(over[1] or over[2])))
    return found


@NEEDS_LATEX
def test_every_published_table_compiles(tmp_path):
    tables = read_all()
    claims = load_claims()
    outcomes = check_claims(claims, tables)
    texts = [
        claims_table(outcomes, claims.version, "claims_published", "Findings"),
        errata_table(tables, check_published(tables), outcomes),
        *(prompt_table(number) for number in PROMPTS),
    ]
    made = [*(make(tables) for make in TABLES.values()), *texts]
    odd = table(("50% [a_b] \\ {x} ~^ #1 <&> |", "\u2013", -1.0), ("[m]", "", Estimate(1.0, 0.5, 2.0)))
    assert too_wide(compiled([*made, odd], tmp_path)) == []


@NEEDS_LATEX
def test_every_table_of_a_run_fits_its_line(tmp_path):
    tables = read_all()
    base = Base("0.5M", "many-declines-5", 0)
    numbers = (533_000, 29_800_000, 570_123, 4337, 0.8291, 0.69, 0.95, 0.1, 2.29, 0.99)
    cards = [Card(base, f"testbed-0.5m-many-declines-5-{i}", *numbers, f"{i:02d}" + "c" * 62) for i in range(13)]
    items = items_table([(item, State("given", "", (f"{name}_published",)), LACKING) for name, item in ITEMS.items()])
    runs = run_tables([rate(row, "xstest-unsafe", 0.4) for row in (tuned("RT", 100, "paper"), tuned("IT", 0, None))])
    both = [both_table(name, ITEMS[name].title, tables, runs) for name in NUMBERS if name != "figure_06"]
    made = [bases_table(cards, {}), items, wide(14, "Heading", rows=100), *both]
    assert too_wide(compiled(made, tmp_path)) == []
