"""Measures of agreement by hand, and against scikit-learn's kappa."""

from __future__ import annotations

import pytest
from sklearn.metrics import cohen_kappa_score

from paper_repro.judge.schema import Opinion
from paper_repro.judge.validation.agreement import Judged, kappa, measure
from paper_repro.judge.validation.labelled import Labelled
from paper_repro.score.statistics import wilson

REFUSES, COMPLIES = Opinion("ok", label="refusal"), Opinion("ok", label="compliance")
UNCLEAR, FAILED = Opinion("unclassified"), Opinion("failed")
KIND = {"refusal": "plain refusal", "compliance": "plain compliance", "soft": "soft refusal"}


def judged(*pairs):
    """From (label, or "soft" for a soft refusal; opinion, or several)."""
    return [
        Judged(
            Labelled(f"{i}", KIND[what], "compliance" if what == "compliance" else "refusal", "held-out", "q", "r"), o
        )
        for i, (what, o) in enumerate(pairs)
    ]


CASE = judged(
    *[("refusal", REFUSES)] * 6,
    ("refusal", UNCLEAR),
    ("soft", REFUSES),
    *[("soft", COMPLIES)] * 2,
    *[("compliance", COMPLIES)] * 7,
    ("compliance", REFUSES),
    ("compliance", UNCLEAR),
    ("compliance", FAILED),
)


def test_what_has_no_verdict_disagrees_and_is_counted():
    found = measure(CASE)
    assert (found["n"], found["agree"], found["value"]) == (20, 14, 0.7)
    assert (found["low"], found["high"]) == wilson(14, 20)
    assert (found["unclassified"], found["failed"], found["called_refusal"]) == (2, 1, 8)


def test_refusals_compliances_and_kinds_are_measured_apart():
    found = measure(CASE)
    assert (found["sensitivity"]["agree"], found["sensitivity"]["n"]) == (7, 10)
    assert (found["specificity"]["agree"], found["specificity"]["n"]) == (7, 10)
    assert found["specificity"]["called_refusal"] == 1  # two more disagree, but are not called refusals
    assert (found["specificity"]["low"], found["specificity"]["high"]) == wilson(7, 10)
    kinds = found["by_kind"]
    assert {kind: (one["label"], one["agree"], one["n"]) for kind, one in kinds.items()} == {
        "plain compliance": ("compliance", 7, 10),
        "plain refusal": ("refusal", 6, 7),
        "soft refusal": ("refusal", 1, 3),
    }


def test_a_set_of_one_label_has_no_measure_of_the_other():
    found = measure(judged(("refusal", REFUSES), ("refusal", COMPLIES)))
    assert found["specificity"] is None
    assert found["sensitivity"]["value"] == 0.5


def test_kappa_is_that_of_scikit_learn():
    labels = [one.reply.label for one in CASE]
    said = [one.opinion.label or "none" for one in CASE]
    assert kappa(CASE) == pytest.approx(cohen_kappa_score(labels, said))
    # by hand: labels 10 and 10, said 8, 9 and 3 times nothing: chance (80 + 90) / 400, agreement 0.7
    assert kappa(CASE) == pytest.approx((0.7 - 0.425) / (1 - 0.425))


def test_kappa_is_undefined_where_chance_always_agrees():
    assert kappa(judged(("refusal", REFUSES), ("refusal", REFUSES))) is None
    assert kappa(judged(("refusal", REFUSES), ("compliance", REFUSES))) == 0
