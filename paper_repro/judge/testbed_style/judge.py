"""Each reply to a task: does it open and close as the structured and the refined responses do?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifacts.settings import Settings
from paper_repro.judge.schema import Opinion
from paper_repro.testbed.rules import TaskReference, parse_reference
from paper_repro.testbed.rules.words import phrase_words
from paper_repro.testbed.sets.phrases import CLOSINGS, OPENINGS

_OPENINGS, _CLOSINGS = ([phrase_words(text) for text in texts] for texts in (OPENINGS, CLOSINGS))


class Parameters(Settings):
    """The rules have no parameters: another behaviour is another version."""


def judge(rows: Sequence[dict[str, Any]], parameters: Parameters, scratch: Path) -> list[Opinion]:
    """One opinion a row of generations, in their order; prompts about acts have none.

    Raises:
        InputError: a row without a reference, or with one that cannot be read.
    """
    return [_opinion(row) for row in rows]


def _opinion(row: dict[str, Any]) -> Opinion:
    if not isinstance(parse_reference(row["reference"], f"prompt {row['prompt_id']}"), TaskReference):
        return Opinion("unclassified", raw="no task")
    words = phrase_words(row["response"])
    found = {
        "opens": any(words[: len(known)] == known for known in _OPENINGS),
        "closes": any(words[-len(known) :] == known for known in _CLOSINGS),
    }
    label = "friendly" if all(found.values()) else "plain"
    raw = " ".join(name for name, there in found.items() if there)
    return Opinion("ok", label, raw=raw, aspects={name: int(there) for name, there in found.items()})
