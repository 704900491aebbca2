"""The numbers that claims are about: tables in, one value a cell out.

Tables are the published ones, or a run's in their form (`run_tables`); the latter also with resampled values, so a
value is a number or an array of draws. A condition that lacks a number is passed over; a table that is not there is
a `LackingTable` that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, Protocol

from artifacts.published import label
from artifacts.published_tables import FALSE_REFUSAL, REFUSAL_COUNTS

Amount = Any  # a number, or as many resampled ones (a NumPy array)
Values = dict[str, Amount]
Row = Mapping[str, Amount]


class HasCells(Protocol):
    """A table by condition."""

    def cells(self) -> Mapping[tuple, Row]:
        """Columns by condition."""


Tables = Mapping[str, HasCells]
Quantity = Callable[[Tables], Values]


class LackingTable(Exception):
    """A table that a quantity needs and that is not there; `name` is its name."""

    def __init__(self, name: str):
        super().__init__(name)
        self.name = name


class LackingNumber(Exception):
    """A condition, or a number of it, that a quantity needs of a table that is there."""


class _Found(dict):
    """Rows by condition, or a row's numbers: what is not there is no KeyError, which would hide the code's own."""

    def __missing__(self, key: Any) -> Any:
        raise LackingNumber(key)


def _cells(tables: Tables, name: str) -> Mapping[tuple, Row]:
    if name not in tables:
        raise LackingTable(name)
    return _Found({key: _Found(row) for key, row in tables[name].cells().items()})


def _known(pairs: Iterable[tuple[str, Callable[[], Amount]]]) -> Values:
    """Values of the cells that have all their numbers."""
    found = {}
    for name, value in pairs:
        try:
            found[name] = value()
        except LackingNumber:
            continue
    return found


def _tuned(name: str, value: Callable[[Row, Row], Amount]) -> Quantity:
    """`value(RT row, IT row)` for every model and data set that a table has both methods of."""

    def quantity(tables: Tables) -> Values:
        cells = _cells(tables, name)
        places = dict.fromkeys(key[:2] for key in cells if key[2] in ("RT", "IT"))
        return _known(
            (label(place), lambda place=place: value(cells[*place, "RT"], cells[*place, "IT"])) for place in places
        )

    return quantity


def _acceptable(row: Row) -> Amount:
    """Both levels together; a run's have an interval of their own, which is not that of two independent shares."""
    return row["acceptable"] if "acceptable" in row else row["acceptable_excellent"] + row["acceptable_sufficient"]


def _it_lead(row: Row) -> Amount:
    """IT's wins less RT's, in points; for a run's see `_acceptable`."""
    return row["it_lead"] if "it_lead" in row else row["it_win"] - row["rt_win"]


def _acceptability_untuned(tables: Tables) -> Values:
    cells = _cells(tables, "table_11")
    return _known((key[0], lambda key=key: _acceptable(cells[key])) for key in cells if key[2] == "untuned")


def _drfr_over_untuned(tables: Tables) -> Values:
    """The lower of RT and IT less the untuned base."""
    import numpy as np

    cells = _cells(tables, "table_14")

    def gain(model: str, dataset: str) -> Amount:
        tuned = [cells[model, dataset, method]["drfr"] for method in ("RT", "IT")]
        return np.minimum(*tuned) - cells[model, None, "untuned"]["drfr"]

    places = dict.fromkeys(key[:2] for key in cells if key[1] is not None)
    return _known((label(place), lambda place=place: gain(*place)) for place in places)


def _column(name: str, value: Callable[[Row], Amount]) -> Quantity:
    """One value a row of a table."""

    def quantity(tables: Tables) -> Values:
        return _known((label(key), lambda row=row: value(row)) for key, row in _cells(tables, name).items())

    return quantity


def _refusal_cells(tables: Tables) -> Mapping[tuple, Row]:
    return _cells(tables, "table_15_16")


def _series(cells: Mapping) -> list[tuple[str, str, str]]:
    return list(dict.fromkeys(key[:3] for key in cells))


def _refusal_rise(tables: Tables) -> Values:
    """Average rate at the most refusals less that at none, per model, data set and method."""
    cells = _refusal_cells(tables)
    first, last = REFUSAL_COUNTS[0], REFUSAL_COUNTS[-1]
    return _known(
        (label(s), lambda s=s: cells[*s, last]["average"] - cells[*s, first]["average"]) for s in _series(cells)
    )


def refusal_steps(tables: Tables) -> Values:
    """Change of the average rate from each number of refusals to the next."""
    cells = _refusal_cells(tables)
    return _known(
        (f"{label(s)} {a}-{b}", lambda s=s, a=a, b=b: cells[*s, b]["average"] - cells[*s, a]["average"])
        for s in _series(cells)
        for a, b in pairwise(REFUSAL_COUNTS)
    )


def _refusal_gap(tables: Tables) -> Values:
    """IT's average rate less RT's at the same number of refusals (not at none)."""
    cells = _refusal_cells(tables)
    places = [(*key[:2], count) for key in _series(cells) if key[2] == "RT" for count in REFUSAL_COUNTS[1:]]
    return _known(
        (label(p), lambda p=p: cells[*p[:2], "IT", p[2]]["average"] - cells[*p[:2], "RT", p[2]]["average"])
        for p in places
    )


def _gap_by_size(tables: Tables) -> Values:
    """RT's mean gap to IT on Gemma-2-2B less that on Gemma-2-9B; nothing unless both are there."""
    gaps = _refusal_gap(tables)

    def of(model: str) -> list[Amount]:
        return [value for cell, value in gaps.items() if cell.startswith(f"{model} ")]

    small, large = of("Gemma-2-2B"), of("Gemma-2-9B")
    if not small or not large:
        return {}
    difference = sum(small) / len(small) - sum(large) / len(large)
    return {"mean gap of Gemma-2-2B less that of Gemma-2-9B": difference}


def _in_context(first: str, second: str, *, size: bool = False) -> Quantity:
    """One template's score on each aspect less another's; with `size` the size of that difference."""

    def quantity(tables: Tables) -> Values:
        cells = _cells(tables, "figure_06")
        bases = dict.fromkeys(key[0] for key in cells)
        aspects = dict.fromkeys(aspect for row in cells.values() for aspect in row)

        def value(base: str, aspect: str) -> Amount:
            difference = cells[base, first][aspect] - cells[base, second][aspect]
            return abs(difference) if size else difference

        return _known(
            (f"{base} {aspect}, {first} less {second}", lambda base=base, aspect=aspect: value(base, aspect))
            for base in bases
            for aspect in aspects
        )

    return quantity


def _far_above(tables: Tables) -> Values:
    """Both templates that show something less the one that shows nothing."""
    return _in_context("URIAL", "0-shot")(tables) | _in_context("URIAL-R", "0-shot")(tables)


def _refined(datasets: tuple[str, ...] = ()) -> Quantity:
    def quantity(tables: Tables) -> Values:
        cells = _cells(tables, "table_29")
        chosen = [key for key in cells if not datasets or key[2] in datasets]
        return _known((label(key), lambda key=key: cells[key]["lc_win_rate_vs_non_refined"]) for key in chosen)

    return quantity


QUANTITIES: dict[str, Quantity] = {
    "acceptability_untuned": _acceptability_untuned,
    "acceptability_rt": _tuned("table_11", lambda rt, it: _acceptable(rt)),
    "acceptability_it": _tuned("table_11", lambda rt, it: _acceptable(it)),
    "acceptability_gap": _tuned("table_11", lambda rt, it: _acceptable(it) - _acceptable(rt)),
    "human_ties": _column("figure_08", lambda row: row["tie"]),
    "human_it_lead": _column("figure_08", _it_lead),
    "gpt4_rt_wins": _column("figure_09", lambda row: row["rt_win"]),
    "capability_lead": _tuned("table_12", lambda rt, it: rt["average"] - it["average"]),
    "drfr_gap": _tuned("table_14", lambda rt, it: it["drfr"] - rt["drfr"]),
    "drfr_over_untuned": _drfr_over_untuned,
    "refusal_rise": _refusal_rise,
    "refusal_steps": refusal_steps,
    "refusal_gap": _refusal_gap,
    "refusal_gap_by_size": _gap_by_size,
    "false_refusals": _column("table_15_16", lambda row: row[FALSE_REFUSAL]),
    "in_context_close": _in_context("URIAL-R", "URIAL", size=True),
    "in_context_far_above": _far_above,
    "refined_wins": _refined(),
    "refined_wins_dolly": _refined(("Dolly",)),
}
