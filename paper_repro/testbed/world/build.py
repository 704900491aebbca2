"""Builds a world from its seed: names, splits, and the value of every attribute."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from paper_repro.testbed.items import SPLITS, Split
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.world.kinds import KINDS
from paper_repro.testbed.world.names import names
from paper_repro.testbed.world.schema import Attribute, Kind

SHARES: dict[Split, float] = {"open": 0.6, "tune": 0.2, "dev": 0.1, "test": 0.1}


@dataclass(frozen=True, slots=True)
class Entity:
    """One invented thing.

    Attributes:
        name: "melk", "Varnholm"; unique in its world.
        kind: Name of its kind.
        split: Where it may be asked about.
        phrase: How it stands inside a sentence: "the melk", "Varnholm".
    """

    name: str
    kind: str
    split: Split
    phrase: str


@dataclass(eq=False)
class World:
    """Everything that is true.

    Attributes:
        seed: It was made from.
        kinds: Kinds by name.
        entities: All entities by name.
        values: Value of an attribute by (entity, attribute); for a relation the name of another entity.
        cache: Parts of items, kept by the families because pre-training draws about a million items.
    """

    seed: int
    kinds: dict[str, Kind]
    entities: dict[str, Entity]
    values: dict[tuple[str, str], str]
    cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def groups(self) -> dict[tuple[str, Split | None], tuple[Entity, ...]]:
        """Entities by kind and split; by kind and None all of a kind."""
        found: dict[tuple[str, Split | None], tuple[Entity, ...]] = {}
        for kind in self.kinds:
            members = [entity for entity in self.entities.values() if entity.kind == kind]
            found[kind, None] = tuple(members)
            for split in SPLITS:
                found[kind, split] = tuple(entity for entity in members if entity.split == split)
        return found

    @cached_property
    def facts(self) -> dict[str, str]:
        """Every value by its id `kind/entity/attribute`."""
        return {fact_id(self.entities[name], attr): value for (name, attr), value in self.values.items()}

    def attribute(self, kind: str, name: str) -> Attribute:
        """An attribute of a kind by name."""
        return self.kinds[kind].by_name[name]

    def possible(self, kind: str, name: str) -> tuple[str, ...]:
        """All values an attribute can have; for a relation the names of its target's kind."""
        attribute = self.attribute(kind, name)
        if attribute.target is None:
            return attribute.values
        return tuple(entity.name for entity in self.groups[attribute.target, None])


def fact_id(entity: Entity, attribute: str) -> str:
    """The id of a fact: `kind/entity/attribute`."""
    return f"{entity.kind}/{entity.name}/{attribute}"


@lru_cache(maxsize=4)
def build_world(seed: int) -> World:
    """The world of a seed; the same object for the same seed in one process.

    Args:
        seed: Any number; `version.DEVELOPMENT_SEED` for choices, `version.FINAL_SEED` for reported numbers.
    """
    entities: dict[str, Entity] = {}
    for kind_name, found in names(seed, KINDS).items():
        kind = next(kind for kind in KINDS if kind.name == kind_name)
        for name, split in zip(found, _splits(seed, kind), strict=True):
            entities[name] = Entity(name, kind.name, split, kind.phrase.replace("{n}", name))
    world = World(seed, {kind.name: kind for kind in KINDS}, entities, {})
    for kind in KINDS:
        for attribute in kind.attributes:
            _assign(world, kind, attribute)
    return world


def _splits(seed: int, kind: Kind) -> list[Split]:
    """The split of each entity of a kind, in exact shares (the rest is open), in random order."""
    found = [split for split in SPLITS[1:] for _ in range(round(kind.count * SHARES[split]))]
    found = [*found, *["open" for _ in range(kind.count - len(found))]]
    rng(seed, "splits", kind.name).shuffle(found)
    return found


def _assign(world: World, kind: Kind, attribute: Attribute) -> None:
    """Give an attribute to every entity of a kind; no entity is related to itself."""
    random = rng(world.seed, "facts", kind.name, attribute.name)
    possible = world.possible(kind.name, attribute.name)
    for entity in world.groups[kind.name, None]:
        value = random.choice(possible)
        while value == entity.name:
            value = random.choice(possible)
        world.values[entity.name, attribute.name] = value
