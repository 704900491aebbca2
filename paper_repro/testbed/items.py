"""What can be asked in the testbed, how it is said, and how an answer is checked: the types all its parts share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from artifacts.settings import Settings

Split = Literal["open", "tune", "dev", "test"]
# open: asked in pre-training; tune: in response sets; dev, test: in evaluation alone. All are stated as facts.
SPLITS: tuple[Split, ...] = ("open", "tune", "dev", "test")
RequirementKind = Literal["content", "upper-case", "bullets", "comma-separated", "word-count", "order"]


class Requirement(Settings):
    """One yes-or-no question about an answer, as InFoBench decomposes instructions.

    Attributes:
        kind: What is checked, by the rule of that name.
        question: The question in words, e.g. "Is the answer written in upper case?".
        value: The number asked for (`word-count`).
    """

    kind: RequirementKind
    question: str
    value: int | None = None


class Reference(Settings):
    """What a right answer holds; plain data, so that a judge needs no world.

    Phrases are compared as sequences of words, without case and punctuation.

    Attributes:
        groups: One alternative of every group has to occur.
        ordered: Whether the groups have to occur in their order.
        forbidden: Phrases that make an answer wrong: other values of the attribute, other entities.
        subject: Phrases of which one makes the answer stand on its own; with it an acceptable answer is excellent.
        requirements: What the instruction asks for beyond content; empty where it only asks.
    """

    groups: tuple[tuple[str, ...], ...]
    ordered: bool = False
    forbidden: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be asked, with everything that renders and checks it.

    Attributes:
        key: Unique; equal keys ask for the same thing.
        family: `look-up`, `compare`, `list`, `count`, `arithmetic`, `string`, `yes-no`, `two-part`, `format` or
            `explain`.
        task: Finer than the family, e.g. `look-up/creature/colour`: the unit that is held out of tuning.
        split: Where it may be asked.
        entities: Names of the entities asked about; empty for arithmetic and strings.
        facts: Ids of the facts needed, `kind/entity/attribute`.
        questions: Phrasings, each one line of plain English with its end mark. The first half is used in response
            sets, the second half in evaluation, all of them in pre-training.
        statements: Full sentences that answer, true on their own, with end mark ("The melk is green.").
        short: Terse answers without end mark ("green").
        reference: How an answer is checked.
    """

    key: str
    family: str
    task: str
    split: Split
    entities: tuple[str, ...]
    facts: tuple[str, ...]
    questions: tuple[str, ...]
    statements: tuple[str, ...]
    short: tuple[str, ...]
    reference: Reference
