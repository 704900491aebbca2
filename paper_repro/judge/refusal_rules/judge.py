"""Each reply by the shared refusal rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifacts.settings import Settings
from data_curation.refusal_rules import classify
from paper_repro.judge.schema import Opinion


class Parameters(Settings):
    """The rules have no parameters: another behaviour is another version."""


def judge(rows: Sequence[dict[str, Any]], parameters: Parameters, scratch: Path) -> list[Opinion]:
    """One opinion a row of generations, in their order."""
    opinions = []
    for row in rows:
        verdict = classify(row["response"], row["prompt"])
        status = "unclassified" if verdict.label is None else "ok"
        opinions.append(Opinion(status, label=verdict.label, raw=" ".join(verdict.rules)))
    return opinions
