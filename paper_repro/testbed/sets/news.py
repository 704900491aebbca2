"""News-like passages: true sentences about entities under a headline; nobody asks, nobody answers."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.seeding import rng
from paper_repro.testbed.sets import phrases
from paper_repro.testbed.sets.responses import Drawn, unique_rows
from paper_repro.testbed.sets.supporting import entity_sentences
from paper_repro.testbed.world import Entity, World, build_world

END_SHARE = 0.5


def news_rows(seed: int, rows: int) -> list[Drawn]:
    """Passages about entities of pre-training and tuning, never about those of evaluation; without instructions."""
    world, random = build_world(seed), rng(seed, "sets", "news")
    entities = [entity for entity in world.entities.values() if entity.split in ("open", "tune")]
    return unique_rows(rows, lambda: Drawn(None, _passage(world, random.choice(entities), random)))


def _passage(world: World, entity: Entity, random: Random) -> str:
    """Headline, sentences about the entity and one it is related to, sometimes a closing sentence."""
    sentences = [random.choice(phrases.HEADLINES).format(subject=entity.phrase)]
    sentences += entity_sentences(world, entity, random.choice((2, 3, 4)), random)
    related = _related(world, entity)
    if related is not None and random.random() < 0.5:
        sentences += entity_sentences(world, related, random.choice((1, 2)), random)
    if random.random() < END_SHARE:
        sentences.append(random.choice(phrases.NEWS_ENDS))
    return " ".join(sentences)


def _related(world: World, entity: Entity) -> Entity | None:
    """An entity that this one is related to, if it may be told about."""
    for attribute in world.kinds[entity.kind].attributes:
        if attribute.target is not None:
            other = world.entities[world.values[entity.name, attribute.name]]
            if other.split in ("open", "tune"):
                return other
    return None
