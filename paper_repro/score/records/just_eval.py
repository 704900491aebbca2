"""JustEval: means of the five aspects and of safety, from the files that just-eval writes.

Source: Lin et al. 2024, "The Unlocking Spell on Base LLMs" (just-eval); Figures 3 and 6, Tables 13 and 25 of the paper.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from paper_repro.score.records.base import Number, Row, Scored, only, read_records
from paper_repro.score.stage import ScoreSettings
from paper_repro.score.statistics import bootstrap_mean, mean

ASPECTS = ("helpfulness", "factuality", "clarity", "depth", "engagement")
LOWEST, HIGHEST = 1.0, 5.0
MULTI, SAFETY = MODES = ("score_multi", "score_safety")


def score_just_eval(path: Path, settings: ScoreSettings) -> Scored:
    """The mean of every aspect that the judge scored, over its readable scores, and the mean of the five aspects.

    A record has `parsed_result`, or `result` with the judge's JSON: aspect to `{"reason", "score"}`, scores from 1 to
    5, as number or text. What cannot be read is counted as unclassified, aspect by aspect, over the records of the
    aspect's own mode: safety is judged in one, all else in the other, and a file may hold both.

    Raises:
        InputError: a record has neither, or is of another kind of judging (pairwise, tags, reward).
    """
    rows = read_records(path)
    judged = [(_mode(row), _scores(row)) for row in rows]
    names = _names([given for _, given in judged])
    of_mode = {
        mode: [given for told, given in judged if mode == told or mode in _modes_named(given, told)] for mode in MODES
    }
    numbers = [_mean(name, [given.get(name) for given in of_mode[_mode_of(name)]], settings) for name in names]
    notes = []
    if other := [name for name in names if name not in (*ASPECTS, "safety")]:
        notes.append(f"aspects of another version of just-eval: {', '.join(other)}")
    if set(ASPECTS) <= set(names):
        numbers.append(_overall(of_mode[MULTI], settings))
    return Scored(len(rows), numbers, notes, {"model": only(rows, "generator_cand")})


def published_just_eval(path: Path) -> dict[tuple[str, str | None], float]:
    """The means in an `eval_res.json` of just-eval, by metric and subset (there is none).

    Raises:
        InputError: the file is no such summary.
    """
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read as JSON: {error}", where=str(path)) from None
    items = summary.items() if isinstance(summary, dict) else ()
    means = {key.removesuffix("_mean"): value for key, value in items if key.endswith("_mean")}
    if wrong := [key for key, value in means.items() if not isinstance(value, int | float)]:
        raise InputError(f"'{wrong[0]}_mean' is no number", where=str(path))
    if not means:
        raise InputError("no means in it", where=str(path), fix="give an eval_res.json of just-eval")
    return {(name, None): float(value) for name, value in means.items()}


def _mode(row: Row) -> str | None:
    """The mode that a record says it was judged in, if it does."""
    config = row.get("eval_config", dict, null=True) if "eval_config" in row.values else None
    mode = (config or {}).get("mode")
    if mode is not None and mode not in MODES:
        raise InputError(f"judged in mode '{mode}'", where=row.where, fix=f"known: {', '.join(MODES)}")
    return mode


def _mode_of(aspect: str) -> str:
    return SAFETY if aspect == "safety" else MULTI


def _modes_named(given: Mapping[str, Any], told: str | None) -> set[str]:
    """Modes of the aspects that a record names; one that says nothing at all may be of either."""
    return {_mode_of(name) for name in given} or (set(MODES) if told is None else {told})


def _scores(row: Row) -> dict[str, float | None]:
    """Aspect to score; None where the judge named the aspect and its score cannot be read."""
    if "parsed_result" not in row.values and "result" not in row.values:
        row.get("result", str)  # names what is absent
    found = row.values.get("parsed_result")
    if not isinstance(found, Mapping):
        found = _parsed(row.values.get("result"))
    return {name.lower(): _score(verdict) for name, verdict in found.items()}


def _parsed(reply: Any) -> Mapping[str, Any]:
    """The JSON object in a judge's reply; empty where there is none."""
    if not isinstance(reply, str):
        return {}
    start, end = reply.find("{"), reply.rfind("}")
    try:
        found = json.loads(reply[start : end + 1])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _score(verdict: Any) -> float | None:
    given = verdict.get("score") if isinstance(verdict, Mapping) else verdict
    try:
        score = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        return None
    return score if LOWEST <= score <= HIGHEST else None


def _names(scores: Sequence[dict[str, float | None]]) -> list[str]:
    """Aspects that any record has, the five first and in their usual order."""
    found = dict.fromkeys(name for given in scores for name in given)
    usual = [name for name in (*ASPECTS, "safety") if name in found]
    return usual + [name for name in found if name not in usual]


def _mean(name: str, scores: Sequence[float | None], settings: ScoreSettings) -> Number:
    readable = [score for score in scores if score is not None]
    common = {"metric": name, "n": len(scores), "unit": "1 to 5", "unclassified": len(scores) - len(readable)}
    if not readable:
        return Number(value=None, **common)
    low, high = bootstrap_mean(readable, settings.seed, settings.resamples) or (None, None)
    return Number(value=mean(readable), low=low, high=high, **common)


def _overall(scores: Sequence[dict[str, float | None]], settings: ScoreSettings) -> Number:
    """Mean of the five aspects, over the prompts of which all five can be read."""
    means = []
    for given in scores:
        five = [given.get(name) for name in ASPECTS]
        means.append(None if None in five else mean(five))
    return _mean("mean_of_aspects", means, settings)
