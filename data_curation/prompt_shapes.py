"""How the rows of some benchmarks' files become prompts, as the paper put them.

A shape takes a row's values and gives `prompt`, `subset` and `reference` (what a judge has to be told, as JSON), or a
text: why the row is no part of the benchmark. What is absent or of another type is passed on, and quarantined.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

QUOTES = "\"'\u201c\u201d"
SEPARATOR = "\n\n---\n\n"
_SUBSETS = {"Easy_set": "easy", "Hard_set": "hard"}


def advbench(values: Mapping[str, Any]) -> dict[str, Any]:
    """An AdvBench goal without stray quotes at its edges (PAPER, Evaluations)."""
    goal = values.get("goal")
    return {"prompt": goal.strip().strip(QUOTES).strip() if isinstance(goal, str) else goal}


def harmbench(values: Mapping[str, Any]) -> dict[str, Any] | str:
    """A HarmBench behaviour; a contextual one after its context and a `---` line. The copyright rows do not belong."""
    behaviour, subset = values.get("Behavior"), values.get("FunctionalCategory")
    if subset == "copyright":
        return "copyright behaviour"
    if subset == "contextual" and isinstance(behaviour, str):
        context = values.get("ContextString")
        behaviour = f"{_text(context)}{SEPARATOR}{behaviour}" if isinstance(context, str) and context.strip() else None
    return {"prompt": behaviour.replace("\r\n", "\n") if isinstance(behaviour, str) else behaviour, "subset": subset}


def infobench(values: Mapping[str, Any]) -> dict[str, Any]:
    """An InFoBench instruction, its input after a blank line; the reference holds the questions it is judged by."""
    instruction, given = values.get("instruction"), values.get("input")
    prompt = instruction
    if isinstance(instruction, str) and isinstance(given, str) and given.strip():
        prompt = f"{instruction}\n\n{given}"
    questions = values.get("decomposed_questions")
    subset = values.get("subset")
    whole = isinstance(questions, list) and questions and all(isinstance(one, str) and one.strip() for one in questions)
    reference = json.dumps({"questions": questions}, ensure_ascii=False) if whole else None
    return {"prompt": prompt, "subset": _SUBSETS.get(subset, subset), "reference": reference}


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").strip("\n")
