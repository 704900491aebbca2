"""The kinds of entities, a table each."""

from __future__ import annotations

from paper_repro.testbed.world.kinds.creature import CREATURE
from paper_repro.testbed.world.kinds.dish import DISH
from paper_repro.testbed.world.kinds.person import PERSON
from paper_repro.testbed.world.kinds.tool import TOOL
from paper_repro.testbed.world.kinds.town import TOWN
from paper_repro.testbed.world.schema import Kind

KINDS: tuple[Kind, ...] = (PERSON, TOWN, CREATURE, DISH, TOOL)

__all__ = ["CREATURE", "DISH", "KINDS", "PERSON", "TOOL", "TOWN"]
