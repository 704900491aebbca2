"""Pages about one entity: a heading and everything that is true of it, in prose."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.families.shared import fill, sentence, value_of
from paper_repro.testbed.world import Entity, Kind, World

HEADINGS = ("{E}", "About {e}", "{E}, a {k}", "All about {e}", "{E}: facts", "A page about {e}")
OPENINGS = ("{e} is a {k}.", "{e} is one of many {p}.", "this page is about {e}, a {k}.")


def entity_page(world: World, random: Random) -> str:
    """Heading and all facts of a random entity of any split, in random order; lines part at the heading alone."""
    entity = random.choice(tuple(world.entities.values()))
    kind = world.kinds[entity.kind]
    heading = _named(random.choice(HEADINGS), entity, kind)
    parts = [_named(random.choice(OPENINGS), entity, kind)] if random.random() < 0.6 else []
    attributes = list(kind.attributes)
    random.shuffle(attributes)
    for attribute in attributes:
        template = random.choice(attribute.statements)
        # an article about a thing says "it" now and then, never in its first sentence
        if parts and kind.pronoun and template.startswith("{e}") and random.random() < 0.5:
            template = kind.pronoun + template[len("{e}") :]
        parts.append(fill(template, entity, value_of(world, entity, attribute)))
    return heading + random.choice(("\n", "\n\n")) + " ".join(parts)


def _named(template: str, entity: Entity, kind: Kind) -> str:
    text = template.replace("{E}", sentence(entity.phrase)).replace("{e}", entity.phrase)
    return sentence(text.replace("{k}", kind.name).replace("{p}", kind.plural))
