"""How far raters agree, carried from their verdicts to the scores: one row a campaign, both systems together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.files import read_json, write_json
from artifacts.manifest import Artifact
from paper_repro.conditions import Condition

AGREEMENT = "agreement.json"
QUESTIONS = {
    "acceptability_a": "acceptability, first",
    "acceptability_b": "acceptability, second",
    "acceptability_a_and_b": "acceptability, both",
    "preference": "preference",
}


@dataclass(frozen=True)
class Agreement:
    """Agreement of one campaign.

    Attributes:
        campaign: Digest of its annotations.
        first: The first system, in words.
        second: The second.
        questions: Question (a key of `QUESTIONS`) to its numbers, as `paper_repro.annotate.agreement` gives them.
    """

    campaign: str
    first: str
    second: str
    questions: Mapping[str, Mapping[str, Any]]


def write_agreements(artifacts: Iterable[Artifact], folder: Path) -> list[Agreement]:
    """Write `agreement.json`, each campaign among verdicts artifacts once; no file where people rated nothing."""
    found = {}
    for artifact in artifacts:
        if "agreement" in artifact.summary:
            campaign = artifact.identity.inputs["annotations"]
            found[campaign] = _agreement(campaign, artifact.summary)
    rows = [found[campaign] for campaign in sorted(found)]
    if rows:
        write_json(folder / AGREEMENT, [asdict(one) for one in rows])
    return rows


def read_agreements(folder: Path) -> list[Agreement]:
    """The campaigns of a scores artifact; none where people rated nothing.

    Raises:
        InputError: a file that is not one of ours.
    """
    path = folder / AGREEMENT
    if not path.is_file():
        return []
    try:
        found = [Agreement(**row) for row in read_json(path)]
    except TypeError:
        raise InputError("not agreement of raters as rt score writes it", where=str(path)) from None
    if unknown := {question for one in found for question in one.questions} - set(QUESTIONS):
        raise InputError(f"unknown question '{sorted(unknown)[0]}'", where=str(path))
    return found


def _agreement(campaign: str, summary: Mapping[str, Any]) -> Agreement:
    names = {summary["system"]: summary["condition"], _other(summary["system"]): summary["against"]["condition"]}
    first, second = (_named(Condition(**names[system])) for system in ("a", "b"))
    return Agreement(campaign, first, second, summary["agreement"])


def _other(system: str) -> str:
    return "b" if system == "a" else "a"


def _named(condition: Condition) -> str:
    parts = [condition.base_model, condition.method, condition.response_set]
    if condition.num_refusals:
        parts.append(f"{condition.num_refusals} refusals")
    if condition.seed is not None:
        parts.append(f"seed {condition.seed}")
    return ", ".join(part for part in parts if part)
