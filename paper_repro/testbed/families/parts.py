"""Several attributes of one entity, in a given order: what lists and formatted lists ask for."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from paper_repro.testbed.families.shared import entity_forbidden, joined, other_value, sentence, value_of
from paper_repro.testbed.items import Reference, Requirement, Split
from paper_repro.testbed.world import Attribute, Entity, World
from paper_repro.testbed.world.build import fact_id


@dataclass(frozen=True)
class Parts:
    """An entity, some of its attributes and a value for each (the true ones, unless a wrong answer is made)."""

    entity: Entity
    attributes: tuple[Attribute, ...]
    values: tuple[str, ...]

    @property
    def asked(self) -> str:
        """What is asked for: "the home, the diet and the colour"."""
        return joined([f"the {attribute.label}" for attribute in self.attributes])

    @property
    def phrases(self) -> list[str]:
        """Values as they stand after "the home is"."""
        return [attr.value.replace("{v}", value) for attr, value in zip(self.attributes, self.values, strict=True)]

    @property
    def clauses(self) -> list[str]:
        """One for each attribute: "the home is the forest"."""
        return [f"the {attr.label} is {text}" for attr, text in zip(self.attributes, self.phrases, strict=True)]

    @property
    def labelled(self) -> list[str]:
        """One for each attribute: "home: forest"."""
        return [f"{attr.label}: {value}" for attr, value in zip(self.attributes, self.values, strict=True)]

    @property
    def fact_ids(self) -> tuple[str, ...]:
        """Ids of the facts."""
        return tuple(fact_id(self.entity, attribute.name) for attribute in self.attributes)

    @property
    def path(self) -> str:
        """Entity and attributes, as they stand in keys."""
        return "/".join((self.entity.name, *(attribute.name for attribute in self.attributes)))

    def asking(self, template: str) -> str:
        """A question of `{p}`, what is asked for, and `{e}`."""
        return sentence(template.replace("{p}", self.asked).replace("{e}", self.entity.phrase))

    def reference(self, world: World, requirements: tuple[Requirement, ...] = (), *, subject: bool = True) -> Reference:
        """Every value in order, none of the others."""
        return Reference(
            groups=tuple((value,) for value in self.values),
            ordered=True,
            forbidden=entity_forbidden(world, [self.entity] * len(self.values), self.attributes, self.values),
            subject=(self.entity.name,) if subject else (),
            requirements=requirements,
        )


def draw_parts(world: World, kind: str, split: Split | None, random: Random) -> Parts:
    """Two or three attributes of a random entity, in random order, with different values."""
    members = world.groups[kind, split]
    entity = members[int(random.random() * len(members))]
    while True:
        attributes = tuple(random.sample(world.kinds[kind].attributes, random.choice((2, 3, 3))))
        values = tuple(value_of(world, entity, attribute) for attribute in attributes)
        if len(set(values)) == len(values):
            return Parts(entity, attributes, values)


def wrong_parts(world: World, path: str, random: Random) -> Parts:
    """The parts of a key with one value replaced by another of its attribute.

    Args:
        world: The world.
        path: `Parts.path`.
        random: Chooses the part and its value.
    """
    name, *names = path.split("/")
    entity = world.entities[name]
    attributes = tuple(world.attribute(entity.kind, attribute) for attribute in names)
    values = [value_of(world, entity, attribute) for attribute in attributes]
    place = random.randrange(len(values))
    values[place] = other_value(world, entity, attributes[place], random)
    return Parts(entity, attributes, tuple(values))
