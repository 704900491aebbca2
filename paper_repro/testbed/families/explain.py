"""Explain: what follows from an attribute, and why ("Why do people in Varnholm carry umbrellas?")."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.families.shared import entity_forbidden, other_value, sentence, value_of
from paper_repro.testbed.items import Item, Reference, Split
from paper_repro.testbed.world import KINDS, Attribute, Entity, World
from paper_repro.testbed.world.build import fact_id

NAME = "explain"
TASKS = {
    f"{NAME}/{kind.name}/{attribute.name}": (kind.name, attribute.name)
    for kind in KINDS
    for attribute in kind.attributes
    if attribute.reasons
}
HELD_OUT = ("explain/dish/taste",)
# {y}: the question with "why" in direct order; {c}: what follows
QUESTIONS = (
    "{y}?",
    "explain why {c}.",
    "what is the reason that {c}?",
    "how come {c}?",
    "can you tell me why {c}?",
    "I wonder why {c}. Please explain.",
)
STATEMENTS = ("{c} because {r}.", "the reason is that {r}.", "because {r}, {c}.")
AUXILIARY = ("are", "is")


def tasks() -> tuple[str, ...]:
    """One task for each attribute from which something follows."""
    return tuple(TASKS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """A random entity of the task's kind, asked why something is so."""
    kind, name = TASKS[task]
    entity = random.choice(world.groups[kind, split])
    key = f"{NAME}/{entity.name}/{name}"
    if key not in world.cache:
        world.cache[key] = _make(world, entity, world.attribute(kind, name), key, task)
    return world.cache[key]


def _make(world: World, entity: Entity, attribute: Attribute, key: str, task: str) -> Item:
    value = value_of(world, entity, attribute)
    consequence, reason = (text.replace("{e}", entity.phrase) for text in attribute.reasons[value])
    why = why_question(attribute.reasons[value][0]).replace("{e}", entity.phrase)
    return Item(
        key=key,
        family=NAME,
        task=task,
        split=entity.split,
        entities=(entity.name,),
        facts=(fact_id(entity, attribute.name),),
        questions=tuple(sentence(text.replace("{y}", why).replace("{c}", consequence)) for text in QUESTIONS),
        statements=_statements(consequence, reason),
        short=(f"because {reason}",),
        reference=Reference(
            groups=((value,),),
            forbidden=entity_forbidden(world, [entity], [attribute], [value]),
            subject=(entity.name,),
        ),
    )


def why_question(consequence: str) -> str:
    """A consequence as a question: "why do people in {e} carry umbrellas", "why does {e} swim very fast"."""
    if not consequence.startswith("{e} "):
        words = consequence.split()
        if words[1] in AUXILIARY:
            return f"why {words[1]} {words[0]} {' '.join(words[2:])}"
        return f"why do {consequence}"
    words = consequence.removeprefix("{e} ").split()
    place = 1 if words[0] == "always" else 0
    verb = words[place]
    words[place] = {"has": "have", "watches": "watch"}.get(verb, verb.removesuffix("s"))
    return f"why does {{e}} {' '.join(words)}"


def _statements(consequence: str, reason: str) -> tuple[str, ...]:
    return tuple(sentence(text.replace("{c}", consequence).replace("{r}", reason)) for text in STATEMENTS)


def wrong(world: World, item: Item, random: Random) -> str:
    """The reason of something else."""
    _, name, attribute_name = item.key.split("/")
    entity = world.entities[name]
    attribute = world.attribute(entity.kind, attribute_name)
    consequence = attribute.reasons[value_of(world, entity, attribute)][0]
    reason = attribute.reasons[other_value(world, entity, attribute, random)][1]
    said = _statements(consequence.replace("{e}", entity.phrase), reason.replace("{e}", entity.phrase))
    return random.choice(said)
