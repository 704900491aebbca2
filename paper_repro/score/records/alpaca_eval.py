"""AlpacaEval: win rate and length-controlled win rate, from annotations of the official tool or our own verdicts.

Source: Li et al. 2023 (AlpacaEval) and Dubois et al. 2024 (length control); Figures 4, 8 and 9, Table 29 of the paper.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from artifacts.errors import InputError, MissingDataError
from artifacts.pins import fetch
from paper_repro.score.length_controlled import GAMED_PIN
from paper_repro.score.records.base import Number, Row, Scored, only, read_records
from paper_repro.score.records.length_control import Gamed, length_controlled, read_gamed
from paper_repro.score.records.own_pairs import own_annotations
from paper_repro.score.stage import ScoreSettings
from paper_repro.score.statistics import bootstrap_share, mean, percentiles

DRAW = 1.5  # the preference of equal answers; older files write 0
NO_CONTROL = (
    "no length-controlled win rate: the regression needs df_gamed.csv of the data set tatsu-lab/alpaca_eval "
    "(judgements of answers shortened and padded on purpose, and how hard each instruction is), which no origin of the "
    f"pin {GAMED_PIN} gave; give it by --gamed, or put it into RT_MIRROR as judge/alpaca_eval_2/df_gamed.csv"
)
RESAMPLES = 300  # of the length-controlled rate: each is a fit
COLUMNS = {  # of the leaderboard
    "win_rate": "win_rate",
    "standard_error": "standard_error",
    "discrete_win_rate": "discrete_win_rate",
    "length_controlled_win_rate": "length_controlled_winrate",
}


def score_alpaca_eval(path: Path, settings: ScoreSettings, gamed: Path | None = None) -> Scored:
    """Win rates of the second model over the first (the baseline).

    A record has `output_1`, `output_2` and `preference`, from 1 (the baseline's answer is better) to 2, null if the
    judge gave none. The win rate is the mean of `preference - 1`. The length-controlled one needs the annotations of
    gamed answers that the official tool downloads; without them it is absent, and a note says so.

    Args:
        path: The annotation file; its order must be the benchmark's, as the difficulty of an instruction goes by it: of
            a part of the benchmark there is no length-controlled rate. Or a folder of verdicts of `preference-llm`:
            the judged replies are the second model.
        settings: Seed and resamples of the intervals.
        gamed: `df_gamed.csv`, or None for the pinned one.

    Raises:
        InputError: a field is absent or out of range, or the file holds several models.
    """
    rows = own_annotations(path) if path.is_dir() else read_records(path)
    given = [preference_of(row) for row in rows]
    readable = [value for value in given if value is not None]
    unclassified = len(given) - len(readable)
    facts = {
        "model": only(rows, "generator_2"),
        "baseline": only(rows, "generator_1"),
        "judge": only(rows, "annotator"),
    }
    if not readable:
        return Scored(len(rows), [Number("win_rate", None, len(rows), "%", unclassified=unclassified)], facts=facts)
    numbers = _win_rates(readable, len(rows), settings)
    notes = []
    try:
        annotations = read_gamed(gamed or fetch(GAMED_PIN).paths[0])
    except MissingDataError:
        notes.append(NO_CONTROL)
    else:
        if len(rows) != len(annotations.difficulty):  # difficulties go by position, which a slice has not kept
            notes.append(f"no length-controlled win rate: {len(rows)} of {len(annotations.difficulty)} instructions")
        else:
            numbers.append(controlled(rows, given, annotations, settings, path))
    return Scored(len(rows), numbers, notes, facts)


def published_alpaca_eval(path: Path, model: str | None) -> dict[tuple[str, str | None], float]:
    """A model's row of the leaderboard (CSV, models in the first column), by metric and subset (there is none).

    Raises:
        InputError: the file has no such row.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        rows = {row[""]: row for row in csv.DictReader(stream) if "" in row}
    if model not in rows:
        raise InputError(
            f"no row of the model '{model}'", where=str(path), fix="name the model as the leaderboard does: --model"
        )
    given = {ours: (theirs, rows[model][theirs]) for ours, theirs in COLUMNS.items() if rows[model].get(theirs)}
    found = {}
    for ours, (theirs, text) in given.items():
        try:
            found[ours, None] = float(text)
        except ValueError:
            raise InputError(f"'{theirs}' of '{model}' is '{text}', no number", where=str(path)) from None
    return found


def preference_of(row: Row) -> float | None:
    """The preference for the second model, 0 to 1; None where the judge gave none."""
    preference = row.get("preference", int, float, null=True)
    if preference is None:
        return None
    value = float(preference) or DRAW
    if not 1 <= value <= 2:
        raise InputError(f"'preference' is {preference}", where=row.where, fix="from 1 to 2, or null")
    return value - 1


def _win_rates(readable: Sequence[float], n: int, settings: ScoreSettings) -> list[Number]:
    common = {"n": n, "unit": "%", "unclassified": n - len(readable)}
    wins = sum(value > 0.5 for value in readable)
    losses = sum(value < 0.5 for value in readable)
    draws = len(readable) - wins - losses
    low, high = bootstrap_share(readable, [1.0] * len(readable), settings.seed, settings.resamples)
    error = float(np.std(readable, ddof=1) / np.sqrt(len(readable))) * 100 if len(readable) > 1 else None
    return [
        Number("win_rate", mean(readable) * 100, low=low * 100, high=high * 100, **common),
        Number("standard_error", error, **common),
        Number("discrete_win_rate", (wins + draws / 2) / len(readable) * 100, **common),
        *(
            Number(name, float(count), n, "answers", unclassified=n - len(readable))
            for name, count in (("wins", wins), ("losses", losses), ("draws", draws))
        ),
    ]


def controlled(
    rows: Sequence[Row], given: Sequence[float | None], gamed: Gamed, settings: ScoreSettings, path: Path
) -> Number:
    """The length-controlled win rate in per cent, with an interval of at most 300 resamples: each is a fit.

    Args:
        rows: Records in the benchmark's order.
        given: Preference for the second model of each, 0 to 1, or None; not all None.
        gamed: Annotations of gamed answers.
        settings: Seed and resamples of the interval.
        path: What errors name.

    Raises:
        InputError: more records than instructions, or all pairs of answers differ equally in length.
    """
    if len(rows) > len(gamed.difficulty):
        raise InputError(f"{len(rows)} records, {len(gamed.difficulty)} instructions", where=str(path))
    delta = np.array([len(row.get("output_1", str)) - len(row.get("output_2", str)) for row in rows], dtype=float)
    if delta.std() == 0:
        raise InputError("all pairs of answers differ equally in length: nothing to control for", where=str(path))
    kept = np.array([index for index, value in enumerate(given) if value is not None])
    preference = np.array([given[index] for index in kept])
    fit = length_controlled(preference, delta, gamed, kept)

    def resampled(drawn: np.ndarray) -> np.ndarray:
        fits = (length_controlled(preference[one], delta, gamed, kept[one], fit.strength) for one in drawn)
        return np.array([each.win_rate for each in fits])

    low, high = percentiles(resampled, len(kept), fit.win_rate, settings.seed, min(RESAMPLES, settings.resamples))
    return Number(
        "length_controlled_win_rate", fit.win_rate, len(rows), "%", low, high, unclassified=len(rows) - len(kept)
    )
