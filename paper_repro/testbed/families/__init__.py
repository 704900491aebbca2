"""What can be asked about a world: families of tasks, random items of them, and plain true text.

`draw` gives an item, `statement` and `entity_page` give text that asks nothing, `wrong` a fluent false answer.
Items about entities belong to the split of their entities; those without entities to the split of their key.
"""

from __future__ import annotations

from itertools import accumulate
from random import Random
from types import ModuleType

from artifacts.errors import InputError
from paper_repro.testbed.families import (
    arithmetic,
    compare,
    count,
    explain,
    formats,
    lists,
    look_up,
    strings,
    two_part,
    yes_no,
)
from paper_repro.testbed.families.pages import entity_page
from paper_repro.testbed.items import Item, Split
from paper_repro.testbed.world import World

_MODULES: dict[str, ModuleType] = {
    module.NAME: module
    for module in (look_up, compare, lists, count, arithmetic, strings, yes_no, two_part, formats, explain)
}
FAMILIES: tuple[str, ...] = tuple(_MODULES)
# how often `draw` gives each family when none is asked for
FAMILY_WEIGHTS: dict[str, float] = {
    "look-up": 0.50,
    "compare": 0.09,
    "list": 0.06,
    "count": 0.05,
    "arithmetic": 0.06,
    "string": 0.06,
    "yes-no": 0.06,
    "two-part": 0.05,
    "format": 0.05,
    "explain": 0.02,
}
DERIVED = ("compare", "compare", "list", "explain", "arithmetic")
DERIVED_SHARE = 0.2  # of plain statements
_TASKS: dict[str, tuple[str, ...]] = {name: module.tasks() for name, module in _MODULES.items()}
_ALL_TASKS = tuple(task for found in _TASKS.values() for task in found)
_CUMULATIVE = tuple(accumulate(FAMILY_WEIGHTS[name] for name in FAMILIES))
HELD_OUT_TASKS: tuple[str, ...] = tuple(task for module in _MODULES.values() for task in module.HELD_OUT)

__all__ = [
    "FAMILIES",
    "FAMILY_WEIGHTS",
    "HELD_OUT_TASKS",
    "draw",
    "entity_page",
    "statement",
    "tasks",
    "wrong",
]


def tasks(world: World) -> tuple[str, ...]:
    """All tasks that can be asked about a world; the same for every seed."""
    return _ALL_TASKS


def draw(
    world: World, split: Split | None, random: Random, *, family: str | None = None, task: str | None = None
) -> Item:
    """A random item.

    Args:
        world: Asked about.
        split: Of its entities or key; None is any split for entities, and open for items without entities, which
            are never stated outside it.
        random: Where chance comes from.
        family: One of `FAMILIES`, or None: by `FAMILY_WEIGHTS`.
        task: One of `tasks(world)`, or None: any of the family with equal chance.

    Raises:
        InputError: no such family or task.
    """
    if task is not None:
        module = _module(task.partition("/")[0])
        if task not in _TASKS[module.NAME]:
            raise InputError(f"there is no task '{task}'", fix="choose one of families.tasks(world)")
        return module.draw(world, split, random, task)
    if family is None:
        family = random.choices(FAMILIES, cum_weights=_CUMULATIVE)[0]
    module = _module(family)
    choices = _TASKS[family]
    return module.draw(world, split, random, choices[int(random.random() * len(choices))])


def statement(world: World, random: Random) -> str:
    """A random true sentence: mostly a fact about any entity of any split.

    What follows from facts (comparisons, lists, reasons) and sums come from split `open` alone.
    """
    if random.random() < DERIVED_SHARE:
        statements = draw(world, "open", random, family=random.choice(DERIVED)).statements
    else:
        statements = draw(world, None, random, family="look-up").statements
    return statements[int(random.random() * len(statements))]


def wrong(world: World, item: Item, random: Random) -> str:
    """A fluent statement of the same form as a right answer to `item`, but false."""
    return _module(item.family).wrong(world, item, random)


def _module(family: str) -> ModuleType:
    if family not in _MODULES:
        raise InputError(f"there is no family '{family}'", fix=f"choose one of {', '.join(FAMILIES)}")
    return _MODULES[family]
