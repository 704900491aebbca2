"""The numbers that claims are about: published tables in, one value a cell out (None: no numbers for it)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from artifacts.published import Row, label
from artifacts.published_tables import DATASETS, FALSE_REFUSAL, MODELS, REFUSAL_COUNTS
from paper_repro.report.tables import Tables

Values = dict[str, float]


def _tuned(tables: Tables, name: str, datasets: Sequence[str], value: Callable[[Row, Row], float]) -> Values:
    """`value(RT row, IT row)` for every model and data set of a table with methods."""
    cells = tables[name].cells()
    return {
        label((model, dataset)): value(cells[model, dataset, "RT"], cells[model, dataset, "IT"])
        for model in MODELS
        for dataset in datasets
    }


def _acceptable(row: Row) -> float:
    return row["acceptable_excellent"] + row["acceptable_sufficient"]


def _acceptability_untuned(tables: Tables) -> Values:
    cells = tables["table_11"].cells()
    return {model: _acceptable(cells[model, None, "untuned"]) for model in MODELS}


def _drfr_over_untuned(tables: Tables) -> Values:
    cells = tables["table_14"].cells()
    tuned = _tuned(tables, "table_14", ("Alpaca",), lambda rt, it: min(rt["drfr"], it["drfr"]))
    return {model: tuned[f"{model} Alpaca"] - cells[model, None, "untuned"]["drfr"] for model in MODELS}


def _column(name: str, value: Callable[[Row], float]) -> Callable[[Tables], Values]:
    """One value a row of a table."""
    return lambda tables: {label(key): value(row) for key, row in tables[name].cells().items()}


def refusal_rise(cells: Mapping, column: str = "average") -> Values:
    """Rate at the most refusals less the rate at none, per model, data set and method."""
    first, last = REFUSAL_COUNTS[0], REFUSAL_COUNTS[-1]
    return {label(s): cells[*s, last][column] - cells[*s, first][column] for s in _series(cells)}


def refusal_steps(cells: Mapping, column: str = "average") -> Values:
    """Change of the rate from each number of refusals to the next."""
    return {
        f"{label(s)} {before}-{after}": cells[*s, after][column] - cells[*s, before][column]
        for s in _series(cells)
        for before, after in pairwise(REFUSAL_COUNTS)
    }


def refusal_gap(cells: Mapping, column: str = "average") -> Values:
    """IT's rate less RT's at the same number of refusals (not at none)."""
    return {
        label((model, dataset, count)): cells[model, dataset, "IT", count][column]
        - cells[model, dataset, "RT", count][column]
        for model, dataset, method in _series(cells)
        for count in REFUSAL_COUNTS[1:]
        if method == "RT"
    }


def false_refusals(cells: Mapping) -> Values:
    """Refusal rate on XSTest's benign prompts."""
    return {label(key): row[FALSE_REFUSAL] for key, row in cells.items()}


def _series(cells: Mapping) -> list[tuple[str, str, str]]:
    return list(dict.fromkeys((model, dataset, method) for model, dataset, method, _ in cells))


def _gap_by_size(tables: Tables) -> Values:
    gaps = refusal_gap(tables["table_15_16"].cells())

    def mean(model: str) -> float:
        found = [value for cell, value in gaps.items() if cell.startswith(model + " ")]
        return sum(found) / len(found)

    return {"mean gap of Gemma-2-2B less that of Gemma-2-9B": mean("Gemma-2-2B") - mean("Gemma-2-9B")}


def _refined(datasets: Sequence[str]) -> Callable[[Tables], Values]:
    return lambda tables: {
        label(key): row["lc_win_rate_vs_non_refined"]
        for key, row in tables["table_29"].cells().items()
        if row["dataset"] in datasets
    }


def _from_refusals(quantity: Callable[[Mapping], Values]) -> Callable[[Tables], Values]:
    return lambda tables: quantity(tables["table_15_16"].cells())


# what can also be computed from the results of a run: cells keyed (model, data set, method, refusals)
OF_REFUSALS: dict[str, Callable[[Mapping], Values]] = {
    "refusal_rise": refusal_rise,
    "refusal_steps": refusal_steps,
    "refusal_gap": refusal_gap,
    "false_refusals": false_refusals,
}

QUANTITIES: dict[str, Callable[[Tables], Values] | None] = {
    "acceptability_untuned": _acceptability_untuned,
    "acceptability_rt": lambda t: _tuned(t, "table_11", DATASETS, lambda rt, it: _acceptable(rt)),
    "acceptability_it": lambda t: _tuned(t, "table_11", DATASETS, lambda rt, it: _acceptable(it)),
    "acceptability_gap": lambda t: _tuned(t, "table_11", DATASETS, lambda rt, it: _acceptable(it) - _acceptable(rt)),
    "human_ties": _column("figure_08", lambda row: row["tie"]),
    "human_it_lead": _column("figure_08", lambda row: row["it_win"] - row["rt_win"]),
    "gpt4_rt_wins": _column("figure_09", lambda row: row["rt_win"]),
    "capability_lead": lambda t: _tuned(t, "table_12", DATASETS, lambda rt, it: rt["average"] - it["average"]),
    "drfr_gap": lambda t: _tuned(t, "table_14", ("Alpaca",), lambda rt, it: it["drfr"] - rt["drfr"]),
    "drfr_over_untuned": _drfr_over_untuned,
    **{name: _from_refusals(quantity) for name, quantity in OF_REFUSALS.items()},
    "refusal_gap_by_size": _gap_by_size,
    "in_context": None,  # Figure 6 is a drawing; its numbers are not published as a table
    "refined_wins": _refined(DATASETS),
    "refined_wins_dolly": _refined(("Dolly",)),
}
