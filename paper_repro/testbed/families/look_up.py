"""Look-up: one attribute of one entity ("What colour is the melk?")."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.families.shared import entity_forbidden, fill, fill_short, other_value, value_of
from paper_repro.testbed.items import Item, Reference, Split
from paper_repro.testbed.world import KINDS, Attribute, Entity, World
from paper_repro.testbed.world.build import fact_id

NAME = "look-up"
PAIRS = tuple((kind.name, attribute.name) for kind in KINDS for attribute in kind.attributes)
TASKS = {f"{NAME}/{kind}/{attribute}": (kind, attribute) for kind, attribute in PAIRS}
HELD_OUT = (
    "look-up/person/hobby",
    "look-up/town/product",
    "look-up/town/symbol",
    "look-up/creature/diet",
    "look-up/dish/origin",
    "look-up/tool/place",
)


def tasks() -> tuple[str, ...]:
    """One task for each attribute of each kind."""
    return tuple(TASKS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """A random entity of the task's kind, asked for the task's attribute."""
    kind, attribute = TASKS[task]
    members = world.groups[kind, split]
    return look_up(world, members[int(random.random() * len(members))], attribute)


def look_up(world: World, entity: Entity, name: str) -> Item:
    """The item that asks an entity for an attribute; one object per world."""
    key = f"{NAME}/{entity.name}/{name}"
    found = world.cache.get(key)
    if found is None:
        found = world.cache[key] = _make(world, entity, world.attribute(entity.kind, name), key)
    return found


def _make(world: World, entity: Entity, attribute: Attribute, key: str) -> Item:
    value = value_of(world, entity, attribute)
    return Item(
        key=key,
        family=NAME,
        task=f"{NAME}/{entity.kind}/{attribute.name}",
        split=entity.split,
        entities=(entity.name,),
        facts=(fact_id(entity, attribute.name),),
        questions=tuple(fill(template, entity) for template in attribute.all_questions),
        statements=tuple(fill(template, entity, value) for template in attribute.statements),
        short=fill_short(attribute, value),
        reference=Reference(
            groups=((value,),),
            forbidden=entity_forbidden(world, [entity], [attribute], [value]),
            subject=(entity.name,),
        ),
    )


def wrong(world: World, item: Item, random: Random) -> str:
    """A statement with another value of the attribute."""
    _, name, attribute_name = item.key.split("/")
    entity = world.entities[name]
    attribute = world.attribute(entity.kind, attribute_name)
    return fill(random.choice(attribute.statements), entity, other_value(world, entity, attribute, random))
