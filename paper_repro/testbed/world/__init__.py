"""The generated world: entities of five kinds, their attributes and relations, all from one seed."""

from __future__ import annotations

from paper_repro.testbed.world.build import Entity, World, build_world
from paper_repro.testbed.world.kinds import KINDS
from paper_repro.testbed.world.schema import Attribute, Kind
from paper_repro.testbed.world.vocabulary import ALL_WORDS, NOUNS, NUMBERS

__all__ = ["ALL_WORDS", "KINDS", "NOUNS", "NUMBERS", "Attribute", "Entity", "Kind", "World", "build_world"]
