"""What each prompt's verdict adds to a metric: the unit that paired comparisons resample and swap."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifacts.errors import InputError
from paper_repro.score.metrics import WHOLE, Metric, benchmark_name, is_testbed


@dataclass(frozen=True)
class Outcomes:
    """One condition's replies to a benchmark as two numbers a prompt: a metric is the sum of parts over that of wholes.

    Attributes:
        prompts: Ids of the prompts.
        parts: A prompt's part (1 for a labelled reply of a rate, the score of a mean), float (n).
        wholes: A prompt's whole (1, or the requirements asked for of a ratio), float (n); 0 where it counts in no sum.
        rate: Whether the metric is a rate: every part 0 or 1, every whole 1.
        open: Whether a reply has no verdict (unclassified or failed), bool (n).
    """

    prompts: tuple[str, ...]
    parts: np.ndarray
    wholes: np.ndarray
    rate: bool
    open: np.ndarray

    @property
    def unclassified(self) -> int:
        """Replies without a verdict."""
        return int(self.open.sum())

    def only(self, prompts: Collection[str]) -> Outcomes:
        """The outcomes of some of the prompts."""
        if len(prompts) == len(self.prompts):
            return self
        kept = np.array([prompt in prompts for prompt in self.prompts])
        names = tuple(prompt for prompt in self.prompts if prompt in prompts)
        return Outcomes(names, self.parts[kept], self.wholes[kept], self.rate, self.open[kept])


def outcomes(rows: Sequence[Mapping[str, Any]], metric: Metric) -> Outcomes:
    """The parts and wholes of one metric, a prompt each, in the order of the rows.

    A rate is over all prompts judged: unclassified and failed ones are counted as neither. A mean is over those that
    have a score, a ratio over those with a verdict.

    Raises:
        InputError: a verdict lacks a fact that the metric is made of.
    """
    pairs = [_pair(row, metric) for row in rows]
    return Outcomes(
        prompts=tuple(row["prompt_id"] for row in rows),
        parts=np.array([part for part, _ in pairs], dtype=np.float64),
        wholes=np.array([whole for _, whole in pairs], dtype=np.float64),
        rate=metric.kind == "rate",
        open=np.array([row["status"] != "ok" for row in rows]),
    )


def _pair(row: Mapping[str, Any], metric: Metric) -> tuple[float, float]:
    usable = row["status"] == "ok"
    if metric.kind == "rate":
        hit = usable and (_aspect(row, metric.aspects[0]) == 1 if metric.aspects else row["label"] in metric.labels)
        return float(hit), 1.0
    if not usable:
        return 0.0, 0.0
    if metric.kind == "ratio":
        part, whole = (_aspect(row, name) for name in metric.aspects)
        return float(part), float(whole)
    return float(_aspect(row, metric.aspects[0]) if metric.aspects else row["score"]), 1.0


def _aspect(row: Mapping[str, Any], name: str) -> float:
    """A fact behind a verdict; a verdict that lacks it is a fault."""
    aspects = json.loads(row["aspects"] or "{}")
    if name not in aspects:
        raise InputError(f"the verdict lacks '{name}'", where=f"prompt {row['prompt_id']}", fix="judge again")
    return aspects[name]


def grouped(rows: Sequence[Mapping[str, Any]], *, subsets: bool) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Rows by name of their benchmark and judge.

    Args:
        rows: Verdicts.
        subsets: Whether a subset of the testbed or of InFoBench stands beside the whole benchmark; if not, the whole
            stands alone. Subsets of others are always apart: they are benchmarks of their own in the paper.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        whole = is_testbed(row["benchmark"]) or row["benchmark"] in WHOLE
        names = [row["benchmark"]] if whole and (row["subset"] is not None or not subsets) else []
        if subsets or not whole:
            names.insert(0, benchmark_name(row["benchmark"], row["subset"]))
        for name in names:
            groups.setdefault((name, row["judge"]), []).append(row)
    return groups
