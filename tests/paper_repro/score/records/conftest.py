"""A made case of the length-controlled win rate: the same numbers on every machine, no real annotations needed."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import pytest

N = 200


def spread(i: int, step: int) -> float:
    """A number in [0, 1) that looks random and is the same on every machine."""
    return (i * step % 1009) / 1009


def gamed_rows():
    for model in range(2):
        for i in range(N):
            k = i + N * model
            yield {
                "model": f"gamed-{model}",
                "index": i,
                "preference": round(0.8 * spread(k, 571) + 0.1, 4),
                "std_delta_len": round(4 * spread(k, 389) - 2, 4),
                "instruction_difficulty": round(3 * spread(i, 83) - 1.5, 4),
                "not_gamed_baseline": False,
            }


def annotations(kind: str):
    """Preferences from 1 to 2 and lengths of the two answers."""
    for i in range(N):
        longer = 600 * spread(i, 137) - 200 if kind == "longer" else 400 * spread(i, 137) - 200
        lift = {"even": 0.0, "longer": longer / 1000, "half": 0.2 * (spread(i, 83) - 0.5)}[kind]
        yield 1 + min(max(0.7 * spread(i, 911) + 0.1 + lift, 0.0), 1.0), 1000, 1000 + int(longer)


@pytest.fixture
def case(tmp_path):
    """`file`: annotations of gamed answers; `annotations(kind)`: preferences and lengths; `n`: instructions."""
    path = tmp_path / "df_gamed.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(next(gamed_rows())))
        writer.writeheader()
        writer.writerows(gamed_rows())
    return SimpleNamespace(file=path, annotations=annotations, n=N)
