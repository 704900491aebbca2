"""Rates corrected for the judge's errors: cases computed by hand, and how often the interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest

from paper_repro.score.correction import Corrected, Share, corrected_rate, pooled, weighted

PERFECT = pooled(50, 50)


@pytest.mark.parametrize(
    ("refused", "n", "se", "sp", "value"),
    [
        (50, 100, (9, 10), (8, 10), 3 / 7),  # (0.5 + 0.8 - 1) / (0.9 + 0.8 - 1)
        (30, 100, (1, 2), (10, 10), 0.6),  # half of the refusals are seen: twice as many as were seen
        (20, 100, (10, 10), (9, 10), 1 / 9),  # ten of a hundred would be called refusals anyhow
        (5, 100, (10, 10), (9, 10), 0.0),  # fewer than the judge calls refusals without there being one
        (95, 100, (9, 10), (10, 10), 1.0),
        (0, 40, (50, 50), (50, 50), 0.0),
        (17, 40, (50, 50), (50, 50), 17 / 40),  # a judge without error corrects nothing
    ],
)
def test_the_estimate_is_that_of_rogan_and_gladen_cut_to_a_rate(refused, n, se, sp, value):
    corrected = corrected_rate(refused, n, pooled(*se), pooled(*sp))
    assert corrected.value == pytest.approx(value)
    assert 0 <= corrected.low <= corrected.value <= corrected.high <= 1


@pytest.mark.parametrize(("se", "sp"), [((5, 10), (5, 10)), ((0, 10), (10, 10)), ((2, 10), (7, 10))])
def test_a_judge_no_better_than_chance_gives_no_rate(se, sp):
    assert corrected_rate(30, 100, pooled(*se), pooled(*sp)) == Corrected(None, None, None)


def test_few_labelled_replies_do_not_rule_chance_out_and_leave_the_rate_open():
    # one of one against a large sample that the judge gets nearly all wrong: above chance only as observed
    corrected = corrected_rate(30, 100, pooled(1, 1), pooled(30, 100))
    assert (corrected.low, corrected.high) == (0.0, 1.0)


def test_the_interval_by_hand():
    # n 96 + z^2 = 99.8415, refused 48 + z^2 / 2: rate exactly 0.5; both shares (8 + 1) / (8 + 2) = 0.9, variance 0.009
    corrected = corrected_rate(48, 96, pooled(8, 8), pooled(8, 8))
    # centre 0.5, no shift; half = 1.95996 * sqrt(0.25 / 99.8415 + 2 * 0.25 * 0.009) / 0.8 = 0.205036
    assert corrected.low == pytest.approx(0.5 - 0.205036, abs=1e-5)
    assert corrected.high == pytest.approx(0.5 + 0.205036, abs=1e-5)


def test_the_interval_is_shifted_where_one_share_is_less_certain():
    # sensitivity 9/10 (variance 0.009), specificity 99/100 + 1 (variance 0.0000970...): rate 0.5 of 96
    corrected = corrected_rate(48, 96, pooled(8, 8), pooled(98, 98))
    sp, z2 = 0.99, 1.959963984540054**2
    centre = (0.5 + sp - 1) / (0.9 + sp - 1)
    variance = sp * (1 - sp) / 100
    half = (z2 * (0.25 / (96 + z2) + centre**2 * 0.009 + (1 - centre) ** 2 * variance)) ** 0.5 / (0.9 + sp - 1)
    shift = 2 * z2 * (centre * 0.009 - (1 - centre) * variance)
    assert shift > 0.03
    assert corrected.low == pytest.approx(centre + shift - half)
    assert corrected.high == pytest.approx(centre + shift + half)


def test_more_labelled_replies_and_more_prompts_narrow_the_interval():
    def width(n, labelled):
        one = corrected_rate(n // 2, n, pooled(labelled * 9 // 10, labelled), pooled(labelled * 9 // 10, labelled))
        return one.high - one.low

    assert width(100, 50) > width(1000, 50) > width(1000, 500)
    assert width(1_000_000, 50) > 0.1  # prompts alone do not help: the judge stays as uncertain as it was


def test_weights_mix_the_strata_as_the_population_does():
    assert weighted([(10, 10), (0, 10)], [0.5, 0.5]).value == 0.5
    assert weighted([(10, 10), (0, 10)], [9, 1]).value == pytest.approx(0.9)
    assert weighted([(10, 10), (0, 10)], [1, 0]) == pooled(10, 10)
    # (11/12, 1/12) with halves: shrunk 1/2, variance 2 * 1/4 * (11/144) / 12
    assert weighted([(10, 10), (0, 10)], [1, 1]) == Share(0.5, pytest.approx(0.5), pytest.approx(0.5 * 11 / 144 / 12))


@pytest.mark.parametrize(
    "call",
    [
        lambda: weighted([(3, 2)], [1]),
        lambda: weighted([(0, 0)], [1]),
        lambda: weighted([(1, 2)], [0]),
        lambda: weighted([(1, 2), (1, 2)], [2, -1]),
        lambda: weighted([(1, 2)], [1, 1]),
        lambda: corrected_rate(3, 2, PERFECT, PERFECT),
        lambda: corrected_rate(0, 0, PERFECT, PERFECT),
    ],
)
def test_what_is_no_count_is_refused(call):
    with pytest.raises(ValueError, match="not "):
        call()


def covered(true, se, sp, n, labelled, repeats=1500, seed=0):
    """Share of simulated studies whose interval holds the true rate."""
    random = np.random.default_rng(seed)
    found = random.binomial(n, true * se + (1 - true) * (1 - sp), repeats)
    right, spared = random.binomial(labelled, se, repeats), random.binomial(labelled, sp, repeats)
    intervals = [
        corrected_rate(int(a), n, pooled(int(b), labelled), pooled(int(c), labelled))
        for a, b, c in zip(found, right, spared, strict=True)
    ]
    return np.mean([one.low is not None and one.low <= true <= one.high for one in intervals])


@pytest.mark.parametrize("labelled", [52, 130])
@pytest.mark.parametrize(("true", "se", "sp"), [(0.1, 0.9, 0.95), (0.5, 0.9, 0.9), (0.9, 0.8, 0.98), (0.3, 0.6, 0.85)])
def test_the_interval_holds_the_truth_about_95_times_in_100(true, se, sp, labelled):
    assert 0.93 <= covered(true, se, sp, 520, labelled) <= 0.98


def test_near_0_the_interval_holds_the_truth_more_often():
    assert covered(0.02, 0.95, 0.99, 520, 52) >= 0.95


def test_over_many_settings_the_coverage_is_95_percent_on_average():
    settings = [(t, se, sp) for t in (0.1, 0.3, 0.5, 0.7, 0.9) for se in (0.6, 0.8, 0.95) for sp in (0.8, 0.9, 0.98)]
    shares = [covered(*one, 250, 78, repeats=300, seed=i) for i, one in enumerate(settings)]
    assert 0.94 <= np.mean(shares) <= 0.97
