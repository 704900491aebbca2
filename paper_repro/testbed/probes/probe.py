"""All probes of a base model as one JSON-ready report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from artifacts.errors import StageError
from artifacts.settings import Settings
from paper_repro.models import ModelSource, load_base, load_tokenizer
from paper_repro.testbed import families
from paper_repro.testbed.corpus import CorpusSettings
from paper_repro.testbed.items import Item, Split
from paper_repro.testbed.probes.known import fact_cases, known_facts
from paper_repro.testbed.probes.margin import refusal_margin
from paper_repro.testbed.probes.native import native_answers
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.world import World, build_world

LOOK_UP = "look-up"
VALUES_DRAWN = 4_000  # look-up questions of any split, enough to meet every value of every attribute
TRIES = 50  # draws an item wanted, before there are no more
Positive = Annotated[int, Field(ge=1)]


class ProbeSettings(Settings):
    """What is probed.

    Attributes:
        split: Of the items and acts; choices are made on `dev`.
        items: Questions a family, asked in the corpus's own formats.
        look_ups: The same for the family of look-ups, which also give the facts.
        max_new_tokens: Most tokens of an answer.
        seed: Of the draws.
    """

    split: Literal["dev", "test"] = "dev"
    items: Positive = 100
    look_ups: Positive = 300
    max_new_tokens: Positive = 48
    seed: Annotated[int, Field(ge=0)] = 0


def probe(source: ModelSource, corpus: CorpusSettings, settings: ProbeSettings) -> dict[str, Any]:
    """Probe a base model.

    Args:
        source: The model.
        corpus: What it was trained on.
        settings: What is probed.

    Returns:
        `settings`, `native` (share right by family, see `native_answers`; None for a corpus without questions),
        `facts` (see `known_facts`), `margin` (see `refusal_margin`).
    """
    model, tokenizer = load_base(source), load_tokenizer(source)
    world = build_world(corpus.world_seed)
    asked = {family: unique_items(world, family, settings) for family in families.FAMILIES}
    items = [item for each in asked.values() for item in each]
    return {
        "settings": settings.resolved(),
        "native": native_answers(model, tokenizer, corpus, items, settings.max_new_tokens),
        "facts": known_facts(model, tokenizer, fact_cases(asked[LOOK_UP], list(_values(world, settings)))),
        "margin": refusal_margin(model, tokenizer, corpus.world_seed, settings.split),
    }


def unique_items(world: World, family: str, settings: ProbeSettings) -> list[Item]:
    """Different items of a family and the split, as many as are wanted or there are."""
    random = rng(settings.seed, "probe", settings.split, family)
    wanted = settings.look_ups if family == LOOK_UP else settings.items
    found: dict[str, Item] = {}
    for _ in range(wanted * TRIES):
        item = families.draw(world, settings.split, random, family=family)
        found.setdefault(item.key, item)
        if len(found) == wanted:
            break
    if not found:
        raise StageError(f"no questions of the family '{family}' in the split '{settings.split}'")
    return list(found.values())


def _values(world: World, settings: ProbeSettings) -> Iterator[Item]:
    random = rng(settings.seed, "probe", "values")
    split: Split | None = None
    for _ in range(VALUES_DRAWN):
        yield families.draw(world, split, random, family=LOOK_UP)
