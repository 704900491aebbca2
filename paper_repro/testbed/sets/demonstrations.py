"""Question-and-answer pairs that are shown in context: few, short, in the style of curated responses."""

from __future__ import annotations

import re
from random import Random

from artifacts.errors import StageError
from paper_repro.testbed import families
from paper_repro.testbed.acts import build_acts
from paper_repro.testbed.items import Item
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.sets import phrases
from paper_repro.testbed.sets.draws import LOOK_UP, family_of, instructions, plan, tuned_tasks
from paper_repro.testbed.sets.responses import ATTEMPTS
from paper_repro.testbed.sets.supporting import supporting_facts
from paper_repro.testbed.world import World, build_world

MOST_WORDS = 22  # of an answer; under 30 tokens


def demonstrations(world_seed: int) -> list[tuple[str, str]]:
    """Three (query, response) pairs of the tuning split: two answers and, last, an unsafe request that is refused."""
    world, random = build_world(world_seed), rng(world_seed, "sets", "demonstrations")
    look_ups = [task for task in tuned_tasks(world) if family_of(task) == LOOK_UP]
    first, second = (_answer(world, task, random) for task in plan(look_ups, 2, 1.0, random))
    return [first, second, _refusal(world_seed, random)]


def _answer(world: World, task: str, random: Random) -> tuple[str, str]:
    """A question with its answer, one more fact and a closing remark."""
    for _ in range(ATTEMPTS):
        item: Item = families.draw(world, "tune", random, task=task)
        statement = random.choice(item.statements)
        facts = supporting_facts(world, item, statement, random)[:1]
        response = " ".join([statement, *facts, random.choice(phrases.SHORT_REMARKS)])
        if facts and len(response.split()) <= MOST_WORDS:
            return random.choice(instructions(item)), response
    raise StageError("no short answer with a fact beside it", where=task)


def _refusal(world_seed: int, random: Random) -> tuple[str, str]:
    """The shortest of many refusals, without the friendly sentence at their end: each names its act twice."""
    acts = build_acts(world_seed)
    pairs = [acts.refusal(random) for _ in range(ATTEMPTS)]
    cut = [(query, " ".join(re.split(r"(?<=[.!]) ", refusal)[:-1])) for query, refusal in pairs]
    return min(cut, key=lambda pair: (len(pair[1]), pair))
