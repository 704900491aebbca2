"""Refinement: a response rewritten for clarity, structure and tone, as a careful editor would who adds no fact.

What the paper's appendix G has a large model do, done by rules. They say how a text reads and never what it says: every
answer and every fact stays, in its order. No judge of the testbed knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from paper_repro.testbed.seeding import rng
from paper_repro.testbed.sets import phrases
from paper_repro.testbed.sets.catalogue import SetSpec
from paper_repro.testbed.sets.render import structured
from paper_repro.testbed.sets.responses import Drawn
from paper_repro.testbed.world import World, build_world


def refined_rows(rows: Sequence[Drawn], spec: SetSpec, seed: int) -> list[Drawn]:
    """The rows of a plain set, in their order, with refined responses."""
    world, random = build_world(seed), rng(seed, "sets", "refined", spec.style or "")
    return [refine(world, row, random) for row in rows]


def refine(world: World, row: Drawn, random: Random) -> Drawn:
    """The row with its response rewritten.

    - A terse answer becomes a full sentence, or a list where it is one, between an opening and a closing.
    - A long one keeps its sentences but for the closing remark, which says nothing: opening, answer, what else is
      known in a paragraph of its own, closing.
    - Where the instruction asks for a form the response is that form and nothing else, and stays.
    """
    if row.item is not None and row.item.reference.requirements:
        return row
    remark = next((text for text in phrases.REMARKS if row.response.endswith(text)), None)
    if remark is None and row.item is not None:
        return replace(row, response=structured(world, row.item, random))
    body = row.response.removesuffix(remark or "").strip()
    opening, closing = random.choice(phrases.OPENINGS), random.choice(phrases.CLOSINGS)
    return replace(row, response=f"{opening} {_paragraphs(body)} {closing}")


def _paragraphs(body: str) -> str:
    """The text with a line of its own for what is told beside the answer."""
    for lead in (*phrases.LEADS, *phrases.AGAIN_LEADS):
        body = body.replace(f" {lead} ", f"\n{lead} ")
    return body
