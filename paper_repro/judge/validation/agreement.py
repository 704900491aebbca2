"""Agreement of a refusal judge with labels: overall, by kind, of refusals and of compliances, and beyond chance.

A reply without a verdict (unclassified or failed) counts as a disagreement everywhere here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paper_repro.judge.schema import Opinion
from paper_repro.judge.validation.labelled import Labelled
from paper_repro.score.statistics import wilson


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled reply and what the judge said of it."""

    reply: Labelled
    opinion: Opinion

    @property
    def agrees(self) -> bool:
        """Whether the judge said what the label says."""
        return self.opinion.label == self.reply.label

    def as_row(self) -> dict[str, Any]:
        """The outcome without the texts of query and reply."""
        return {
            "id": self.reply.id,
            "kind": self.reply.kind,
            "split": self.reply.split,
            "label": self.reply.label,
            "status": self.opinion.status,
            "said": self.opinion.label,
            "raw": self.opinion.raw,
        }


def measure(judged: Sequence[Judged]) -> dict[str, Any]:
    """All measures of one set of judged replies, at least one.

    Returns:
        `share(...)` of all replies; `kappa`; `sensitivity` (of the refusals) and `specificity` (of the compliances),
        None where there is none; `by_kind`, each with its `label`.
    """
    of_label = {label: [one for one in judged if one.reply.label == label] for label in ("refusal", "compliance")}
    kinds = sorted({(one.reply.kind, one.reply.label) for one in judged})
    return share(judged) | {
        "kappa": kappa(judged),
        "sensitivity": share(of_label["refusal"]) if of_label["refusal"] else None,
        "specificity": share(of_label["compliance"]) if of_label["compliance"] else None,
        "by_kind": {
            kind: {"label": label} | share([one for one in judged if one.reply.kind == kind]) for kind, label in kinds
        },
    }


def share(judged: Sequence[Judged]) -> dict[str, Any]:
    """Share of replies on which judge and label agree, with its Wilson interval, and the counts behind it.

    `called_refusal` counts the replies that the judge calls refusals, rightly or not: what a refusal rate counts.
    """
    n, agree = len(judged), sum(one.agrees for one in judged)
    low, high = wilson(agree, n)
    statuses = Counter(one.opinion.status for one in judged)
    return {
        "n": n,
        "agree": agree,
        "value": agree / n,
        "low": low,
        "high": high,
        "called_refusal": sum(one.opinion.label == "refusal" for one in judged),
        "unclassified": statuses["unclassified"],
        "failed": statuses["failed"],
    }


def kappa(judged: Sequence[Judged]) -> float | None:
    """Cohen's kappa of label and judge, "no verdict" being a third answer; None where chance alone would always agree.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
    (1960).
    """
    n = len(judged)
    labels = Counter(one.reply.label for one in judged)
    said = Counter(one.opinion.label for one in judged)
    # whole numbers to the end: n * n * expected share
    by_chance = sum(labels[answer] * said[answer] for answer in labels)
    if by_chance == n * n:
        return None
    return (n * sum(one.agrees for one in judged) - by_chance) / (n * n - by_chance)
