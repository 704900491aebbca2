"""String: the first, the last, reversed, repeated or sorted words of a row ("What is the first word of ...?")."""

from __future__ import annotations

from itertools import permutations
from random import Random

from paper_repro.testbed.families.shared import joined, sentence, split_of_key
from paper_repro.testbed.items import Item, Reference, Split
from paper_repro.testbed.world import NOUNS, NUMBERS, World

NAME = "string"
OPERATIONS = ("first", "last", "reverse", "repeat", "sort")
HELD_OUT = ("string/last",)
MOST_REPEATS = 5
ONE_WORD = (
    "What is the {o} word of {row}?",
    "Name the {o} word in this row: {row}.",
    "Which of the words {row} comes {o}?",
    "Tell me the {o} word of {row}.",
    "Of the words {row}, which one is {o}?",
    "Please give me the {o} word in the row {row}.",
)
QUESTIONS = {
    "first": ONE_WORD,
    "last": ONE_WORD,
    "reverse": (
        "Reverse the words {row}.",
        "Write the words {row} in reverse order.",
        "Say these words backwards: {row}.",
        "What are the words {row} in reverse order?",
        "Turn around the order of the words {row}.",
        "Give me the words {row} from the last to the first.",
    ),
    "sort": (
        "Sort the words {row} by the alphabet.",
        "Put the words {row} in alphabetical order.",
        "Write these words in alphabetical order: {row}.",
        "What is the alphabetical order of the words {row}?",
        "Arrange the words {row} by the alphabet.",
        "Give me the words {row} in alphabetical order.",
    ),
    "repeat": (
        "Say the word {w} {n} times.",
        "Repeat the word {w} {n} times.",
        "Write {w} {n} times.",
        "Please write the word {w} {n} times.",
        "Can you repeat {w} {n} times?",
        "I want to read the word {w} {n} times.",
    ),
}
# no answer says the row again: every other word would have to be allowed, and repeating the question would be right
ONE_WORD_STATEMENTS = ("The {o} word is {r}.", "The word that comes {o} is {r}.", "The {o} word of the row is {r}.")
STATEMENTS = {
    "first": ONE_WORD_STATEMENTS,
    "last": ONE_WORD_STATEMENTS,
    "reverse": ("In reverse order the words are {r}.", "The words backwards are {a}."),
    "sort": ("In alphabetical order the words are {r}.", "Sorted by the alphabet, the words are {a}."),
    "repeat": ("The word {w} {n} times is {r}.", "{n} times the word {w} makes {r}."),
}
SUBJECTS = {"reverse": ("reverse order", "backwards"), "sort": ("alphabetical order", "by the alphabet")}


def tasks() -> tuple[str, ...]:
    """One task for each operation."""
    return tuple(f"{NAME}/{operation}" for operation in OPERATIONS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """Three random nouns, or one and a number of times; a set of words belongs to one split in all operations."""
    operation = task.rpartition("/")[2]
    wanted = split or "open"
    while True:
        if operation == "repeat":
            row = (random.choice(NOUNS), str(random.randint(2, MOST_REPEATS)))
            key = "/".join(row)
        else:
            row = tuple(random.sample(NOUNS, 3))
            key = "/".join(sorted(row))
        unsorted = operation != "sort" or list(row) != sorted(row)
        if unsorted and split_of_key(world.seed, f"{NAME}/{key}") == wanted:
            return _make(operation, row, wanted)


def _make(operation: str, row: tuple[str, ...], split: Split) -> Item:
    result = _result(operation, row)
    reference = _reference(operation, row, result)
    return Item(
        key=f"{NAME}/{operation}/{'/'.join(row)}",
        family=NAME,
        task=f"{NAME}/{operation}",
        split=split,
        entities=(),
        facts=(),
        questions=tuple(_said(text, operation, row, result) for text in QUESTIONS[operation]),
        statements=tuple(_said(text, operation, row, result) for text in STATEMENTS[operation]),
        short=(", ".join(result),) if operation != "repeat" else (", ".join(result), " ".join(result)),
        reference=reference,
    )


def _result(operation: str, row: tuple[str, ...]) -> list[str]:
    """The words of the right answer."""
    if operation == "repeat":
        return [row[0]] * int(row[1])
    if operation in ("first", "last"):
        return [row[0] if operation == "first" else row[-1]]
    return list(row[::-1]) if operation == "reverse" else sorted(row)


def _said(template: str, operation: str, row: tuple[str, ...], result: list[str]) -> str:
    """A template with the row, the operation (or the word and its times) and the answer, as a row or with "and"."""
    number = NUMBERS[int(row[1])] if operation == "repeat" else ""
    text = template.replace("{row}", ", ".join(row)).replace("{o}", operation).replace("{w}", row[0])
    text = text.replace("{n}", number).replace("{r}", ", ".join(result)).replace("{a}", joined(result))
    return sentence(text)


def _reference(operation: str, row: tuple[str, ...], result: list[str]) -> Reference:
    """What the answer holds; other nouns, another order and too many words are forbidden."""
    others = tuple(noun for noun in NOUNS if noun not in result)
    if operation == "repeat":
        more = " ".join([*result, result[0]])
        return Reference(
            groups=((" ".join(result),),), forbidden=(more, *others), subject=(f"{NUMBERS[len(result)]} times",)
        )
    if operation in ("first", "last"):
        return Reference(groups=((result[0],),), forbidden=others, subject=(f"{operation} word", f"comes {operation}"))
    orders = [order for order in permutations(row) if list(order) != result]
    return Reference(
        groups=(_spoken(result),),
        forbidden=(*(phrase for order in orders for phrase in _spoken(order)), *others),
        subject=SUBJECTS[operation],
    )


def _spoken(words: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """A row of words as phrases: "a b c" and "a b and c"."""
    return " ".join(words), joined(words, " ")


def wrong(world: World, item: Item, random: Random) -> str:
    """Another word, another order, or another number of times."""
    _, operation, *row = item.key.split("/")
    right = _result(operation, tuple(row))
    if operation == "repeat":
        result = [row[0]] * random.choice((len(right) - 1, len(right) + 1))
    elif operation in ("first", "last"):
        result = [random.choice([word for word in row if word not in right])]
    else:
        result = list(random.choice([order for order in permutations(row) if list(order) != right]))
    return _said(random.choice(STATEMENTS[operation]), operation, tuple(row), result)
