"""Intervals against values known from elsewhere, and their meaning."""

from __future__ import annotations

import numpy as np
import pytest

from paper_repro.score.statistics import bootstrap_mean, bootstrap_share, wilson, wilson_weighted


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_wilson_gives_known_values(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    for n in (1, 7, 40, 250):
        for successes in (0, 1, n // 2, n):
            there = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
            assert wilson(successes, n) == pytest.approx((there.low, there.high), abs=1e-12)


def test_wilson_holds_its_rate_and_refuses_what_is_no_rate():
    assert all(wilson(k, 9)[0] <= k / 9 <= wilson(k, 9)[1] for k in range(10))
    for successes, n in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match="not a count"):
            wilson(successes, n)


def test_the_bootstrap_agrees_with_the_normal_approximation_on_many_values():
    values = np.random.default_rng(3).normal(0.5, 0.1, 400)
    low, high = bootstrap_mean(values, seed=0, resamples=10_000)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=5e-4)


def test_the_bootstrap_uses_its_seed_and_its_resamples():
    values = [0.1, 0.9, 0.4, 0.3, 0.7]
    assert bootstrap_mean(values, 0, 700) == bootstrap_mean(values, 0, 700)
    assert bootstrap_mean(values, 0, 700) != bootstrap_mean(values, 1, 700)
    assert bootstrap_mean(values, 0, 700) != bootstrap_mean(values, 0, 600)


def test_the_bootstrap_of_one_or_of_equal_values():
    assert bootstrap_mean([0.3], 0, 100) is None
    assert bootstrap_mean([5.0, 5.0, 5.0], 0, 100) is None, "no interval rather than one of no width"
    low, high = bootstrap_mean([0.1, 0.1, 0.2], 0, 100)
    assert low < sum([0.1, 0.1, 0.2]) / 3 < high


@pytest.mark.parametrize(("parts", "successes"), [([0, 0], 0), ([3, 5], 2), ([1.5, 2.5], 1)])
def test_a_share_that_is_the_same_for_every_prompt_has_wilsons_interval_of_the_prompts(parts, successes):
    assert bootstrap_share(parts, [3, 5], 0, 500) == pytest.approx(wilson(successes, 2))
    assert bootstrap_share(parts[:1], [3], 0, 500) == pytest.approx(wilson(successes / 2, 1))


def test_a_share_is_resampled_by_prompts_not_by_what_is_asked_of_them():
    met, asked = [5, 0] * 20, [5] * 40
    low, high = bootstrap_share(met, asked, 0, 4000)
    one_a_prompt, each_alone = wilson(20, 40), wilson(100, 200)
    assert high - low == pytest.approx(one_a_prompt[1] - one_a_prompt[0], rel=0.1)
    assert high - low > 2 * (each_alone[1] - each_alone[0])


def test_the_interval_of_a_weighted_sum_of_rates_is_newcombes_for_a_difference():
    # Newcombe 1998, "Interval estimation for the difference between independent proportions", 56 of 70 less 48 of 80
    low, high = wilson_weighted([(56, 70), (48, 80)], [1.0, -1.0])
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert wilson_weighted([(3, 10)], [1.0]) == pytest.approx(wilson(3, 10))
    low, high = wilson_weighted([(0, 4), (0, 4)], [0.5, 0.5])
    assert low == 0 and wilson(0, 4)[1] / 2 < high < wilson(0, 4)[1], "rates of 0 have a width"
