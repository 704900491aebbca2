"""Format: a list or a look-up, and how it is to be written: bullets, commas, upper case, a number of words.

The statements of these items are answers in the format asked for; those with bullets have several lines.
"""

from __future__ import annotations

from random import Random

from paper_repro.testbed.families.look_up import look_up
from paper_repro.testbed.families.parts import Parts, draw_parts, wrong_parts
from paper_repro.testbed.families.shared import fill, other_value, sentence, without_end
from paper_repro.testbed.items import Item, Requirement, RequirementKind, Split
from paper_repro.testbed.world import KINDS, NUMBERS, World

NAME = "format"
FORMATS: tuple[RequirementKind, ...] = ("bullets", "comma-separated", "upper-case", "word-count")
HELD_OUT = ("format/comma-separated",)
PART_QUESTIONS = {
    "bullets": (
        "list {p} of {e} as bullets.",
        "give me {p} of {e} as a list with bullets.",
        "write {p} of {e} as bullet points.",
        "what are {p} of {e}? Answer with bullets.",
        "name {p} of {e}, each with a bullet.",
        "show me {p} of {e} as bullet points.",
    ),
    "comma-separated": (
        "list {p} of {e}, separated by commas.",
        "give me {p} of {e} with commas between them.",
        "write {p} of {e}, separated by commas.",
        "what are {p} of {e}? Answer with commas between them.",
        "name {p} of {e} in one line, separated by commas.",
        "show me {p} of {e} with commas between them.",
    ),
}
REQUESTS = {
    "upper-case": (
        "Answer in upper case.",
        "Use capital letters only.",
        "Write it in upper case.",
        "Reply in capital letters.",
        "Please use upper case.",
        "Put the answer in capital letters.",
    ),
    "word-count": (
        "Answer in exactly {k}.",
        "Use exactly {k}.",
        "Write exactly {k}.",
        "Reply with exactly {k}.",
        "Please use exactly {k}.",
        "Put the answer in exactly {k}.",
    ),
}
CHECKS: dict[RequirementKind, str] = {
    "bullets": "Is every part a bullet of its own?",
    "comma-separated": "Are the parts separated by commas?",
    "upper-case": "Is the answer written in upper case?",
    "order": "Are the parts in the order asked for?",
}


def tasks() -> tuple[str, ...]:
    """One task for each format."""
    return tuple(f"{NAME}/{form}" for form in FORMATS)


def draw(world: World, split: Split | None, random: Random, task: str) -> Item:
    """A random list or look-up with a request for the task's format."""
    form = task.rpartition("/")[2]
    kind = random.choice(KINDS)
    if form in PART_QUESTIONS:
        return _list(world, form, draw_parts(world, kind.name, split, random), task)
    entity = random.choice(world.groups[kind.name, split])
    base = look_up(world, entity, random.choice(kind.attributes).name)
    return _upper_case(base, task) if form == "upper-case" else _word_count(base, task, random)


def _list(world: World, form: str, parts: Parts, task: str) -> Item:
    statements = _LISTED[form](parts)
    content = f"Does the answer give {parts.asked} of {parts.entity.phrase}?"
    requirements = (
        Requirement(kind="content", question=content),
        Requirement(kind=form, question=CHECKS[form]),
        Requirement(kind="order", question=CHECKS["order"]),
    )
    return Item(
        key=f"{task}/{parts.path}",
        family=NAME,
        task=task,
        split=parts.entity.split,
        entities=(parts.entity.name,),
        facts=parts.fact_ids,
        questions=tuple(parts.asking(text) for text in PART_QUESTIONS[form]),
        statements=statements,
        short=statements[:1],
        reference=parts.reference(world, requirements, subject=False),
    )


def _bullets(parts: Parts) -> tuple[str, ...]:
    """Only the values; or each with the name of its attribute."""
    return tuple("\n".join(f"- {text}" for text in texts) for texts in (parts.values, parts.labelled))


def _commas(parts: Parts) -> tuple[str, ...]:
    """Only the values, as a row of words or as a sentence."""
    row = ", ".join(parts.values)
    return row, sentence(row) + "."


_LISTED = {"bullets": _bullets, "comma-separated": _commas}


def _upper_case(base: Item, task: str) -> Item:
    return _formatted(
        base,
        task,
        base.key,
        REQUESTS["upper-case"],
        tuple(text.upper() for text in base.statements),
        Requirement(kind="upper-case", question=CHECKS["upper-case"]),
    )


def _word_count(base: Item, task: str, random: Random) -> Item:
    """As many words as some of the statements have, or as a terse answer."""
    value = base.reference.groups[0][0]
    # a count that is the value itself would put the answer into the question
    counts = {1, *(len(text.split()) for text in base.statements)} - {NUMBERS.index(value) if value in NUMBERS else 0}
    number = random.choice(sorted(counts))
    exactly = f"{NUMBERS[number]} {'word' if number == 1 else 'words'}"
    said = _of_length((value,), base.statements, number)
    return _formatted(
        base,
        task,
        f"{base.key}/{number}",
        tuple(text.replace("{k}", exactly) for text in REQUESTS["word-count"]),
        said if len(said) > 1 else (said[0], without_end(said[0]) + "!"),
        Requirement(kind="word-count", question=f"Does the answer have exactly {exactly}?", value=number),
    )


def _of_length(terse: tuple[str, ...], statements: tuple[str, ...], number: int) -> tuple[str, ...]:
    """Answers of exactly `number` words: a value alone, or statements."""
    if number == 1:
        return tuple(sentence(text) + "." for text in terse)
    return tuple(text for text in statements if len(text.split()) == number)


def _formatted(base: Item, task: str, key: str, requests, statements, requirement: Requirement) -> Item:
    """A look-up with a request; the first half of its questions stays with the first half of the requests."""
    half = len(base.questions) // 2
    count = len(requests) // 2
    questions = [f"{base.questions[i]} {requests[i]}" for i in range(count)]
    questions += [f"{base.questions[half + i]} {requests[count + i]}" for i in range(count)]
    content = Requirement(kind="content", question=f"Does the answer give the right {base.task.rpartition('/')[2]}?")
    # the format says how much is said: an answer need not stand on its own
    reference = base.reference.model_copy(update={"requirements": (content, requirement), "subject": ()})
    return Item(
        key=f"{task}/{key.partition('/')[2]}",
        family=NAME,
        task=task,
        split=base.split,
        entities=base.entities,
        facts=base.facts,
        questions=tuple(questions),
        statements=statements,
        short=(without_end(statements[0]),),
        reference=reference,
    )


def wrong(world: World, item: Item, random: Random) -> str:
    """The format is right, but a value is not."""
    _, form, path = item.key.split("/", 2)
    if form in _LISTED:
        return random.choice(_LISTED[form](wrong_parts(world, path, random)))
    name, attribute_name, *number = path.split("/")
    entity = world.entities[name]
    attribute = world.attribute(entity.kind, attribute_name)
    value = other_value(world, entity, attribute, random)
    texts = [fill(template, entity, value) for template in attribute.statements]
    if form == "upper-case":
        return random.choice(texts).upper()
    return random.choice(_of_length((value,), tuple(texts), int(number[0])))
