"""Each reply to a format request, requirement by requirement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifacts.digests import canonical_json
from artifacts.settings import Settings
from paper_repro.judge.schema import Opinion
from paper_repro.testbed.rules import TaskReference, parse_reference, requirement_is_met


class Parameters(Settings):
    """The rules have no parameters: another behaviour is another version."""


def judge(rows: Sequence[dict[str, Any]], parameters: Parameters, scratch: Path) -> list[Opinion]:
    """One opinion a row of generations, in their order; prompts that ask for no requirement have none.

    Raises:
        InputError: a row without a reference, or with one that cannot be read.
    """
    return [_opinion(row) for row in rows]


def _opinion(row: dict[str, Any]) -> Opinion:
    reference = parse_reference(row["reference"], f"prompt {row['prompt_id']}")
    if not isinstance(reference, TaskReference) or not reference.requirements:
        return Opinion("unclassified", raw="no requirements")
    met = [requirement_is_met(row["response"], one, reference) for one in reference.requirements]
    answers = [[one.kind, "yes" if yes else "no"] for one, yes in zip(reference.requirements, met, strict=True)]
    return Opinion(
        "ok",
        "all" if all(met) else "some" if any(met) else "none",
        score=sum(met) / len(met),
        raw=canonical_json(answers),
        aspects={"met": sum(met), "asked": len(met)},
    )
