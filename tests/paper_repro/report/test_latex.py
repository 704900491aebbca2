"""Tables as LaTeX: what is escaped, what stands where, and that it compiles where a compiler is."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from artifacts.published_checks import check_published, read_all
from paper_repro.report.claims import load_claims
from paper_repro.report.errata import errata_table
from paper_repro.report.latex import escape, to_latex
from paper_repro.report.prompts import PROMPTS, prompt_table
from paper_repro.report.table import Column, Estimate, Table
from paper_repro.report.tables import TABLES
from paper_repro.report.verdicts import check_claims, claims_table

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
    assert r"\begin{tabular}{lp{0.71\linewidth}r}" in texts
    assert r"x\newline second line & 1.0 \\" in texts
    names = to_latex(table(("m", "table_15/average/" + "x" * 30, 1.0)))
    assert r"table\_\allowbreak{}15/\allowbreak{}average/\allowbreak{}xxx" in names
    lines = to_latex(table(*((f"m{i}", "s", float(i)) for i in range(50)))).split("\n")
    assert r"\begin{longtable}{llr}" in lines
    assert lines.count(r"Model & Set & Rate (\%) \\") == 2
    assert r"\endhead" in lines and r"\begin{table}[tbp]" not in lines


def test_a_table_of_many_columns_is_made_as_narrow_as_the_line():
    wide = Table("w", "W", "me", tuple(Column(f"c{i}", f"Heading {i}") for i in range(9)), ((1.0,) * 9,))
    lines = to_latex(wide).split("\n")
    assert lines[lines.index(r"\begin{tabular}{rrrrrrrrr}") - 1].startswith(r"\resizebox{\ifdim\width>\linewidth")
    assert lines[lines.index(r"\end{tabular}") + 1] == "}"
    assert "resizebox" not in to_latex(table(("m", "a", 1.0)))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex with booktabs (texlive-latex-recommended)")
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
    body = "\n\\clearpage\n".join(to_latex(one) for one in made)
    odd = to_latex(table(("50% [a_b] \\ {x} ~^ #1 <&> |", "\u2013", -1.0), ("[m]", "", Estimate(1.0, 0.5, 2.0))))
    packages = "\\documentclass{article}\n\\usepackage{booktabs,longtable,graphicx}\n"
    text = f"{packages}\\begin{{document}}\n{body}\n{odd}\n\\end{{document}}\n"
    (tmp_path / "all.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000
    too_wide = [float(found) for found in re.findall(r"Overfull \\hbox \(([0-9.]+)pt too wide\)", done.stdout)]
    assert max(too_wide, default=0) < 125, sorted(too_wide)[-5:]  # points beyond the 345 of `article`; ACL has 455
