"""Estimates and their 95 % intervals. Pure functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

Z95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution
AT_ONCE = 500  # resamples drawn together: bounds memory, decides nothing


def wilson(successes: float, n: int) -> tuple[float, float]:
    """Wilson score interval (95 %) of a rate: `successes` (a tie: half) of `n` independent trials, `n` at least 1."""
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"not a count of successes: {successes} of {n}")
    rate, z2 = successes / n, Z95 * Z95
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n))
    # the ends 0 and 1 are exact; the sum of roundings is not
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)


def combined_interval(rates: Sequence[tuple[float, float, float]], weights: Sequence[float]) -> tuple[float, float]:
    """95 % interval of a weighted sum of independent rates, from the interval of each.

    The method of variance estimates recovery (Zou and Donner, "Construction of confidence limits about effect
    measures", Statistics in Medicine 27, 2008). Unlike resampling and unlike a sum of standard errors it has a width
    where every rate is 0 or 1, as long as the given intervals have one.

    Args:
        rates: Estimate, lower and upper end of each rate's own interval.
        weights: Weight of each.
    """
    value, below, above = 0.0, 0.0, 0.0
    for (rate, low, high), weight in zip(rates, weights, strict=True):
        down, up = (rate - low, high - rate) if weight >= 0 else (high - rate, rate - low)
        value += weight * rate
        below += (weight * down) ** 2
        above += (weight * up) ** 2
    return value - math.sqrt(below), value + math.sqrt(above)


def wilson_weighted(strata: Sequence[tuple[int, int]], weights: Sequence[float]) -> tuple[float, float]:
    """95 % interval of a weighted sum of independent rates, from Wilson's interval of each (`combined_interval`).

    Args:
        strata: Successes and n (at least 1) of each rate.
        weights: Weight of each.
    """
    return combined_interval([(successes / n, *wilson(successes, n)) for successes, n in strata], weights)


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean of at least one value."""
    return float(np.asarray(values, dtype=np.float64).mean())


def ratio(parts: Sequence[float], wholes: Sequence[float]) -> float:
    """Sum of the parts over the sum of the wholes, which is not 0."""
    return float(np.asarray(parts, dtype=np.float64).sum() / np.asarray(wholes, dtype=np.float64).sum())


def bootstrap_mean(values: Sequence[float], seed: int, resamples: int) -> tuple[float, float] | None:
    """Percentile bootstrap interval (95 %) of a mean over prompts.

    Args:
        values: One number a prompt.
        seed: Of the resampling; equal seeds draw equal prompts wherever there are equally many, so cells are
            compared on the same resamples.
        resamples: Number of resamples.

    Returns:
        2.5 and 97.5 % quantiles of the resampled means; None for fewer than two values, and where all are equal: then
        every resample is, which says nothing of how uncertain the mean is.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if len(numbers) < 2 or (numbers == numbers[0]).all():
        return None
    return percentiles(lambda drawn: numbers[drawn].mean(axis=1), len(numbers), mean(values), seed, resamples)


def bootstrap_share(parts: Sequence[float], wholes: Sequence[float], seed: int, resamples: int) -> tuple[float, float]:
    """95 % interval of a share, sum of the parts over sum of the wholes: percentile bootstrap over prompts.

    Where every prompt has the same share, or there is one prompt, resampling gives no width: there it is Wilson's with
    each prompt as one trial, as if what is asked of one prompt were right or wrong together (too wide, if anything).

    Args:
        parts: One number a prompt, at most its whole, e.g. requirements met.
        wholes: One positive number a prompt, e.g. requirements asked for.
        seed: As in `bootstrap_mean`.
        resamples: Number of resamples.
    """
    above, below = (np.asarray(numbers, dtype=np.float64) for numbers in (parts, wholes))
    shares, n = above / below, len(above)
    if np.ptp(shares) < 1e-12:
        return wilson(min(float(shares[0]) * n, n), n)
    return percentiles(
        lambda drawn: above[drawn].sum(axis=1) / below[drawn].sum(axis=1),
        len(above),
        ratio(parts, wholes),
        seed,
        resamples,
    )


def percentiles(
    statistic: Callable[[np.ndarray], np.ndarray], n: int, centre: float, seed: int, resamples: int
) -> tuple[float, float]:
    """Percentile bootstrap interval (95 %) of any statistic.

    Args:
        statistic: From indices of the prompts drawn (resamples x n) to its values (resamples).
        n: Number of prompts.
        centre: The statistic of the prompts themselves; the interval always holds it.
        seed: Of the resampling.
        resamples: Number of resamples.
    """
    return bootstrap_strata([np.arange(n)], lambda drawn: statistic(drawn[0]), centre, seed, resamples)


def bootstrap_strata(
    strata: Sequence[np.ndarray],
    statistic: Callable[[list[np.ndarray]], np.ndarray],
    centre: float,
    seed: int,
    resamples: int,
) -> tuple[float, float]:
    """Percentile bootstrap interval (95 %) of a statistic of several sets of prompts, each resampled on its own.

    Args:
        strata: One value a prompt, an array a set.
        statistic: From resampled sets (each resamples x n) to its values (resamples); not-a-numbers are left out.
        centre: The statistic of the sets themselves; the interval always holds it.
        seed: Of the resampling.
        resamples: Number of resamples.
    """
    random, found = np.random.default_rng(seed), []
    for first in range(0, resamples, AT_ONCE):
        size = min(AT_ONCE, resamples - first)
        found.append(statistic([values[random.integers(len(values), size=(size, len(values)))] for values in strata]))
    low, high = np.nanquantile(np.concatenate(found), [0.025, 0.975])
    # equal values: rounding may put the ends beside the centre
    return min(float(low), centre), max(float(high), centre)
