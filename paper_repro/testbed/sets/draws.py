"""Which items a set asks about: balanced over families, unique, and never outside its split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from random import Random

from artifacts.errors import StageError
from paper_repro.testbed import families
from paper_repro.testbed.items import Item, Split
from paper_repro.testbed.world import World

FORMAT = "format"  # the family whose instructions ask for a form; a prompt set of its own
LOOK_UP = "look-up"
ATTEMPTS = 300
NEW_KEY_ATTEMPTS = 100


def family_of(task: str) -> str:
    """The family of a task, e.g. `look-up` of `look-up/creature/colour`."""
    return task.partition("/")[0]


def tuned_tasks(world: World) -> tuple[str, ...]:
    """Tasks that response sets may ask."""
    return tuple(task for task in families.tasks(world) if task not in families.HELD_OUT_TASKS)


def held_out_tasks(world: World) -> tuple[str, ...]:
    """Tasks that no response set asks."""
    return tuple(task for task in families.tasks(world) if task in families.HELD_OUT_TASKS)


def needs_held_out(item: Item) -> bool:
    """Whether an item of another task rests on an attribute whose look-up is held out of tuning."""
    if item.task in families.HELD_OUT_TASKS:
        return False
    asked = (fact.split("/") for fact in item.facts)
    return any(f"{LOOK_UP}/{kind}/{attribute}" in families.HELD_OUT_TASKS for kind, _, attribute in asked)


def instructions(item: Item) -> Sequence[str]:
    """Phrasings of response sets."""
    return item.questions[: len(item.questions) // 2]


def prompts(item: Item) -> Sequence[str]:
    """Phrasings of evaluation."""
    return item.questions[len(item.questions) // 2 :]


def plan(tasks: Sequence[str], count: int, look_up_share: float, random: Random) -> list[str]:
    """`count` tasks in random order: a share of look-ups, the rest spread evenly over the other families.

    Within a family its tasks take turns. Where there are no look-ups, or nothing else, the one kind fills all.
    """
    by_family: dict[str, list[str]] = {}
    for task in tasks:
        by_family.setdefault(family_of(task), []).append(task)
    for members in by_family.values():
        random.shuffle(members)
    look_ups = by_family.pop(LOOK_UP, [])
    number = (count if not by_family else round(count * look_up_share)) if look_ups else 0
    turns = {family: cycle(members) for family, members in by_family.items()}
    order = list(turns)
    random.shuffle(order)
    chosen = list(islice(cycle(look_ups), number))
    chosen += [next(turns[family]) for family in islice(cycle(order), count - number)]
    random.shuffle(chosen)
    return chosen


def draw_unique(
    world: World, split: Split, tasks: Sequence[str], random: Random, render: Callable[[Item], str]
) -> Iterator[tuple[Item, str]]:
    """For every task an item of it with its rendering, no rendering twice; new keys as long as some are found.

    A task with nothing new left gives its place to another of its family, then to any other of `tasks`.

    Raises:
        StageError: the split has no more to give.
    """
    keys: set[str] = set()
    seen: set[str] = set()
    for task in tasks:
        others = [other for other in dict.fromkeys(tasks) if other != task]
        kin = [other for other in others if family_of(other) == family_of(task)]
        for candidate in (task, *kin, *others):
            found = _new(world, split, candidate, random, render, keys, seen)
            if found is not None:
                break
        else:
            raise StageError(f"split '{split}' has no more items after {len(seen)}", where=task)
        keys.add(found[0].key)
        seen.add(found[1])
        yield found


def _new(world, split, task, random, render, keys, seen) -> tuple[Item, str] | None:
    """An item of the task whose rendering is new; with a new key, if one is met soon."""
    for attempt in range(ATTEMPTS):
        item = families.draw(world, split, random, task=task)
        if needs_held_out(item):
            continue
        if item.key in keys and attempt < NEW_KEY_ATTEMPTS:
            continue
        text = render(item)
        if text not in seen:
            return item, text
    return None
