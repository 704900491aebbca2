"""List: two or three attributes of an entity in the order given ("List the home and the diet of the melk.")."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.families.parts import Parts, draw_parts, wrong_parts
from paper_repro.testbed.families.shared import joined, sentence
from paper_repro.testbed.items import Item, Split
from paper_repro.testbed.world import KINDS, World

NAME = "list"
TASKS = {f"{NAME}/{kind.name}": kind.name for kind in KINDS}
HELD_OUT = ("list/dish",)
QUESTIONS = (
    "list {p} of {e}.",
    "name {p} of {e} in this order.",
    "give me {p} of {e}.",
    "what are {p} of {e}?",
    "tell me {p} of {e}, one after the other.",
    "I need {p} of {e} in this order.",
)


def tasks() -> tuple[str, ...]:
    """One task for each kind."""
    return tuple(TASKS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """Some attributes of a random entity of the task's kind."""
    parts = draw_parts(world, TASKS[task], split, random)
    return Item(
        key=f"{NAME}/{parts.path}",
        family=NAME,
        task=task,
        split=parts.entity.split,
        entities=(parts.entity.name,),
        facts=parts.fact_ids,
        questions=tuple(parts.asking(template) for template in QUESTIONS),
        statements=_statements(parts),
        short=(joined(parts.values), ", ".join(parts.values)),
        reference=parts.reference(world),
    )


def _statements(parts: Parts) -> tuple[str, ...]:
    """The values with the names of their attributes, or in sentences of their own."""
    phrase = parts.entity.phrase
    first, *rest = parts.clauses
    label, _, said = first.partition(" is ")
    opened = f"{label} of {phrase} is {said}"
    return (
        sentence(joined([opened, *rest])) + ".",
        f"For {phrase}, {joined(parts.clauses)}.",
        " ".join(sentence(clause) + "." for clause in [opened, *rest]),
    )


def wrong(world: World, item: Item, random: Random) -> str:
    """A list in which one value is another one."""
    return random.choice(_statements(wrong_parts(world, item.key.partition("/")[2], random)))
