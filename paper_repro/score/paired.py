"""Two conditions on the same prompts: difference, paired bootstrap interval, exact McNemar or permutation test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paper_repro.score.outcomes import Outcomes
from paper_repro.score.statistics import AT_ONCE, wilson


@dataclass(frozen=True, slots=True)
class Paired:
    """The outcome of one comparison; the meaning of every field is in `paper_repro.score.comparisons.Comparison`."""

    value_first: float
    value_second: float
    difference: float
    low: float
    high: float
    p: float
    test: str
    prompts: int
    seeds: int
    unclassified: int


def paired(pairs: Sequence[tuple[Outcomes, Outcomes]], seed: int, resamples: int) -> Paired | None:
    """Compare two conditions over one or more seeds.

    A prompt that has no verdict in one of the two (of a mean or ratio) is left out of both, seed by seed. The interval
    resamples prompts, the same for both and for all seeds, and seeds where there are several.

    Args:
        pairs: First and second condition, a pair a seed, on the same prompts in the same order.
        seed: Of resampling and permuting.
        resamples: Number of resamples, and of permutations.

    Returns:
        The comparison, or None where no prompt has a verdict in both.
    """
    # seeds x prompts x (first, second)
    parts = np.array([[one.parts, two.parts] for one, two in pairs]).transpose(0, 2, 1)
    wholes = np.array([[one.wholes, two.wholes] for one, two in pairs]).transpose(0, 2, 1)
    both = (wholes > 0).all(axis=2, keepdims=True)
    parts, wholes = parts * both, wholes * both
    if not both.any(axis=1).all():
        return None
    seeds, prompts = parts.shape[:2]
    values = (parts.sum(axis=1) / wholes.sum(axis=1)).mean(axis=0)
    difference = float(values[0] - values[1])
    low, high = _interval(parts, wholes, difference, np.random.default_rng([seed, 0]), resamples)
    if high - low < 1e-12 and pairs[0][0].rate:
        low, high = _alike(difference, prompts)
    exact = seeds == 1 and pairs[0][0].rate
    if exact:
        p = mcnemar(parts[0, :, 0], parts[0, :, 1])
    else:
        p = _permuted(parts, wholes, difference, np.random.default_rng([seed, 1]), resamples)
    return Paired(
        value_first=float(values[0]),
        value_second=float(values[1]),
        difference=difference,
        low=low,
        high=high,
        p=p,
        test="mcnemar" if exact else "permutation",
        prompts=prompts,
        seeds=seeds,
        unclassified=sum(one.unclassified + two.unclassified for one, two in pairs),
    )


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided exact p-value that two rates on the same prompts are equal (McNemar 1947; binomial on the discordant).

    Args:
        first: 1 or 0 a prompt, of the first condition.
        second: The same of the second.
    """
    only_first = int(((first == 1) & (second == 0)).sum())
    discordant = int((first != second).sum())
    tail = sum(math.comb(discordant, k) for k in range(min(only_first, discordant - only_first) + 1))
    return min(1.0, 2 * tail / 2**discordant)


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for their number by Holm's step-down rule (1979), in the order given."""
    corrected, largest = [1.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = largest
    return corrected


def _interval(
    parts: np.ndarray, wholes: np.ndarray, centre: float, random: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """Percentile interval of the difference; where a resample has nothing to count it is left out."""
    seeds, prompts = parts.shape[:2]
    found = []
    for first in range(0, resamples, AT_ONCE):
        size = min(AT_ONCE, resamples - first)
        # how often each prompt was drawn: resamples x prompts
        times = random.multinomial(prompts, np.full(prompts, 1 / prompts), size=size).astype(np.float64)
        with np.errstate(invalid="ignore"):
            ratios = np.einsum("rp,spc->rsc", times, parts) / np.einsum("rp,spc->rsc", times, wholes)
        chosen = random.integers(seeds, size=(size, seeds))
        differences = ratios[..., 0] - ratios[..., 1]
        found.append(np.take_along_axis(differences, chosen, axis=1).mean(axis=1))
    low, high = np.nanquantile(np.concatenate(found), [0.025, 0.975])
    return min(float(low), centre), max(float(high), centre)


def _alike(difference: float, prompts: int) -> tuple[float, float]:
    """Interval of a difference of rates that is the same on every prompt, where resampling gives no width.

    Of prompts not asked at most a share (the upper end of Wilson's interval of none) may differ, each from -1 to 1.
    """
    other = wilson(0, prompts)[1]
    centre = (1 - other) * difference
    return max(-1.0, centre - other), min(1.0, centre + other)


def _permuted(
    parts: np.ndarray, wholes: np.ndarray, difference: float, random: np.random.Generator, resamples: int
) -> float:
    """Two-sided p-value: how often the two, swapped at random prompt by prompt, differ by as much."""
    prompts = parts.shape[1]
    as_much = 0
    for first in range(0, resamples, AT_ONCE):
        swap = random.integers(2, size=(min(AT_ONCE, resamples - first), prompts)).astype(np.float64)
        one = _summed(parts, swap) / _summed(wholes, swap)
        two = _summed(parts, 1 - swap) / _summed(wholes, 1 - swap)
        # equal up to rounding is as much
        as_much += int((np.abs((one - two).mean(axis=1)) >= abs(difference) - 1e-12).sum())
    return (as_much + 1) / (resamples + 1)


def _summed(values: np.ndarray, swap: np.ndarray) -> np.ndarray:
    """Sums over prompts of the first condition's values, those of the second where `swap` is 1 (resamples x seeds)."""
    return np.einsum("rp,sp->rs", 1 - swap, values[..., 0]) + np.einsum("rp,sp->rs", swap, values[..., 1])
