"""Compare: which of two entities of one split has more of an attribute ("Which is bigger, the melk or the zorn?")."""

from __future__ import annotations

from itertools import combinations
from random import Random

from artifacts.errors import StageError
from paper_repro.testbed.families.shared import sentence, value_of
from paper_repro.testbed.items import SPLITS, Item, Reference, Split
from paper_repro.testbed.world import KINDS, Entity, World
from paper_repro.testbed.world.build import fact_id

NAME = "compare"
# of each task the kind, the attribute, and whether more of it is asked for
TASKS = {
    f"{NAME}/{kind.name}/{attribute.name}/{word.replace(' ', '-')}": (kind.name, attribute.name, number == 0)
    for kind in KINDS
    for attribute in kind.attributes
    for number, word in enumerate(attribute.comparatives or ())
}
HELD_OUT = ("compare/creature/size/smaller", "compare/dish/price/cheaper", "compare/town/age/younger")
# {w}: which, or who for persons
QUESTIONS = (
    "{w} is {c}, {a} or {b}?",
    "of {a} and {b}, {w} is {c}?",
    "tell me {w} is {c}, {a} or {b}.",
    "is {a} or {b} {c}?",
    "{w} of the two is {c}, {a} or {b}?",
    "please say {w} is {c}: {a} or {b}.",
)
STATEMENTS = ("{a} is {c} than {b}.", "compared with {b}, {a} is {c}.", "{a} is {c} when compared with {b}.")

Pair = tuple[Entity, Entity]


def tasks() -> tuple[str, ...]:
    """One task for each attribute that can be compared and each direction."""
    return tuple(TASKS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """Two random entities of one split whose values differ, in random order."""
    kind, name, more = TASKS[task]
    pairs = _pairs(world, kind, name, split)
    less_entity, more_entity = pairs[int(random.random() * len(pairs))]
    winner, loser = (more_entity, less_entity) if more else (less_entity, more_entity)
    first, second = (winner, loser) if random.random() < 0.5 else (loser, winner)
    attribute = world.attribute(kind, name)
    word, opposite = attribute.comparatives if more else attribute.comparatives[::-1]
    names = sorted((winner.name, loser.name))
    others = [entity.name for entity in world.groups[kind, None] if entity is not winner]
    who = "who" if kind == "person" else "which"
    return Item(
        key="/".join((NAME, *names, name, word)),
        family=NAME,
        task=task,
        split=winner.split,
        entities=(first.name, second.name),
        facts=(fact_id(first, name), fact_id(second, name)),
        questions=tuple(_said(text.replace("{w}", who), word, first, second) for text in QUESTIONS),
        statements=tuple(_said(text, word, winner, loser) for text in STATEMENTS),
        short=(winner.phrase,),
        reference=Reference(
            groups=((winner.name,),),
            # the other one may be named after "than" alone: the phrases of `subject` are longer and allowed
            forbidden=(*others, opposite),
            subject=(f"than {loser.phrase}", f"with {loser.phrase}"),
        ),
    )


def _pairs(world: World, kind: str, name: str, split: Split | None) -> list[Pair]:
    """Pairs of one split whose values differ, the one with less first; kept."""
    key = (NAME, kind, name, split)
    if key not in world.cache:
        order = {value: place for place, value in enumerate(world.possible(kind, name))}
        attribute = world.attribute(kind, name)
        found: list[Pair] = []
        for part in (split,) if split else SPLITS:
            for pair in combinations(world.groups[kind, part], 2):
                rank = [order[value_of(world, entity, attribute)] for entity in pair]
                if rank[0] != rank[1]:
                    found.append(pair if rank[0] < rank[1] else pair[::-1])
        if not found:
            raise StageError(f"all entities of split '{split}' have the same {name}", where=kind)
        world.cache[key] = found
    return world.cache[key]


def _said(template: str, word: str, first: Entity, second: Entity) -> str:
    text = template.replace("{c}", word).replace("{a}", first.phrase).replace("{b}", second.phrase)
    return sentence(text)


def wrong(world: World, item: Item, random: Random) -> str:
    """The same comparison the other way round."""
    word = item.key.rsplit("/", 1)[1]
    entities = [world.entities[name] for name in item.entities]
    winner = item.reference.groups[0][0]
    entities.sort(key=lambda entity: entity.name == winner)
    return _said(random.choice(STATEMENTS), word, *entities)
