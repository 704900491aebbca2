"""The numbers that a figure draws, as tables beside its pictures, for figures whose numbers stand in other items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from artifacts.published_tables import DATASETS, MODELS
from paper_repro.report.figure import Drawing
from paper_repro.report.figures import FIGURE_5_CELL
from paper_repro.report.numbers import run_table
from paper_repro.report.run_tables import RunTable
from paper_repro.report.table import Column, Table
from paper_repro.report.tables import PAPER, TABLES, Tables, cell, columns

WHOLE = {2: 11, 3: 13}  # figures that draw a table as it is
OF_RUN = {2: ("table_11",), 3: ("table_13",), 5: ("table_15", "table_16")}


def with_published_numbers(drawing: Drawing, number: int, tables: Tables) -> Drawing:
    """The drawing of a figure of the paper with a table of what it draws, under its name; others as they are."""
    if number in WHOLE:
        table = TABLES[WHOLE[number]](tables)
    elif number == 4:
        table = _preferences(tables)
    elif number == 5:
        table = TABLES[15](tables)
        table = replace(table, rows=tuple(row for row in table.rows if row[:2] == FIGURE_5_CELL))
    else:
        return drawing
    return _with(drawing, table)


def with_run_numbers(drawing: Drawing, number: int, runs: Mapping[str, RunTable]) -> Drawing:
    """The same of a run's drawing; of Figure 5 all base models and data sets, of which it draws one pair."""
    found = [table for name in OF_RUN.get(number, ()) if (table := run_table(name, drawing.title, runs)) is not None]
    if not found:
        return drawing
    return _with(drawing, replace(found[0], rows=tuple(row for table in found for row in table.rows)))


def _with(drawing: Drawing, table: Table) -> Drawing:
    return replace(drawing, numbers=replace(table, name=drawing.name, title=f"{drawing.title}: its numbers"))


def _preferences(tables: Tables) -> Table:
    """Figures 8 and 9 side by side: what the halves of Figure 4 draw."""
    raters, judge = tables["figure_08"], tables["figure_09"]
    parts = [(raters, name, "raters") for name in ("rt_win", "tie", "it_win")]
    parts += [(judge, name, "GPT-4") for name in ("rt_win", "it_win")]
    rows = tuple(
        (model, dataset, *(cell(of.cells()[model, dataset][name]) for of, name, _ in parts))
        for model in MODELS
        for dataset in DATASETS
    )
    heads = tuple(
        Column(f"{name}_{who.lower().replace('-', '')}", f"{columns(of, (name,))[0].heading}, {who}", 0)
        for of, name, who in parts
    )
    notes = ("Per cent of 805 AlpacaEval instructions; GPT-4's are controlled for length.",)
    shown = (*columns(raters, ("base_model", "dataset")), *heads)
    return Table("figure_04", "", f"{PAPER}, Figures 8 and 9", shown, rows, notes)
