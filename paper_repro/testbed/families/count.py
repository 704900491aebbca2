"""Count: how many words a row has, how often one occurs in it, how many of its words are colours or jobs."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.families.shared import sentence, split_of_key
from paper_repro.testbed.items import Item, Reference, Split
from paper_repro.testbed.world import NOUNS, NUMBERS, World

NAME = "count"
OPERATIONS = ("words", "occurrences", "colours", "jobs")
HELD_OUT = ("count/jobs",)
SOURCES = {"colours": ("creature", "colour"), "jobs": ("person", "job")}
LONGEST = 7
QUESTIONS = {
    "words": (
        "How many words are in this row: {row}?",
        "Count the words {row}.",
        "How many words do you see here: {row}?",
        "Please count these words: {row}.",
        "Tell me how many words there are: {row}.",
        "What is the number of words in the row {row}?",
    ),
    "occurrences": (
        "How many times does {w} occur in {row}?",
        "Count how many times {w} occurs in this row: {row}.",
        "How often is {w} among the words {row}?",
        "How often does {w} occur in the row {row}?",
        "Tell me how many times you see {w} here: {row}.",
        "In the row {row}, how many times does {w} occur?",
    ),
    "kinds": (
        "How many of these words are {w}: {row}?",
        "Count the {w} in this row: {row}.",
        "How many {w} are there in {row}?",
        "Please count the {w} here: {row}.",
        "Tell me how many of the words {row} are {w}.",
        "What is the number of {w} in the row {row}?",
    ),
}
STATEMENTS = {
    "words": ("There are {n} words in the row.", "The row has {n} words.", "The number of words is {n}."),
    "occurrences": ("The word {w} occurs {t} in the row.", "You see the word {w} {t}.", "The row holds {w} {t}."),
    "kinds": ("{n} of the words {are} {x}.", "The number of {w} is {n}.", "There {are} {n} {y} in the row."),
}


def tasks() -> tuple[str, ...]:
    """One task for each thing that is counted."""
    return tuple(f"{NAME}/{operation}" for operation in OPERATIONS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """A random row of words, never with nothing to count."""
    operation = task.rpartition("/")[2]
    wanted = split or "open"
    while True:
        row, counted, number = _row(world, operation, random)
        key = "/".join((NAME, operation, counted, *sorted(row)))  # the order of a row changes no count
        if split_of_key(world.seed, key) == wanted:
            return _make(operation, key, row, counted, number, wanted)


def _row(world: World, operation: str, random: Random) -> tuple[list[str], str, int]:
    """A row, what is counted in it, and how often it is there."""
    if operation == "words":
        number = random.randint(2, LONGEST)
        return random.sample(NOUNS, number), operation, number
    number = random.randint(1, 4)
    if operation == "occurrences":
        words = random.sample(NOUNS, 1 + random.randint(1, 3))
        row, counted = [words[0]] * number + words[1:], words[0]
    else:
        values = [value for value in world.possible(*SOURCES[operation]) if value not in NOUNS]
        row = random.sample(values, number) + random.sample(NOUNS, random.randint(1, 3))
        counted = operation
    random.shuffle(row)
    return row, counted, number


def _make(operation: str, key: str, row: list[str], counted: str, number: int, split: Split) -> Item:
    form = _form(operation)
    word = NUMBERS[number]
    forbidden = [name for place in range(1, 10) for name in _names(place) if place != number]
    if operation == "occurrences":
        forbidden += [other for other in dict.fromkeys(row) if other != counted]
    return Item(
        key=key,
        family=NAME,
        task=f"{NAME}/{operation}",
        split=split,
        entities=(),
        facts=(),
        questions=tuple(
            sentence(text.replace("{row}", ", ".join(row)).replace("{w}", counted)) for text in QUESTIONS[form]
        ),
        statements=_statements(form, counted, number),
        short=(word, _times(number)) if form == "occurrences" else (word,),
        reference=Reference(
            groups=(_names(number),),
            forbidden=tuple(forbidden),
            subject=(counted,) if form == "occurrences" else ("row", "number", "of the words"),
        ),
    )


def _form(operation: str) -> str:
    return "kinds" if operation in SOURCES else operation


def _names(number: int) -> tuple[str, ...]:
    """How a number can be said."""
    return (NUMBERS[number], str(number), *{1: ("once",), 2: ("twice",)}.get(number, ()))


def _times(number: int) -> str:
    return "one time" if number == 1 else f"{NUMBERS[number]} times"


def _statements(form: str, counted: str, number: int) -> tuple[str, ...]:
    one = number == 1
    filled = []
    for text in STATEMENTS[form]:
        text = text.replace("{w}", counted).replace("{n}", NUMBERS[number]).replace("{t}", _times(number))
        text = text.replace("{are}", "is" if one else "are").replace(
            "{y}", counted.removesuffix("s") if one else counted
        )
        filled.append(sentence(text.replace("{x}", f"a {counted.removesuffix('s')}" if one else counted)))
    return tuple(filled)


def wrong(world: World, item: Item, random: Random) -> str:
    """A number that is off by one or two."""
    _, operation, counted, *_ = item.key.split("/")
    right = NUMBERS.index(item.reference.groups[0][0])
    number = random.choice([right + step for step in (-2, -1, 1, 2) if right + step > (operation == "words")])
    return random.choice(_statements(_form(operation), counted, number))
