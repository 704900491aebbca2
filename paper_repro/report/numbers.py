"""Numbered items that are numbers: from the published tables, from a run's, and both, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from artifacts.published import Published
from paper_repro.report.lacking import Lacking, why_lacking
from paper_repro.report.run_forms import FORMS
from paper_repro.report.run_tables import OF_THE_PAPER, Key, RunTable
from paper_repro.report.table import Cell, Column, Estimate, Table
from paper_repro.report.tables import PAPER, TABLES, Tables, columns, heading

RUN = "this run's scores"
SAID = "This run"
COMPARED = "compared"


@dataclass(frozen=True)
class Numbers:
    """Where an item's numbers are.

    Attributes:
        source: The published table, or the run's in that form, that it is made of.
        columns: Those of its columns that it shows; empty: all.
        models: Base models that it shows; empty: all.
        others: Whether base models that the paper does not have stand in it too.
    """

    source: str
    columns: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    others: bool = True

    def has(self, base: str) -> bool:
        """Whether a base model's rows belong to it."""
        return not self.models or base in self.models or (self.others and base not in OF_THE_PAPER)


NUMBERS: dict[str, Numbers] = {
    "table_01": Numbers("table_12", ("average",)),
    "table_03": Numbers("table_14"),
    **{f"table_{number:02d}": Numbers(f"table_{number:02d}") for number in (5, 11, 12, 13, 14, 25, 29, 31)},
    "table_15": Numbers("table_15_16", (), ("Gemma-2-9B", "Gemma-2-2B"), others=False),
    "table_16": Numbers("table_15_16", (), ("Llama-3.1-8B", "Mistral-7B-v0.3")),
    "figure_06": Numbers("figure_06"),
    "figure_08": Numbers("figure_08"),
    "figure_09": Numbers("figure_09"),
}


def published_table(name: str, tables: Tables) -> Table | None:
    """The item's published numbers in the paper's layout; None for one that is only drawn, or not printed at all."""
    number = int(name.removeprefix("table_")) if name.startswith("table_") else None
    return TABLES[number](tables) if number in TABLES else None


def run_table(name: str, title: str, runs: Mapping[str, RunTable]) -> Table | None:
    """The item's numbers of a run, one row a condition; None where the run has none of them."""
    numbers, run = NUMBERS[name], runs.get(NUMBERS[name].source)
    if run is None:
        return None
    names = numbers.columns or tuple(run.form.measures)
    rows = {key: row for key, row in run.estimates().items() if numbers.has(str(key[0]))}
    rows = {key: row for key, row in rows.items() if any(row[column].value is not None for column in names)}
    if not rows:
        return None
    shown = (*_key_columns(run.form.key), *(Column(name, heading(name)) for name in names), Column("seeds", "Seeds"))
    cells = tuple(
        (*map(_named, key), *(row[column] for column in names), run.found[key].seeds) for key, row in rows.items()
    )
    notes = (
        "Means over seeds. In brackets 95 % intervals that resample prompts and seeds; with one seed they say nothing "
        "about other seeds. n counts replies of all seeds together.",
        "Missing: not measured in this run. Only the paper's selection of refusals, and sets that were not curated.",
    )
    return Table(name, f"{title}: this run", RUN, shown, cells, notes)


def both_table(
    name: str, title: str, tables: Mapping[str, Published], runs: Mapping[str, RunTable], lacking: Lacking | None = None
) -> Table | None:
    """Ours beside the published, one row a cell, with the difference, or why there is none; None if neither has any.

    A run's base model stands under its own name; only a run of a model of the paper meets the published numbers.

    Args:
        name, title: Of the table.
        tables, runs: The published numbers and the run's.
        lacking: What the run's scores say they could not make (`read_lacking`).
    """
    numbers = NUMBERS[name]
    published, run = tables.get(numbers.source), runs.get(numbers.source)
    if published is None and run is None:
        return None
    key_names = published.source.key if published else run.form.key
    theirs = {key: row for key, row in published.cells().items() if numbers.has(str(key[0]))} if published else {}
    ours = {key: row for key, row in run.estimates().items() if numbers.has(str(key[0]))} if run else {}
    shown = _measures(numbers, published, run)
    places = {column.key: column for column in columns(published)} if published else {}
    rows: list[tuple[Cell, ...]] = []
    for key in dict.fromkeys((*theirs, *ours)):
        for measure in shown:
            printed, own = theirs.get(key, {}).get(measure), ours.get(key, {}).get(measure, Estimate(None))
            if printed is None and own.value is None:
                continue
            status, difference = _compared(printed, own, key, run)
            rows.append((*map(_named, key), heading(measure), _printed(printed), own, difference, status))
    decimals = max((column.decimals for column in places.values() if column.key in shown), default=2)
    head = (
        *_key_columns(key_names),
        Column("measure", "Number", names_row=True),
        Column("published", "Published", decimals),
        Column("run", SAID, 2),
        Column("difference", "This run less published", 2),
        Column("status", "Compared, or why not", names_row=True),
    )
    why = why_lacking((FORMS[numbers.source].measures[one] for one in shown), lacking or {})
    notes = (
        "Published numbers as printed; a run's as means over seeds with 95 % intervals.",
        *((f"Where missing: {why}.",) if why and any(row[-1] != COMPARED for row in rows) else ()),
    )
    return Table(name, f"{title}: published and this run", f"{PAPER}; {RUN}", head, tuple(rows), notes)


def compared(table: Table) -> tuple[int, int, dict[str, int]]:
    """Of a table of both: cells with numbers of both, all cells, and the others by reason."""
    status = [str(row[-1]) for row in table.rows]
    reasons = {reason: status.count(reason) for reason in dict.fromkeys(status) if reason != COMPARED}
    return status.count(COMPARED), len(status), reasons


def _measures(numbers: Numbers, published: Published | None, run: RunTable | None) -> tuple[str, ...]:
    if numbers.columns:
        return numbers.columns
    if published is None:
        return tuple(run.form.measures)
    fields = published.source.fields
    return tuple(f.name for f in fields if f.name not in published.source.key and f.name != "parameters_billion")


def _compared(printed: Cell, own: Estimate, key: Key, run: RunTable | None) -> tuple[str, Cell]:
    """What is said of a cell, and the difference where there is one."""
    if printed is None:
        return "the paper has no such cell", ""
    if own.value is not None:
        ends = (None, None) if own.low is None else (own.low - printed, own.high - printed)
        return COMPARED, Estimate(own.value - printed, *ends)
    if run is None:
        return "not run: this run has none of these numbers", None
    bases = {found[0] for found in run.found}
    if key[0] not in bases:
        return "not run: this run has no such base model", None
    return f"not run: {'this number' if key in run.found else 'this condition'}, of this base model", None


def _printed(value: Cell) -> Cell:
    return "" if value is None else float(value)


def _named(value: str | int | None) -> Cell:
    return "" if value is None else value


def _key_columns(names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(Column(name, heading(name), 0, names_row=True) for name in names)


def without_numbers(name: str, lacking: Lacking) -> str:
    """Why a run has no numbers of an item, in words; of what its scores say they could not make their own words."""
    measures = FORMS[NUMBERS[name].source].measures.values()
    needed = dict.fromkeys(benchmark for one in measures for benchmark, *_ in one.parts)
    metrics = dict.fromkeys(metric for one in measures for _, metric, _ in one.parts)
    shown = list(metrics)[:3] + (["..."] if len(metrics) > 3 else [])
    why = why_lacking(measures, lacking)
    return f"the scores hold no {', '.join(shown)} on {', '.join(needed)}" + (f"; {why}" if why else "")
