"""The length-controlled win rate: equal to the official package's, and what it means on tiny cases."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from artifacts.errors import InputError
from paper_repro.score.records.length_control import length_controlled, read_gamed

N = 200
# what alpaca_eval 0.6.6 (scikit-learn 1.9.1) gives for `annotations` beside `gamed_rows`
OFFICIAL = {"even": 46.459614735809865, "longer": 48.73129287212536, "half": 45.1447562035375}


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
def gamed(tmp_path):
    path = tmp_path / "df_gamed.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(next(gamed_rows())))
        writer.writeheader()
        writer.writerows(gamed_rows())
    return read_gamed(path)


def fit(kind: str, gamed):
    preference, first, second = (np.array(column) for column in zip(*annotations(kind), strict=True))
    return length_controlled(preference - 1, first - second, gamed)


@pytest.mark.parametrize("kind", OFFICIAL)
def test_equals_the_official_package(gamed, kind):
    assert fit(kind, gamed).win_rate == pytest.approx(OFFICIAL[kind], abs=1e-9)


def test_what_is_due_to_length_is_taken_out(gamed):
    plain = 100 * (np.mean([row[0] for row in annotations("longer")]) - 1)
    assert plain > 54
    # longer answers win here by length alone
    assert abs(fit("longer", gamed).win_rate - 50) < abs(plain - 50)


def test_a_stronger_model_wins_more(gamed):
    delta = [100 * (-1) ** i for i in range(N)]
    rates = [length_controlled([share] * N, delta, gamed).win_rate for share in (0.2, 0.5, 0.9)]
    assert rates == sorted(rates)
    assert rates[1] == pytest.approx(50, abs=3)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("index,preference\n0,0.5\n", encoding="utf-8")
    with pytest.raises(InputError, match="not the annotations of gamed answers"):
        read_gamed(path)
    path.write_text("index,preference,std_delta_len,instruction_difficulty\n0,much,0,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no number"):
        read_gamed(path)
