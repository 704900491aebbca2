"""The paper's numbered tables from its published numbers: one function a layout, one registry entry a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from artifacts.published import Published
from artifacts.published_checks import KNOWN
from artifacts.published_tables import CORE_BENCHMARKS, DATASETS, METHODS, MODELS, Value
from paper_repro.report.names import called
from paper_repro.report.table import Cell, Column, Table

PAPER = "arXiv 2410.02465 version 3"
Tables = Mapping[str, Published]

HEADINGS = {
    "base_model": "Base model",
    "dataset": "Data set",
    "method": "Method",
    "num_safety_examples": "Refusals",
    "parameters_billion": "Parameters (10⁹)",
    "response_acceptance_rate": "Acceptance rate",
    "lc_win_rate_vs_it": "Length-controlled win rate against IT (%)",
    "acceptable_excellent": "Acceptable (excellent)",
    "acceptable_sufficient": "Acceptable (sufficient)",
    "not_acceptable": "Not acceptable",
    **{name: called(name) for name in CORE_BENCHMARKS},
    "average": "Average",
    "untuned": "Untuned",
    "IT": "IT",
    "RT": "RT",
    "overall": "Overall",
    "drfr": "DRFR",
    "rt_win": "RT wins",
    "tie": "Tie",
    "it_win": "IT wins",
    "lc_win_rate_vs_non_refined": "Win rate against unrefined (%)",
    "advbench": called("advbench"),
    "harmbench": called("harmbench"),
    "maliciousinstruct": called("malicious-instruct"),
    "xstest_unsafe": called("xstest-unsafe"),
    "xstest_benign_false_refusal": f"{called('xstest-benign')} (false refusals)",
    "alpacaeval_win_rate_vs_it": "Win rate against IT (%)",
    "advbench_refusal_rate": "AdvBench refusal rate",
}
NAMES_ROW = ("base_model", "dataset", "method", "num_safety_examples")


def heading(name: str) -> str:
    """A column's heading for people."""
    return HEADINGS.get(name, name.capitalize())


def columns(published: Published, names: tuple[str, ...] | None = None) -> tuple[Column, ...]:
    """Columns of a CSV, with the decimals that the paper prints."""
    fields = {field.name: field for field in published.source.fields}
    return tuple(
        Column(name, heading(name), 2 if fields[name].kind is float else 0, name in NAMES_ROW)
        for name in names or tuple(fields)
    )


def cell(value: Value) -> Cell:
    """A published value as a table cell; an empty one has no meaning rather than being missing."""
    return "" if value is None else value


def _as_printed(number: int, tables: Tables, notes: tuple[str, ...] = ()) -> Table:
    """A table whose rows are those of its CSV."""
    name = f"table_{number:02d}"
    published = tables[name]
    rows = tuple(tuple(cell(value) for value in row.values()) for row in published.rows)
    title = f"Table {number}. {published.source.title}"
    known = tuple(f"Known inconsistency: {note}." for check, note in KNOWN.items() if check.startswith(f"{name}/"))
    return Table(name, title, f"{PAPER}, Table {number}", columns(published), rows, (*notes, *known))


def _one_number(number: int, of: int, field: str, what: str, unit: str, tables: Tables) -> Table:
    """A table that prints a part of another: one number of it, methods side by side."""
    published = tables[f"table_{of}"]
    cells = published.cells()
    untuned = {model: cells.get((model, None, "untuned")) for model in MODELS}
    rows = tuple(
        (model, dataset, *(cell(row[field] if row else None) for row in (untuned[model], *found)))
        for model in MODELS
        for dataset in DATASETS
        if all(found := [cells.get((model, dataset, method)) for method in METHODS])
    )
    shown = (
        *columns(published, ("base_model", "dataset")),
        *(Column(name, heading(name)) for name in ("untuned", *METHODS)),
    )
    notes = (
        f"{what} ({unit}).",
        f"Version 3 prints a part of Table {of} here; which rows, our copy does not hold, so all of them are shown.",
    )
    title = f"Table {number}. {published.source.title}: {what}"
    return Table(f"table_{number:02d}", title, f"{PAPER}, Table {of}", shown, rows, notes)


def table_01(tables: Tables) -> Table:
    """Table 1: average of the six benchmarks (a part of Table 12)."""
    return _one_number(1, 12, "average", "average of six benchmarks", "per cent", tables)


def table_03(tables: Tables) -> Table:
    """Table 3: share of requirements met (a part of Table 14)."""
    return _one_number(3, 14, "drfr", "share of requirements met", "DRFR", tables)


def table_05(tables: Tables) -> Table:
    """Table 5: two sizes of Gemma-2."""
    return _as_printed(5, tables, ("Means over the three data sets, RT.",))


def table_11(tables: Tables) -> Table:
    """Table 11: human ratings of 805 AlpacaEval responses."""
    return _as_printed(11, tables, ("Share of 805 AlpacaEval instructions, three raters.",))


def table_12(tables: Tables) -> Table:
    """Table 12: six benchmarks and their average."""
    return _as_printed(12, tables, ("Per cent; 0-shot, but GSM8K with 8 shots.",))


def table_13(tables: Tables) -> Table:
    """Table 13: five aspects of response quality, 1 to 5."""
    return _as_printed(13, tables, ("Mean scores from 1 to 5 by gpt-4o-2024-08-06 over 800 instructions.",))


def table_14(tables: Tables) -> Table:
    """Table 14: share of decomposed requirements met."""
    return _as_printed(14, tables, ("DRFR: decomposed requirements following ratio; Alpaca only.",))


def figure_table(number: int, tables: Tables) -> Table:
    """The printed numbers of a figure that no table holds (Figures 8 and 9)."""
    name = f"figure_{number:02d}"
    published = tables[name]
    rows = tuple(tuple(cell(value) for value in row.values()) for row in published.rows)
    title = f"Figure {number}, its numbers. {published.source.title}"
    notes = (f"{'Length-controlled win rate in per' if number == 9 else 'Per'} cent of 805 AlpacaEval instructions.",)
    return Table(name, title, f"{PAPER}, Figure {number}", columns(published), rows, notes)


def refusal_notes() -> tuple[str, ...]:
    """What the refusal columns mean; shared with the tables of our own runs."""
    return (
        "Share of responses that refuse. HarmBench is the mean of its standard and contextual subsets.",
        "Average: AdvBench, HarmBench, MaliciousInstruct and XSTest unsafe; XSTest benign counts false refusals.",
    )


def _refusals(number: int, models: tuple[str, ...], tables: Tables) -> Table:
    published = tables["table_15_16"]
    rows = tuple(tuple(row.values()) for row in published.rows if row["base_model"] in models)
    split = "The two refusal tables are one file here; their split by model follows its order (an assumption)."
    title = f"Table {number}. {published.source.title}: {', '.join(models)}"
    source = f"{PAPER}, Tables 15 and 16"
    return Table(f"table_{number}", title, source, columns(published), rows, (*refusal_notes(), split))


def table_15(tables: Tables) -> Table:
    """Table 15: refusal rates of the two Gemma models (assumed from the order of the numbers)."""
    return _refusals(15, ("Gemma-2-9B", "Gemma-2-2B"), tables)


def table_16(tables: Tables) -> Table:
    """Table 16: refusal rates of Llama and Mistral (assumed from the order of the numbers)."""
    return _refusals(16, ("Llama-3.1-8B", "Mistral-7B-v0.3"), tables)


def table_25(tables: Tables) -> Table:
    """Table 25: tuning on news passages."""
    return _as_printed(25, tables, ("Mean scores from 1 to 5; 1,000 re-toned CC-News passages as responses.",))


def table_29(tables: Tables) -> Table:
    """Table 29: refined responses, one column a data set."""
    published = tables["table_29"]
    cells = published.cells()
    rows = tuple(
        (model, method, *(cells[model, method, dataset]["lc_win_rate_vs_non_refined"] for dataset in DATASETS))
        for model in MODELS
        for method in METHODS
    )
    shown = (*columns(published, ("base_model", "method")), *(Column(name.lower(), name) for name in DATASETS))
    notes = ("Length-controlled win rate (%) of the model tuned on refined responses against its counterpart.",)
    return Table("table_29", f"Table 29. {published.source.title}", f"{PAPER}, Table 29", shown, rows, notes)


def table_31(tables: Tables) -> Table:
    """Table 31: OLMo-7B."""
    note = (
        "The response set and the number of refusals behind the AdvBench rates are not in our notes on version 3 "
        "of the paper."
    )
    return _as_printed(31, tables, (note,))


TABLES: dict[int, Callable[[Tables], Table]] = {
    1: table_01,
    3: table_03,
    5: table_05,
    11: table_11,
    12: table_12,
    13: table_13,
    14: table_14,
    15: table_15,
    16: table_16,
    25: table_25,
    29: table_29,
    31: table_31,
}
