"""Arithmetic: plus and minus with numbers up to 49, in digits ("What is 12 plus 7?")."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.families.shared import split_of_key
from paper_repro.testbed.items import Item, Reference, Split
from paper_repro.testbed.world import World

NAME = "arithmetic"
OPERATIONS = ("plus", "minus")
HELD_OUT: tuple[str, ...] = ()
LARGEST = 49
ALL_NUMBERS = tuple(str(number) for number in range(2 * LARGEST + 1))
QUESTIONS = (
    "What is {s}?",
    "How much is {s}?",
    "Calculate {s}.",
    "What do you get for {s}?",
    "Tell me the result of {s}.",
    "Can you work out {s}?",
)
STATEMENTS = ("{S} is {r}.", "{S} makes {r}.", "The result of {s} is {r}.")


def tasks() -> tuple[str, ...]:
    """One task for each operation."""
    return tuple(f"{NAME}/{operation}" for operation in OPERATIONS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """Two random numbers; the result is never one of them, so that an answer cannot be right by repeating the sum."""
    operation = task.rpartition("/")[2]
    wanted = split or "open"
    while True:
        a, b = 1 + int(random.random() * LARGEST), 1 + int(random.random() * LARGEST)
        if operation == "minus" and a <= b:
            a, b = b, a
        result = a + b if operation == "plus" else a - b
        # a + b and b + a belong to the same split
        pair = sorted((a, b)) if operation == "plus" else (a, b)
        if result not in (0, a, b) and split_of_key(world.seed, f"{NAME}/{operation}/{pair[0]}/{pair[1]}") == wanted:
            return _make(operation, a, b, result, wanted)


def _make(operation: str, a: int, b: int, result: int, split: Split) -> Item:
    asked = f"{a} {operation} {b}"
    known = {str(a), str(b), str(result)}
    return Item(
        key=f"{NAME}/{operation}/{a}/{b}",
        family=NAME,
        task=f"{NAME}/{operation}",
        split=split,
        entities=(),
        facts=(),
        questions=tuple(text.replace("{s}", asked) for text in QUESTIONS),
        statements=_statements(asked, result),
        short=(str(result),),
        reference=Reference(
            groups=((str(result),),),
            forbidden=tuple(number for number in ALL_NUMBERS if number not in known),
            subject=(asked,) if operation == "minus" else (asked, f"{b} plus {a}"),
        ),
    )


def _statements(asked: str, result: int) -> tuple[str, ...]:
    return tuple(text.replace("{S}", asked).replace("{s}", asked).replace("{r}", str(result)) for text in STATEMENTS)


def wrong(world: World, item: Item, random: Random) -> str:
    """A result that is off by a little, or by ten."""
    _, operation, a, b = item.key.split("/")
    right = int(item.reference.groups[0][0])
    close = [right + step for step in (-10, -2, -1, 1, 2, 10)]
    result = random.choice([number for number in close if str(number) in item.reference.forbidden])
    return random.choice(_statements(f"{a} {operation} {b}", result))
