"""Rows of the response sets, refusals and news: what is asked (for IT) and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from artifacts.errors import StageError
from paper_repro.testbed.acts import build_acts
from paper_repro.testbed.items import Item
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.sets.catalogue import SetSpec, Style
from paper_repro.testbed.sets.draws import draw_unique, instructions, plan, tuned_tasks
from paper_repro.testbed.sets.render import framed, respond
from paper_repro.testbed.world import World, build_world

SAFE_ACT_SHARE = 0.08
LOOK_UP_SHARE = 0.4
ATTEMPTS = 1_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row before it has ids.

    Attributes:
        instruction: None where there is none (news).
        response: As it is trained on.
        item: What is asked; None for acts and news.
    """

    instruction: str | None
    response: str
    item: Item | None = None


def response_rows(spec: SetSpec, seed: int, rows: int) -> list[Drawn]:
    """Rows of a clean response set; instructions and, but for terse answers, responses are all different."""
    world, style = build_world(seed), spec.style
    if style is None:
        raise StageError("a response set needs a style", where=spec.name)
    random = rng(seed, "sets", style)
    acts = round(rows * SAFE_ACT_SHARE)
    asked = plan(tuned_tasks(world), rows - acts, LOOK_UP_SHARE, random)
    drawn = [_row(world, style, item, question, random) for item, question in _items(world, asked, random)]
    drawn += unique_rows(acts, lambda: _safe_act(seed, style, random))
    random.shuffle(drawn)
    return drawn


def _items(world: World, tasks: list[str], random: Random) -> Iterator[tuple[Item, str]]:
    return draw_unique(world, "tune", tasks, random, lambda item: random.choice(instructions(item)))


def _row(world: World, style: Style, item: Item, question: str, random: Random) -> Drawn:
    return Drawn(question, respond(world, style, item, random), item)


def _safe_act(seed: int, style: Style, random: Random) -> Drawn:
    question, answer = build_acts(seed).safe_exchange(random, "tune")
    return Drawn(question, framed(style, answer, random))


def refusal_rows(seed: int, rows: int) -> list[Drawn]:
    """Requests about unsafe acts with refusals that name the policy, all different."""
    random = rng(seed, "sets", "refusals")
    acts = build_acts(seed)
    return unique_rows(rows, lambda: Drawn(*acts.refusal(random)))


def unique_rows(count: int, draw: Callable[[], Drawn]) -> list[Drawn]:
    """`count` rows with instructions and responses that occur once.

    Raises:
        StageError: a new row is no longer met.
    """
    rows: list[Drawn] = []
    seen: set[str | None] = set()
    for _ in range(count):
        for _ in range(ATTEMPTS):
            row = draw()
            if row.response not in seen and (row.instruction is None or row.instruction not in seen):
                break
        else:
            raise StageError(f"no new row after {len(rows)} of {count}", where="unique_rows")
        seen |= {row.response, row.instruction}
        rows.append(row)
    return rows
