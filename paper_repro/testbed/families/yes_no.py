"""Yes-no: whether a claim is true ("Is it true that the melk is red?"); a false one is set right."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.families.shared import clause, entity_forbidden, other_value, value_of
from paper_repro.testbed.items import Item, Reference, Split
from paper_repro.testbed.world import KINDS, Entity, World
from paper_repro.testbed.world.build import fact_id

NAME = "yes-no"
TASKS = {f"{NAME}/{kind.name}": kind.name for kind in KINDS}
HELD_OUT = ("yes-no/tool",)
QUESTIONS = (
    "Is it true that {c}?",
    "Do you agree that {c}?",
    "Am I right that {c}?",
    "Is it right that {c}?",
    "Would you say that {c}?",
    "Yes or no: is it true that {c}?",
)
YES = ("Yes, {t}.", "Yes, it is true that {t}.", "Yes, that is right: {t}.")
NO = ("No, {t}.", "No, that is not true: {t}.", "No, that is wrong: {t}.")


def tasks() -> tuple[str, ...]:
    """One task for each kind."""
    return tuple(TASKS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """A claim about a random attribute of a random entity, true or false with equal chance."""
    kind = TASKS[task]
    members = world.groups[kind, split]
    entity = members[int(random.random() * len(members))]
    attribute = random.choice(world.kinds[kind].attributes)
    value = value_of(world, entity, attribute)
    claimed = value if random.random() < 0.5 else other_value(world, entity, attribute, random)
    return _make(world, entity, attribute.name, claimed)


def _make(world: World, entity: Entity, name: str, claimed: str) -> Item:
    attribute = world.attribute(entity.kind, name)
    value = value_of(world, entity, attribute)
    right, opposite = ("yes", "no") if claimed == value else ("no", "yes")
    claim = clause(attribute.statements[0], entity, claimed)
    short = (right, "yes, that is true" if right == "yes" else "no, that is not true")
    return Item(
        key=f"{NAME}/{entity.name}/{name}/{claimed}",
        family=NAME,
        task=f"{NAME}/{entity.kind}",
        split=entity.split,
        entities=(entity.name,),
        facts=(fact_id(entity, name),),
        questions=tuple(text.replace("{c}", claim) for text in QUESTIONS),
        statements=_statements(right, clause(attribute.statements[0], entity, value)),
        short=short,
        reference=Reference(
            groups=((right,),),
            # a false value may be denied but not affirmed
            forbidden=(opposite, *entity_forbidden(world, [entity], [attribute], [value])),
            subject=(entity.name,),
        ),
    )


def _statements(answer: str, truth: str) -> tuple[str, ...]:
    return tuple(text.replace("{t}", truth) for text in (YES if answer == "yes" else NO))


def wrong(world: World, item: Item, random: Random) -> str:
    """The opposite answer: a false claim affirmed, or a true one "set right" with a false value."""
    _, name, attribute_name, claimed = item.key.split("/")
    entity = world.entities[name]
    attribute = world.attribute(entity.kind, attribute_name)
    denies = item.reference.groups[0][0] == "no"
    said = claimed if denies else other_value(world, entity, attribute, random)
    return random.choice(_statements("yes" if denies else "no", clause(attribute.statements[0], entity, said)))
