"""The length-controlled win rate: equal to the official package's, and what it means on tiny cases."""

from __future__ import annotations

import numpy as np
import pytest

from artifacts.errors import InputError
from paper_repro.score.records.length_control import length_controlled, read_gamed

# what alpaca_eval 0.6.6 (scikit-learn 1.9.1) gives for the annotations of `case`
OFFICIAL = {"even": 46.459614735809865, "longer": 48.73129287212536, "half": 45.1447562035375}


def fit(case, kind: str):
    preference, first, second = (np.array(column) for column in zip(*case.annotations(kind), strict=True))
    return length_controlled(preference - 1, first - second, read_gamed(case.file))


@pytest.mark.parametrize("kind", OFFICIAL)
def test_equals_the_official_package(case, kind):
    assert fit(case, kind).win_rate == pytest.approx(OFFICIAL[kind], abs=1e-9)


def test_what_is_due_to_length_is_taken_out(case):
    plain = 100 * (np.mean([row[0] for row in case.annotations("longer")]) - 1)
    assert plain > 54
    # longer answers win here by length alone
    assert abs(fit(case, "longer").win_rate - 50) < abs(plain - 50)


def test_a_stronger_model_wins_more(case):
    delta = [100 * (-1) ** i for i in range(case.n)]
    rates = [length_controlled([share] * case.n, delta, read_gamed(case.file)).win_rate for share in (0.2, 0.5, 0.9)]
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
