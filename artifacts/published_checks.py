"""Recomputation of every sum and average in the published numbers, with the tolerance that rounding explains.

A printed number with last digit of place value `u` hides at most `u / 2`. A sum of n such numbers hides n times as
much, a mean of n of them no more than one; the printed result hides its own half unit on top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from artifacts.published import PUBLISHED, Published, label, read_published
from artifacts.published_tables import CORE_BENCHMARKS, DATASETS, JUSTEVAL_ASPECTS, REFUSAL_BENCHMARKS, SOURCES

EPSILON = 1e-9  # binary fractions: 0.1 + 0.2 is not 0.3
# check id -> what is known about it; anything else that differs is an error in our copy or a new finding
KNOWN = {
    "table_05/lc_win_rate_vs_it/Gemma-2-9B": (
        "Table 5 prints 40.00; Figure 9's three whole-number values have the mean 39.33, "
        "and rounding them explains at most 39.83"
    ),
    "table_25/overall/Llama-3.1-8B News RT": (
        "the five aspects as we have them average 3.35, the overall score reads 3.24; one of the six numbers is a slip "
        "of the paper or of our copy, which one is not known (in Table 13 all 28 overall scores agree)"
    ),
}


@dataclass(frozen=True)
class Check:
    """One recomputed number beside the printed one.

    Attributes:
        id: `<table>/<column>/<cell>`.
        what: The rule in words.
        printed: The number in the paper (or the constant a sum must reach).
        recomputed: The same from the printed parts.
        tolerance: Largest difference that rounding explains.
        note: What is known about a difference.
    """

    id: str
    what: str
    printed: float
    recomputed: float
    tolerance: float
    note: str = ""

    @property
    def status(self) -> Literal["agrees", "known", "differs"]:
        """`agrees` within the tolerance, else `known` (listed in KNOWN) or `differs`."""
        if abs(self.printed - self.recomputed) <= self.tolerance + EPSILON:
            return "agrees"
        return "known" if self.id in KNOWN else "differs"


def read_all(folder: Path = PUBLISHED) -> dict[str, Published]:
    """Every published CSV by name, each validated on reading."""
    return {name: read_published(name, folder) for name in SOURCES}


def check_published(tables: Mapping[str, Published]) -> list[Check]:
    """All checks, in a fixed order. Nothing is raised here: the caller decides what a difference means."""
    checks = [
        *_sums(tables["table_11"], ("acceptable_excellent", "acceptable_sufficient", "not_acceptable"), 1.0, 0.01),
        *_means(tables["table_12"], CORE_BENCHMARKS, "average"),
        *_means(tables["table_13"], JUSTEVAL_ASPECTS, "overall"),
        *_means(tables["table_15_16"], REFUSAL_BENCHMARKS, "average"),
        *_means(tables["table_25"], JUSTEVAL_ASPECTS, "overall"),
        *_sums(tables["figure_08"], ("rt_win", "tie", "it_win"), 100.0, 1.0),
        *_sums(tables["figure_09"], ("rt_win", "it_win"), 100.0, 1.0),
        *_model_size(tables),
    ]
    return [Check(c.id, c.what, c.printed, c.recomputed, c.tolerance, KNOWN.get(c.id, c.note)) for c in checks]


def _sums(table: Published, parts: tuple[str, ...], total: float, unit: float) -> Iterator[Check]:
    for index, row in enumerate(table.rows):
        yield Check(
            f"{table.source.name}/sum/{label(table.key(index))}",
            f"{' + '.join(parts)} = {total:g}",
            total,
            sum(row[part] for part in parts),
            len(parts) * unit / 2,
        )


def _means(table: Published, parts: tuple[str, ...], column: str) -> Iterator[Check]:
    for index, row in enumerate(table.rows):
        yield Check(
            f"{table.source.name}/{column}/{label(table.key(index))}",
            f"{column} = mean of {', '.join(parts)}",
            row[column],
            sum(row[part] for part in parts) / len(parts),
            0.01,
        )


def _model_size(tables: Mapping[str, Published]) -> Iterator[Check]:
    """Table 5 holds means over data sets of RT's rows in Table 11 and Figure 9."""
    preference, ratings = tables["figure_09"].cells(), tables["table_11"].cells()
    for row in tables["table_05"].rows:
        model = row["base_model"]
        wins = _mean(lambda dataset, model=model: preference[model, dataset]["rt_win"])
        yield Check(
            f"table_05/lc_win_rate_vs_it/{model}",
            "mean of Figure 9's RT win rates over the data sets",
            row["lc_win_rate_vs_it"],
            wins,
            0.5 + 0.005,
        )
        accepted = _mean(lambda dataset, model=model: 1 - ratings[model, dataset, "RT"]["not_acceptable"])
        yield Check(
            f"table_05/response_acceptance_rate/{model}",
            "mean of 1 - 'not acceptable' of Table 11's RT rows",
            row["response_acceptance_rate"],
            accepted,
            0.01,
            _acceptance_note(ratings, model),
        )


def _acceptance_note(ratings: Mapping, model: str) -> str:
    def both(dataset: str) -> float:
        row = ratings[model, dataset, "RT"]
        return row["acceptable_excellent"] + row["acceptable_sufficient"]

    return f"the two acceptable ratings added have the mean {_mean(both):.3f}; each sum hides up to 0.01"


def _mean(value: Callable[[str], float]) -> float:
    return sum(value(dataset) for dataset in DATASETS) / len(DATASETS)
