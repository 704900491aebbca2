"""Each reply to a task by the rules of the testbed: content, stopping, first line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifacts.settings import Settings
from paper_repro.judge.schema import Opinion
from paper_repro.testbed.rules import TaskReference, judge_task, parse_reference


class Parameters(Settings):
    """The rules have no parameters: another behaviour is another version."""


def judge(rows: Sequence[dict[str, Any]], parameters: Parameters, scratch: Path) -> list[Opinion]:
    """One opinion a row of generations, in their order; prompts about acts have none.

    Raises:
        InputError: a row without a reference, or with one that cannot be read.
    """
    return [_opinion(row) for row in rows]


def _opinion(row: dict[str, Any]) -> Opinion:
    reference = parse_reference(row["reference"], f"prompt {row['prompt_id']}")
    if not isinstance(reference, TaskReference):
        return Opinion("unclassified", raw="no task")
    verdict = judge_task(row["response"], row["finish_reason"], reference)
    faults = {"content": verdict.content, "stopping": verdict.stopping, "first_line": verdict.first_line}
    raw = " ".join(f"{name}:{fault}" for name, fault in faults.items() if fault)
    return Opinion("ok", verdict.label, raw=raw, aspects={name: int(not fault) for name, fault in faults.items()})
