"""Core capabilities: the six benchmarks and their average, from a results file that lm-eval writes.

Source: Gao et al., lm-evaluation-harness; Tables 1 and 12 of the paper.
"""

from __future__ import annotations

from pathlib import Path

from artifacts.errors import InputError
from artifacts.files import read_json
from paper_repro.capabilities.benchmarks import CORE
from paper_repro.capabilities.numbers import AVERAGE, Capability, capabilities, missing
from paper_repro.score.records.base import Number, Scored
from paper_repro.score.stage import ScoreSettings


def score_core(path: Path, settings: ScoreSettings) -> Scored:
    """Every metric of every benchmark in the file, with lm-eval's standard error, and the average if all six are there.

    The file is one that `lm_eval --output_path` writes (`results_*.json`), or `lm_eval.json` of `rt capabilities`.
    Metrics bear lm-eval's names: metric and filter. `records` counts the rows asked.

    Raises:
        InputError: not such a file, or none of the benchmarks is in it.
    """
    found = capabilities(read_json(path), str(path))
    if not found:
        raise InputError(
            "none of the six benchmarks is in it", where=str(path), fix=f"tasks: {', '.join(one.task for one in CORE)}"
        )
    absent = missing(found)
    notes = [f"no average of the six: {', '.join(one.title for one in absent)} missing"] if absent else []
    notes += [
        f"{one.label}: {one.n} of {one.rows} rows were asked" for one in found if one.reported and one.n != one.rows
    ]
    records = sum(one.n for one in found if one.reported)
    numbers = [number for one in found for number in _numbers(one)]
    return Scored(records, numbers, notes, facts={"lm_eval": read_json(path).get("lm_eval_version")})


def _numbers(one: Capability) -> list[Number]:
    subset = None if one.benchmark == AVERAGE else one.label
    metric = one.name if one.benchmark == AVERAGE else one.metric
    own = Number(metric, one.value, one.n, low=one.low, high=one.high, subset=subset)
    return [own, Number(f"standard_error of {metric}", one.stderr, one.n, subset=subset)]
