"""Facts known by likelihood: the positive control of a base that cannot answer. It may still know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from artifacts.errors import StageError
from paper_repro.sequences import prompt_ids
from paper_repro.testbed.items import Item
from paper_repro.testbed.probes.likelihood import auc, sequence_log_probabilities

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class FactCase:
    """A true statement, and the same statement with each other value of the attribute."""

    task: str
    true: str
    false: tuple[str, ...]


def fact_cases(items: Sequence[Item], others: Sequence[Item]) -> list[FactCase]:
    """A case for every item, its false statements taken from `others` of its task and put in its entity's name.

    Args:
        items: Look-up questions; each first statement names its entity.
        others: Look-up questions that show the values of every attribute.
    """
    by_task: dict[str, dict[str, Item]] = {}
    for other in others:
        by_task.setdefault(other.task, {}).setdefault(other.short[0], other)
    return [_case(item, by_task.get(item.task, {})) for item in items]


def known_facts(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, cases: Sequence[FactCase]
) -> dict[str, Any]:
    """Whether true statements are more likely (as whole texts) than false ones.

    Returns:
        `accuracy` (cases whose true statement is the most likely of all), `auc` (mean probability that it is more
        likely than a false one), `chance` (accuracy of guessing), `facts` (number of cases).
    """
    texts = [text for case in cases for text in (case.true, *case.false)]
    sums = iter(sequence_log_probabilities(model, [prompt_ids(tokenizer, text) for text in texts]).tolist())
    scored = [(next(sums), [next(sums) for _ in case.false]) for case in cases]
    return {
        "accuracy": round(sum(true > max(false) for true, false in scored) / len(cases), 4),
        "auc": round(sum(auc([true], false) for true, false in scored) / len(cases), 4),
        "chance": round(sum(1 / (1 + len(case.false)) for case in cases) / len(cases), 4),
        "facts": len(cases),
    }


def _case(item: Item, by_value: Mapping[str, Item]) -> FactCase:
    true = item.statements[0]
    false = {_about(item, other) for value, other in by_value.items() if value != item.short[0]} - {true}
    if not false:
        raise StageError(f"no other value is known for the question '{item.key}'")
    return FactCase(item.task, true, tuple(sorted(false)))


def _about(item: Item, other: Item) -> str:
    """The first statement of `other`, said of the entity of `item`."""
    statement, swapped = other.statements[0], re.escape(other.entities[0])
    text, count = re.subn(rf"\b{swapped}\b", item.entities[0], statement)
    if count == 0:
        raise StageError(f"the statement does not name its entity: {statement!r}")
    return text
