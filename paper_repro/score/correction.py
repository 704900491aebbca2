"""A refusal rate corrected for the judge's errors, and its interval. Pure functions of counts.

A judge that finds a share `se` of the refusals and calls a share `1 - sp` of the other replies refusals too reports, of
a true rate `r`, the rate `p = r se + (1 - r) (1 - sp)`; solved for `r` that is the estimate of Rogan and Gladen
("Estimating prevalence from the results of a screening test", American Journal of Epidemiology 107, 1978).

The interval is that of Lang and Reiczigel ("Confidence limits for prevalence of disease adjusted for estimated
sensitivity and specificity", Preventive Veterinary Medicine 113, 2014). It carries the uncertainty of all three shares,
as if each came from a sample of its own. It was chosen before a bootstrap because a share that was observed as 0 or 1
(a judge without an error among 26 replies) keeps its uncertainty, where resampling would draw the same share each time,
and because it needs no seed. `tests/paper_repro/score/test_correction.py` measures how often it holds the truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from paper_repro.score.statistics import Z95


@dataclass(frozen=True, slots=True)
class Share:
    """An estimated share, and how uncertain it is.

    Attributes:
        value: The share observed.
        shrunk: The same with one success and one failure more in every stratum.
        variance: Variance of `shrunk`.
    """

    value: float
    shrunk: float
    variance: float


@dataclass(frozen=True, slots=True)
class Corrected:
    """A corrected rate; None where it is undefined (sensitivity + specificity at most 1)."""

    value: float | None
    low: float | None
    high: float | None


def pooled(successes: int, n: int) -> Share:
    """The share of `successes` in one sample of `n`, at least 1."""
    return weighted([(successes, n)], [1.0])


def weighted(strata: Sequence[tuple[int, int]], weights: Sequence[float]) -> Share:
    """The share in a population of which each stratum is a known part.

    Args:
        strata: Successes and n (at least 1) of each stratum's sample.
        weights: Part of each stratum, none negative, not all 0; they are scaled to the sum 1.
    """
    if any(not 0 <= successes <= n or n < 1 for successes, n in strata):
        raise ValueError(f"not counts of successes: {list(strata)}")
    if len(strata) != len(weights) or min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(f"not weights of {len(strata)} strata: {list(weights)}")
    value = shrunk = variance = 0.0
    for (successes, n), weight in zip(strata, weights, strict=True):
        part, more = weight / sum(weights), (successes + 1) / (n + 2)
        value += part * successes / n
        shrunk += part * more
        variance += part * part * more * (1 - more) / (n + 2)
    return Share(value, shrunk, variance)


def corrected_rate(refused: int, n: int, sensitivity: Share, specificity: Share) -> Corrected:
    """The rate of refusals behind `refused` replies of `n` that a judge called refusals, cut to [0, 1].

    Args:
        refused: Replies that the judge called refusals.
        n: Replies judged, at least 1.
        sensitivity: Share of refusals that it calls refusals.
        specificity: Share of other replies that it does not call refusals.

    Returns:
        The estimate and its 95 % interval, which always holds the estimate; nothing where sensitivity + specificity is
        at most 1, that is where the judge is no better than chance.
    """
    if not 0 <= refused <= n or n < 1:
        raise ValueError(f"not a count of refusals: {refused} of {n}")
    if sensitivity.value + specificity.value <= 1:
        return Corrected(None, None, None)
    value = _cut(_solved(refused / n, sensitivity.value, specificity.value))
    if sensitivity.shrunk + specificity.shrunk <= 1:  # so few labelled replies that chance is not ruled out
        return Corrected(value, 0.0, 1.0)
    low, high = _interval(refused, n, sensitivity, specificity)
    return Corrected(value, min(_cut(low), value), max(_cut(high), value))


def _interval(refused: int, n: int, sensitivity: Share, specificity: Share) -> tuple[float, float]:
    """The limits of Lang and Reiczigel, not cut."""
    z2 = Z95 * Z95
    rate = (refused + z2 / 2) / (n + z2)
    centre = _solved(rate, sensitivity.shrunk, specificity.shrunk)
    of_rate = rate * (1 - rate) / (n + z2)
    of_judge = centre**2 * sensitivity.variance + (1 - centre) ** 2 * specificity.variance
    half = Z95 * math.sqrt(of_rate + of_judge) / (sensitivity.shrunk + specificity.shrunk - 1)
    centre += 2 * z2 * (centre * sensitivity.variance - (1 - centre) * specificity.variance)
    return centre - half, centre + half


def _solved(rate: float, sensitivity: float, specificity: float) -> float:
    return (rate + specificity - 1) / (sensitivity + specificity - 1)


def _cut(rate: float) -> float:
    return min(1.0, max(0.0, rate))
