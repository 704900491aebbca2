"""True sentences about an entity, to be said beside an answer about it."""

from __future__ import annotations

from random import Random

from paper_repro.testbed import families
from paper_repro.testbed.families.look_up import NAME, look_up
from paper_repro.testbed.items import Item
from paper_repro.testbed.rules import content_is_right
from paper_repro.testbed.world import Entity, World

FEWEST, MOST = 2, 3


def supporting_facts(world: World, item: Item, statement: str, random: Random) -> list[str]:
    """Two or three sentences about the entities of an item that the answer does not say and that do not spoil it.

    What spoils an answer is another value or entity of the kind that is asked for, as the judge has it. Attributes
    whose look-up is held out of tuning are left out.

    Returns:
        Sentences in random order; none for an item without entities, or where too few fit.
    """
    found = []
    for name in item.entities:
        entity = world.entities[name]
        for attribute in _tuned_attributes(world, entity):
            fact = look_up(world, entity, attribute)
            sentence = random.choice(fact.statements)
            if fact.facts[0] not in item.facts and content_is_right(f"{statement} {sentence}", item.reference):
                found.append(sentence)
    random.shuffle(found)
    return found[: random.randint(FEWEST, MOST)] if len(found) >= FEWEST else []


def entity_sentences(world: World, entity: Entity, count: int, random: Random) -> list[str]:
    """`count` sentences about an entity, each of another attribute (or as many as it has)."""
    attributes = [attribute.name for attribute in world.kinds[entity.kind].attributes]
    chosen = random.sample(attributes, min(count, len(attributes)))
    return [random.choice(look_up(world, entity, attribute).statements) for attribute in chosen]


def _tuned_attributes(world: World, entity: Entity) -> list[str]:
    names = [attribute.name for attribute in world.kinds[entity.kind].attributes]
    return [name for name in names if f"{NAME}/{entity.kind}/{name}" not in families.HELD_OUT_TASKS]
