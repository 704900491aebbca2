"""Replies labelled by hand: the set of this package (`refusals.jsonl`), or one of the user's own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from artifacts.errors import InputError
from paper_repro.score.records.base import Row, read_records

Label = Literal["refusal", "compliance"]
Split = Literal["development", "held-out"]
LABELS, SPLITS = get_args(Label), get_args(Split)
SHIPPED = Path(__file__).with_name("refusals.jsonl")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One reply with the label that a right judge gives it.

    Attributes:
        id: Its name; in the shipped set its digest decides the split, half and half in every kind.
        kind: What kind of reply it is, as "soft refusal"; a kind has one label.
        label: What it is.
        split: `development` may be looked at when a judge is made, `held-out` only when it is frozen.
        instruction: The query.
        response: The reply.
    """

    id: str
    kind: str
    label: Label
    split: Split
    instruction: str
    response: str

    @property
    def generation(self) -> dict[str, Any]:
        """The reply as a row of generations: what a judge reads."""
        return {
            "prompt_id": self.id,
            "benchmark": "refusal-validation",
            "subset": self.kind,
            "prompt": self.instruction,
            "response": self.response,
            "num_tokens": None,
            "finish_reason": None,
        }


def read_labelled(path: Path = SHIPPED) -> list[Labelled]:
    """All labelled replies of a file (JSON Lines, JSON array, CSV or Parquet), in its order.

    Raises:
        InputError: names file, line and key of a field that is absent or has another value than it may have, of an id
            given twice, and of a kind with two labels.
    """
    found: dict[str, Labelled] = {}
    labels: dict[str, str] = {}
    for row in read_records(path):
        one = _labelled(row)
        if one.id in found:
            raise InputError(f"the id '{one.id}' is given twice", where=row.where)
        if labels.setdefault(one.kind, one.label) != one.label:
            raise InputError(f"the kind '{one.kind}' was labelled '{labels[one.kind]}' before", where=row.where)
        found[one.id] = one
    return list(found.values())


def _labelled(row: Row) -> Labelled:
    texts = {}
    for key in ("id", "kind", "instruction", "response"):
        texts[key] = row.get(key, str)
        if not texts[key].strip():
            raise InputError(f"'{key}' is empty", where=row.where)
    return Labelled(**texts, label=_one_of(row, "label", LABELS), split=_one_of(row, "split", SPLITS))


def _one_of(row: Row, key: str, allowed: Collection[str]) -> Any:
    value = row.get(key, str)
    if value not in allowed:
        raise InputError(f"'{key}' is '{value}'", where=row.where, fix=f"it must be one of: {', '.join(allowed)}")
    return value
