"""Refusal rates of our own runs in the form of Tables 15 and 16, and beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from artifacts.published import Published
from artifacts.published_tables import FALSE_REFUSAL, REFUSAL_BENCHMARKS
from paper_repro.report.run_rows import BENCHMARKS, RunRow, columns_of, condition_cells, condition_columns
from paper_repro.report.table import Cell, Column, Estimate, Table
from paper_repro.report.tables import PAPER, heading, refusal_notes

METRICS = ("refusal_rate", "false_refusal_rate")
# the paper's columns in its order: those of the average, the average, false refusals
COLUMNS = (*REFUSAL_BENCHMARKS, "average", FALSE_REFUSAL)
OVERALL = {
    "advbench": ("advbench", "refusal_rate"),
    "maliciousinstruct": ("malicious-instruct", "refusal_rate"),
    "xstest_unsafe": ("xstest-unsafe", "refusal_rate"),
    FALSE_REFUSAL: ("xstest-benign", "false_refusal_rate"),
}
HARMBENCH = (("harmbench-standard", "refusal_rate"), ("harmbench-contextual", "refusal_rate"))
# the paper's Alpaca is the cleaned one; the original never shares its label
PAPER_SETS = {"alpaca-cleaned": "Alpaca", "dolly": "Dolly", "lima": "LIMA"}
OURS, THEIRS = "This run", "Published"


def mean_estimate(parts: Sequence[Estimate]) -> Estimate:
    """Unweighted mean of several rates, without an interval; no value unless all parts have one."""
    if not parts or any(part.value is None for part in parts):
        return Estimate(None)
    return Estimate(
        sum(part.value for part in parts) / len(parts),
        n=sum(part.n for part in parts),
        unclassified=sum(part.unclassified for part in parts),
        failed=sum(part.failed for part in parts),
    )


def paper_columns(row: RunRow) -> dict[str, Estimate]:
    """A condition's rates under the paper's column names; what was not measured has no value."""
    absent = Estimate(None)
    found = {name: row.estimates.get(source, absent) for name, source in OVERALL.items()}
    found["harmbench"] = mean_estimate([row.estimates.get(source, absent) for source in HARMBENCH])
    found["average"] = mean_estimate([found[name] for name in REFUSAL_BENCHMARKS])
    return {name: found[name] for name in COLUMNS}


def other_false_refusals(rows: Sequence[RunRow]) -> list[tuple[str, str]]:
    """Benign benchmarks that the paper's table does not have (e.g. AlpacaEval), in order of name."""
    known = set(OVERALL.values())
    return sorted({key for row in rows for key in row.estimates if key not in known and key[1] == METRICS[1]})


def refusal_table(rows: Sequence[RunRow]) -> Table:
    """Refusal rates by condition: the form of Tables 15 and 16, each with interval, n and unclassified count."""
    names, same = condition_columns(rows)
    others = other_false_refusals(rows)
    columns = (
        *columns_of(names),
        *_rate_columns(),
        *(
            Column(f"{name.replace('-', '_')}_false_refusal", f"{BENCHMARKS.get(name, name)} (false refusals)")
            for name, _ in others
        ),
    )
    cells = tuple(
        (
            *condition_cells(row, names),
            *paper_columns(row).values(),
            *(row.estimates.get(key, Estimate(None)) for key in others),
        )
        for row in rows
    )
    notes = (
        *refusal_notes(),
        *same,
        "In brackets the 95 % interval over prompts; means over benchmarks have none. "
        "n counts all prompts judged; unclassified and failed ones are in n and count as no refusal.",
        "Missing: not measured in this run. The average is given only where all four of its parts are.",
    )
    return Table("refusal_rates", "Refusal rates of this run", "this run's scores", columns, cells, notes)


def _rate_columns() -> tuple[Column, ...]:
    return tuple(Column(name, heading(name)) for name in COLUMNS)


def side_by_side_table(rows: Sequence[RunRow], published: Published) -> Table:
    """Our rows in one block, the paper's of the same response sets, methods and counts in the other."""
    columns = (
        Column("numbers", "Numbers", names_row=True),
        Column("base_model", "Base model", names_row=True),
        Column("response_set", "Response set", names_row=True),
        Column("method", "Method", names_row=True),
        Column("num_refusals", "Refusals", 0, names_row=True),
        Column("strategy", "Strategy", names_row=True),
        *_rate_columns(),
    )
    keys = ("base_model", "response_set", "method", "num_refusals", "strategy")
    ours = [(OURS, *condition_cells(row, keys), *paper_columns(row).values()) for row in rows]
    notes = (
        *refusal_notes(),
        "The blocks differ in base model, judge, prompts and training: do not compare the sizes of their numbers.",
        "Published rows: the same response set, method and number of refusals as a row of this run "
        f"(sets that the paper has: {', '.join(f'{mine} as {paper}' for mine, paper in PAPER_SETS.items())}).",
    )
    body = (*ours, *_published_rows(rows, published))
    title = "Refusal rates: this run and the published numbers"
    return Table("refusal_rates_both", title, f"this run's scores; {PAPER}, Tables 15 and 16", columns, body, notes)


def _published_rows(rows: Sequence[RunRow], published: Published) -> list[tuple[Cell, ...]]:
    wanted = {(PAPER_SETS.get(row["response_set"]), row["method"], row["num_refusals"]) for row in rows}
    return [
        (
            THEIRS,
            row["base_model"],
            row["dataset"],
            row["method"],
            row["num_safety_examples"],
            "paper" if row["num_safety_examples"] else "",
            *(row[name] for name in COLUMNS),
        )
        for row in published.rows
        if (row["dataset"], row["method"], row["num_safety_examples"]) in wanted
    ]


def claim_cells(rows: Sequence[RunRow]) -> tuple[Mapping[tuple, dict[str, float]], int]:
    """Rates for the claims: (model, set, method, refusals) to column to mean over seeds; and the fewest seeds.

    Only the paper's strategy and uncurated sets, as the statements are about those; a column that some seed
    lacks is left out. Studies, judges and learning rates stay apart: they are part of the model's label.
    """
    seeds: dict[tuple, list[dict[str, Estimate]]] = {}
    rates = {row["learning_rate"] for row in rows} - {None}
    for row in rows:
        if row["method"] != "untuned" and row["strategy"] in (None, "paper") and row["recipe"] == "paper":
            rate = f", learning rate {row['learning_rate']:g}" if len(rates) > 1 and row["learning_rate"] else ""
            model = f"{row['base_model']} ({row['study']}, {row['judge']}{rate})"
            key = (model, row["response_set"], row["method"], row["num_refusals"])
            seeds.setdefault(key, []).append(paper_columns(row))
    cells = {key: _means(found) for key, found in seeds.items()}
    return cells, min((len(found) for found in seeds.values()), default=0)


def _means(found: Sequence[Mapping[str, Estimate]]) -> dict[str, float]:
    values = {name: [columns[name].value for columns in found] for name in COLUMNS}
    return {name: sum(seen) / len(seen) for name, seen in values.items() if None not in seen}
