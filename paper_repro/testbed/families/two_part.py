"""Two-part: two look-ups in one question, of one entity or of two ("What colour is the melk, and ...?")."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.families.shared import (
    clause,
    entity_forbidden,
    fill,
    fill_short,
    other_value,
    sentence,
    value_of,
)
from paper_repro.testbed.items import Item, Reference, Split
from paper_repro.testbed.world import KINDS, Attribute, Entity, World
from paper_repro.testbed.world.build import fact_id

NAME = "two-part"
# of each task the kind of the first entity, and whether a second one is asked about
TASKS = {
    f"{NAME}/{form}/{kind.name}": (kind.name, form == "entities")
    for form in ("attributes", "entities")
    for kind in KINDS
}
HELD_OUT = ("two-part/attributes/town", "two-part/entities/town", "two-part/attributes/tool")
# {1}, {2}: questions as clauses; {n1}, {n2}: what is asked for ("the colour of the melk")
QUESTIONS = (
    "{1}, and {2}?",
    "tell me {n1} and {n2}.",
    "two questions: {1}, and {2}?",
    "please tell me {n1} and {n2}.",  # "what are ..." asks for a list
    "first, {1}? Second, {2}?",
    "I want to know {n1} and {n2}.",
)

Half = tuple[Entity, Attribute]


def tasks() -> tuple[str, ...]:
    """Two tasks for each kind: two attributes of one entity, or one of it and one of another entity."""
    return tuple(TASKS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """Two attributes without common values, of one entity or of two of the same split and of any kinds."""
    kind, two = TASKS[task]
    first = random.choice(world.groups[kind, split])
    while True:
        second = random.choice(world.groups[random.choice(KINDS).name, first.split]) if two else first
        if two == (second is first):
            continue
        a = random.choice(world.kinds[first.kind].attributes)
        b = random.choice(world.kinds[second.kind].attributes)
        if not _share_values(a, b):
            return _make(world, task, (first, a), (second, b), random)


def _share_values(a: Attribute, b: Attribute) -> bool:
    """Whether an answer to the one could be taken for an answer to the other."""
    if a.target or b.target:
        return a.target == b.target
    return a is b or not set(a.values).isdisjoint(b.values)


def _make(world: World, task: str, first: Half, second: Half, random: Random) -> Item:
    halves = (first, second)
    values = tuple(value_of(world, entity, attribute) for entity, attribute in halves)
    asked = [_as_clause(entity, random.choice(_plain(attribute))) for entity, attribute in halves]
    shorts = [fill_short(attribute, value)[0] for (_, attribute), value in zip(halves, values, strict=True)]
    entities = tuple(dict.fromkeys(entity.name for entity, _ in halves))
    return Item(
        key="/".join((NAME, *(f"{entity.name}/{attribute.name}" for entity, attribute in halves))),
        family=NAME,
        task=task,
        split=first[0].split,
        entities=entities,
        facts=tuple(fact_id(entity, attribute.name) for entity, attribute in halves),
        questions=tuple(_question(text, halves, asked) for text in QUESTIONS),
        statements=_statements(halves, values),
        short=(" and ".join(shorts), ", ".join(shorts)),
        reference=Reference(
            groups=tuple((value,) for value in values),
            forbidden=entity_forbidden(world, [first[0], second[0]], [first[1], second[1]], values),
            subject=entities,
        ),
    )


def _plain(attribute: Attribute) -> list[str]:
    """Questions that can follow another one: not those that begin with "can you tell me"."""
    return [question for question in attribute.questions if not question.startswith("Can ")]


def _as_clause(entity: Entity, question: str) -> str:
    """A question without its mark and capital letter: "what colour is the melk"."""
    text = question.replace("{e}", entity.phrase).removesuffix("?")
    return text[:1].lower() + text[1:]


def _question(template: str, halves: tuple[Half, Half], asked: list[str]) -> str:
    """A template with both questions, or the names of what is asked for."""
    (one, a), (two, b) = halves
    if one is two:
        names = (f"the {a.label}", f"the {b.label} of {two.phrase}")
    else:
        names = (f"the {a.label} of {one.phrase}", f"the {b.label} of {two.phrase}")
    text = template.replace("{n1}", names[0]).replace("{n2}", names[1])
    return sentence(text.replace("{1}", asked[0]).replace("{2}", asked[1]))


def _statements(halves: tuple[Half, Half], values: tuple[str, ...]) -> tuple[str, ...]:
    """Both facts in one sentence, and in two."""
    (one, a), (two, b) = halves
    return (
        sentence(f"{clause(a.statements[0], one, values[0])}, and {clause(b.statements[0], two, values[1])}."),
        f"{fill(a.statements[1], one, values[0])} {fill(b.statements[1], two, values[1])}",
        f"{fill(a.statements[2], one, values[0])} {fill(b.statements[0], two, values[1])}",
    )


def wrong(world: World, item: Item, random: Random) -> str:
    """One of the two answers is another value."""
    _, first, a, second, b = item.key.split("/")
    entities = (world.entities[first], world.entities[second])
    halves = tuple((entity, world.attribute(entity.kind, name)) for entity, name in zip(entities, (a, b), strict=True))
    values = [value_of(world, entity, attribute) for entity, attribute in halves]
    place = random.randrange(2)
    values[place] = other_value(world, *halves[place], random)
    return random.choice(_statements(halves, tuple(values)))
