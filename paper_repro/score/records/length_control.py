"""The length-controlled win rate of AlpacaEval 2.

Source: Dubois et al. 2024, "Length-Controlled AlpacaEval: A Simple Way to Debias Automatic Evaluators". A logistic
regression explains each preference by the difference of the two lengths, by how hard the instruction is, and by a
constant; the win rate is what it predicts for equal lengths. The package alpaca_eval 0.6.6 does not import beside
current setuptools (it wants pkg_resources), so the regression stands here; it gives that package's numbers (a test).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from artifacts.errors import InputError

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

FOLDS = 5
SOLVER = {"solver": "liblinear", "fit_intercept": False, "random_state": 123}  # as in the package
GAMED_WEIGHT = 0.2 / 2  # of each of the two gamed answers to an instruction, beside 1 of the judged model's
STRENGTHS = np.logspace(-4, 4, 10)  # inverse regularisation strengths that cross-validation chooses from


@dataclass(frozen=True, slots=True)
class Gamed:
    """Judgements of answers that were shortened or padded on purpose.

    They keep the regression from explaining by length what is due to the model.

    Attributes:
        index: Position of the instruction in the benchmark, a row.
        preference: Preference for the gamed answer, 0 to 1, a row.
        length: Difference of lengths, in standard deviations, a row.
        difficulty: Difficulty of each instruction, by position (as long as the benchmark).
    """

    index: np.ndarray
    preference: np.ndarray
    length: np.ndarray
    difficulty: np.ndarray


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted regression: predicted preferences at equal length (a row), strength chosen, the three weights."""

    predicted: np.ndarray
    strength: float
    weights: np.ndarray

    @property
    def win_rate(self) -> float:
        """Length-controlled win rate in per cent."""
        return float(self.predicted.mean() * 100)


def read_gamed(path: Path) -> Gamed:
    """Read `df_gamed.csv` of the data set tatsu-lab/alpaca_eval.

    Raises:
        InputError: a column is absent, or a value no number.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = ("index", "preference", "std_delta_len", "instruction_difficulty")
    if not rows or any(name not in rows[0] for name in names):
        raise InputError("not the annotations of gamed answers", where=str(path), fix=f"columns: {', '.join(names)}")
    try:
        index, preference, length, difficulty = (np.array([float(row[name]) for row in rows]) for name in names)
    except ValueError as error:
        raise InputError(f"a value is no number: {error}", where=str(path)) from None
    by_position = np.full(int(index.max()) + 1, np.nan)
    by_position[index[::-1].astype(int)] = difficulty[::-1]  # the first row of an instruction decides
    return Gamed(index.astype(int), preference, length, by_position)


def length_controlled(
    preference: Sequence[float],
    delta: Sequence[float],
    gamed: Gamed,
    position: Sequence[int] | None = None,
    strength: float | None = None,
) -> Fit:
    """Fit the regression to one model's annotations.

    Args:
        preference: Preference for the model over the baseline, 0 to 1, an annotation.
        delta: Characters of the baseline's answer minus those of the model's, an instruction of the benchmark.
        gamed: Annotations of gamed answers.
        position: Position of each annotation's instruction in the benchmark; None = they are all there, in order.
        strength: Inverse regularisation strength; None = chosen by cross-validation over instructions.
    """
    y, lengths = np.asarray(preference, dtype=np.float64), np.asarray(delta, dtype=np.float64)
    at = np.arange(len(y)) if position is None else np.asarray(position)
    # difficulties go by position, and lengths are scaled over the whole file: both as in the package
    own = np.column_stack([np.tanh(lengths / lengths.std(ddof=1))[at], gamed.difficulty[at], np.ones(len(y))])
    other = np.column_stack([np.tanh(gamed.length), gamed.difficulty[gamed.index], np.zeros(len(gamed.index))])
    # the same row twice, once a win and once a loss, weighted by how much of each it is
    features = np.concatenate([other, own])
    share = np.concatenate([gamed.preference, y])
    weight = np.concatenate([np.full(len(other), GAMED_WEIGHT), np.ones(len(own))])
    doubled = _Doubled(
        np.concatenate([features, features]),
        np.concatenate([np.ones(len(share)), np.zeros(len(share))]).astype(int),
        np.concatenate([share, 1 - share]),
        np.concatenate([weight, weight]),
    )
    model = doubled.cross_validated() if strength is None else doubled.fit(strength)
    strength = float(model.C_) if strength is None else strength
    difficulty = gamed.difficulty[: len(lengths)]  # also of instructions whose judgement could not be read
    equal = np.column_stack([np.zeros(len(difficulty)), difficulty, np.ones(len(difficulty))])
    return Fit(model.predict_proba(equal)[:, 1], strength, model.coef_[0])


@dataclass(frozen=True, slots=True)
class _Doubled:
    """Every annotation as a won and a lost row: features, won, share of the annotation, weight of the annotation."""

    features: np.ndarray
    won: np.ndarray
    share: np.ndarray
    weight: np.ndarray

    def fit(self, strength: float) -> LogisticRegression:
        """The regression of one inverse regularisation strength."""
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=strength, l1_ratio=1, **SOLVER)
        return model.fit(self.features, self.won, sample_weight=self.share * self.weight)

    def cross_validated(self) -> LogisticRegressionCV:
        """The regression of the strength with the highest likelihood on annotations left out, refitted on all.

        Both rows of an annotation stay together. Fitted by the library's own class, as in the package: the likelihoods
        of neighbouring strengths differ in the seventh digit, and another order of the solver's steps would choose
        another.
        """
        from sklearn import config_context
        from sklearn.linear_model import LogisticRegressionCV
        from sklearn.metrics import make_scorer
        from sklearn.model_selection import GroupKFold

        group = np.tile(np.arange(len(self.won) // 2), 2)
        with config_context(enable_metadata_routing=True):
            scorer = make_scorer(_log_likelihood, response_method="predict_proba")
            model = LogisticRegressionCV(
                Cs=STRENGTHS,
                l1_ratios=(1,),
                cv=GroupKFold(n_splits=FOLDS),
                scoring=scorer.set_score_request(share=True, weight=True),
                use_legacy_attributes=False,
                **SOLVER,
            ).set_fit_request(sample_weight=True)
            return model.fit(
                self.features, self.won, sample_weight=self.share * self.weight,
                groups=group, share=self.share, weight=self.weight,
            )  # fmt: skip


def _log_likelihood(won: np.ndarray, predicted: np.ndarray, share: np.ndarray, weight: np.ndarray) -> float:
    """Mean log likelihood of the annotations (not of the doubled rows) under predicted probabilities of winning."""
    predicted = np.clip(predicted, 1e-15, 1 - 1e-15)
    wanted = np.where(won == 1, share, 1 - share)
    return float(((wanted * np.log(predicted) + (1 - wanted) * np.log(1 - predicted)) * weight).mean())
