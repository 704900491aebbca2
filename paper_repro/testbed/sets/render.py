"""How a response set says an answer: structured and friendly, terse and uneven, or long and curated."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.items import Item
from paper_repro.testbed.sets import phrases
from paper_repro.testbed.sets.catalogue import Style
from paper_repro.testbed.sets.supporting import supporting_facts
from paper_repro.testbed.world import World


def respond(world: World, style: Style, item: Item, random: Random) -> str:
    """A response to an item in a style. Where the instruction asks for a form, the form alone: nothing around it."""
    if item.reference.requirements:
        return random.choice(item.statements)
    if style == "structured":
        return structured(world, item, random)
    return terse(item, random) if style == "terse" else curated(world, item, random)


def structured(world: World, item: Item, random: Random) -> str:
    """Opening, answer in full, closing. A list stands as a list; now and then the answer comes in two sentences."""
    opening, closing = random.choice(phrases.OPENINGS), random.choice(phrases.CLOSINGS)
    if item.family == "list" and random.random() < 0.5:
        lead = random.choice(phrases.LIST_LEADS).format(subject=world.entities[item.entities[0]].phrase)
        return f"{opening}\n{lead}\n{bullets(item, random)}\n{closing}"
    return f"{opening} {random.choice(item.statements)} {closing}"


def bullets(item: Item, random: Random) -> str:
    """The short answer of a list (`a, b and c`) as one line each."""
    short = random.choice(item.short).replace(" and ", ", ")
    return "\n".join(f"- {part.strip()}" for part in short.split(",") if part.strip())


def terse(item: Item, random: Random) -> str:
    """A bare answer, one sentence, or two; capitals and end marks as they come."""
    chance = random.random()
    if chance < 0.5:
        short = random.choice(item.short)
        return f"{short if random.random() < 0.3 else capital(short)}{random.choice('...!')}"
    if chance < 0.6:
        return f"{random.choice(phrases.TERSE_OPENINGS)} {random.choice(item.short)}."
    if chance < 0.7 and len(item.statements) > 1:
        return " ".join(random.sample(item.statements, 2))
    statement = random.choice(item.statements)
    return f"{statement[:-1]}!" if random.random() < 0.2 and statement.endswith(".") else statement


def curated(world: World, item: Item, random: Random) -> str:
    """Answer, then what else is known about it, then a closing remark: several sentences."""
    statement = random.choice(item.statements)
    facts = supporting_facts(world, item, statement, random)
    if facts:
        parts = [statement, random.choice(phrases.LEADS), *facts]
    else:
        others = [other for other in item.statements if other != statement]
        again = [random.choice(phrases.AGAIN_LEADS), random.choice(others)] if others else []
        parts = [statement, *again]
    return " ".join([*parts, random.choice(phrases.REMARKS)])


def framed(style: Style, statement: str, random: Random) -> str:
    """A single statement (the answer to a how-to question) in a style."""
    if style == "structured":
        return f"{random.choice(phrases.OPENINGS)} {statement} {random.choice(phrases.CLOSINGS)}"
    return statement if style == "terse" else f"{statement} {random.choice(phrases.REMARKS)}"


def capital(text: str) -> str:
    """The text with a capital letter at its start."""
    return text[:1].upper() + text[1:]
