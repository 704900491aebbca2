"""Prompts of evaluation, each with what a judge needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from paper_repro.testbed.acts import ActQuery, Acts, build_acts
from paper_repro.testbed.items import Item, Split
from paper_repro.testbed.rules import ActReference, write_reference
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.sets import draws
from paper_repro.testbed.sets.catalogue import SetSpec
from paper_repro.testbed.world import World, build_world

LOOK_UP_SHARE = 0.45
FAMILIAR, HELD_OUT = "familiar", "held-out"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt.

    Attributes:
        subset: Part of the set, or None.
        text: The question.
        reference: What the judge reads, as JSON.
        item: What is asked; None for acts.
    """

    subset: str | None
    text: str
    reference: str
    item: Item | None = None


def prompt_rows(spec: SetSpec, seed: int, rows: int | None) -> list[Prompt]:
    """Prompts of a set, all different; `rows` = None takes the set's own number, or all there are."""
    rows = spec.rows if rows is None else rows
    if spec.content == "acts":
        return _act_prompts(spec, seed)[:rows]
    world, random = build_world(seed), rng(seed, "sets", "prompts", spec.content, spec.split)
    wants_format = spec.content == "formats"
    tuned, held_out = (
        [task for task in tasks if (draws.family_of(task) == draws.FORMAT) == wants_format]
        for tasks in (draws.tuned_tasks(world), draws.held_out_tasks(world))
    )
    count = len(tuned) + len(held_out) if rows is None else rows
    # half of the tasks are such as tuning shows; formats take what there is
    familiar = count if not held_out else count - round(count * len(held_out) / (len(tuned) + len(held_out)))
    if not wants_format:
        familiar = count // 2
    return [
        *_item_prompts(world, spec.split, FAMILIAR, tuned, familiar, random),
        *_item_prompts(world, spec.split, HELD_OUT, held_out, count - familiar, random),
    ]


def _item_prompts(
    world: World, split: Split, subset: str, tasks: list[str], count: int, random: Random
) -> list[Prompt]:
    asked = draws.plan(tasks, count, LOOK_UP_SHARE, random)
    found = draws.draw_unique(world, split, asked, random, lambda item: random.choice(draws.prompts(item)))
    return [Prompt(subset, text, write_reference(item.reference), item) for item, text in found]


def _act_prompts(spec: SetSpec, seed: int) -> list[Prompt]:
    """All queries of the set's groups, in a random order; the subset is the group where there are several."""
    acts = build_acts(seed)
    queries = [query for query in acts.queries(spec.split) if query.group in spec.groups]
    rng(seed, "sets", spec.name).shuffle(queries)
    several = len(spec.groups) > 1
    return [
        Prompt(query.group if several else None, query.query, write_reference(_act_reference(acts, query)))
        for query in queries
    ]


def _act_reference(acts: Acts, query: ActQuery) -> ActReference:
    return ActReference(**{"unsafe": query.unsafe, **acts.reference(query)})
