"""What the families share: filling templates, and the parts of a reference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from random import Random

from paper_repro.testbed.items import Split
from paper_repro.testbed.seeding import share
from paper_repro.testbed.world import Attribute, Entity, World


def sentence(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def fill(template: str, entity: Entity, value: str = "") -> str:
    """A template with an entity and a value, from a capital letter on."""
    return sentence(template.replace("{e}", entity.phrase).replace("{v}", value))


def fill_short(attribute: Attribute, value: str) -> tuple[str, ...]:
    """Terse answers that give a value of an attribute."""
    whole = attribute.value.replace("{v}", value)
    return tuple(template.replace("{V}", whole).replace("{v}", value) for template in attribute.short)


def value_of(world: World, entity: Entity, attribute: Attribute) -> str:
    """The value an entity has."""
    return world.values[entity.name, attribute.name]


def entity_forbidden(world: World, entities: Iterable[Entity], attributes: Iterable[Attribute], right: Iterable[str]):
    """Phrases that make an answer on entities wrong: other values of the attributes, other entities of their kinds.

    Args:
        world: The world.
        entities: Asked about, as many as `attributes`: the attribute of each is asked.
        attributes: Asked for.
        right: Phrases of the right answer: never forbidden.
    """
    entities = tuple(entities)
    allowed = {*right, *(entity.name for entity in entities)}
    found: dict[str, None] = {}
    for entity, attribute in zip(entities, attributes, strict=True):
        found.update(dict.fromkeys(world.possible(entity.kind, attribute.name)))
        found.update(dict.fromkeys(other.name for other in world.groups[entity.kind, None]))
    return tuple(phrase for phrase in found if phrase not in allowed)


def joined(parts: list[str] | tuple[str, ...], comma: str = ", ") -> str:
    """Parts with commas and a final "and"."""
    return parts[0] if len(parts) == 1 else f"{comma.join(parts[:-1])} and {parts[-1]}"


def other_value(world: World, entity: Entity, attribute: Attribute, random: Random) -> str:
    """A value the attribute could have but has not."""
    true = value_of(world, entity, attribute)
    possible = world.possible(entity.kind, attribute.name)
    value = random.choice(possible)
    while value in (true, entity.name):
        value = random.choice(possible)
    return value


@lru_cache(maxsize=200_000)
def split_of_key(seed: int, key: str) -> Split:
    """Where a question without entities may be asked: by a fixed number of its key."""
    number = share(seed, "split", key)
    return "open" if number < 0.6 else "tune" if number < 0.8 else "dev" if number < 0.9 else "test"


def without_end(text: str) -> str:
    """A sentence without its end mark."""
    return re.sub(r"[.!?]$", "", text)


def clause(template: str, entity: Entity, value: str) -> str:
    """A statement as a clause: "the melk lives in the forest"."""
    text = without_end(template.replace("{e}", entity.phrase).replace("{v}", value))
    # a template that opens with a name keeps the name as it is
    return text if template.startswith(("{e}", "{v}")) else text[:1].lower() + text[1:]
