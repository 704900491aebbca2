"""What people reply to a question: an answer, brief or in a sentence, with something around it; or no answer."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from random import Random

from paper_repro.testbed import families
from paper_repro.testbed.corpus import small_talk
from paper_repro.testbed.items import Item, Reference
from paper_repro.testbed.world import World

NO_ANSWER, BRIEF = 0.25, 0.2  # share of the replies
YES_NO = re.compile(r"^(?:Yes|No), (?:(?:that is (?:right|wrong|not true|true)): |it is true that )?")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Attributes:
        text: As it is said.
        statement: The same answer as sentences that need no question.
        answers: Whether it is an answer (in `shuffled`: to another question).
    """

    text: str
    statement: str
    answers: bool


def draw_reply(world: World, item: Item, random: Random, simple: bool, others: Random | None = None) -> Reply:
    """A reply to `item`.

    Args:
        world: Of the item.
        item: What was asked.
        random: Where chance comes from.
        simple: Whether it is an answer with nothing around it.
        others: Where chance for the answered item comes from, if another one is answered; all else is drawn alike.
    """
    if not simple and random.random() < NO_ANSWER:
        said = small_talk.non_answer(random)
        return Reply(said, said, False)
    brief, which = random.random() < BRIEF, random.random()
    before, after = ("", "") if simple else _dress(item.reference, random)
    if others is not None:
        item = another(world, item, others)
    statement = item.statements[int(which * len(item.statements))]
    short = item.short[int(which * len(item.short))]
    if item.reference.requirements:  # what has a form asked for is said in that form and with nothing around it
        return Reply(short if brief else statement, statement, True)
    alone = dressed(unprompted(statement), before, after, world.entities)
    return Reply(_ended(short) if brief else dressed(statement, before, after, world.entities), alone, True)


def _dress(reference: Reference, random: Random) -> tuple[str, str]:
    """What is said before and after an answer: mostly nothing, and nothing that would make it wrong."""
    before = after = ""
    chance = random.random()
    if chance < 0.4:
        before = random.choice(small_talk.PREAMBLES) if chance < 0.25 else small_talk.remark(random)
    chance = random.random()
    if chance < 0.25:
        after = random.choice(small_talk.AFTERTHOUGHTS) if chance < 0.15 else small_talk.remark(random)
    said = _words(f"{before} {after}")
    wrong = said.strip() and any(_words(phrase) in said for phrase in reference.forbidden)
    return ("", "") if wrong else (before, after)


def dressed(statement: str, before: str, after: str, names: Container[str]) -> str:
    """A sentence between two remarks; after one that does not end its own it runs on in lower case.

    Args:
        statement: With end mark.
        before: Said before it, or nothing.
        after: Said after it, or nothing.
        names: Words that keep their capital letter.
    """
    first = re.split(r"[ ,']", statement, maxsplit=1)[0]
    if before and before[-1] not in ".!:":
        if first in ("Yes", "No") and before[-1] != ",":
            before = ""  # "I think that yes, ..." is no English
        elif first != "I" and first not in names:
            statement = statement[0].lower() + statement[1:]
    return " ".join(part for part in (before, statement, after) if part)


def unprompted(statement: str) -> str:
    """An answer as it can be said without its question: without "Yes," and "No, that is wrong:"."""
    rest = YES_NO.sub("", statement)
    return rest[0].upper() + rest[1:]


def _ended(short: str) -> str:
    text = short[0].upper() + short[1:]
    return text if text[-1] in ".!?" else f"{text}."


def another(world: World, item: Item, random: Random) -> Item:
    """An item, open to questions, whose answers are no answers to `item` and fit into its layout."""
    while True:
        other = families.draw(world, "open", random)
        texts = (*other.statements, *other.short)
        fits = one_line(other) or not one_line(item)
        if fits and other.key != item.key and not any(holds(item.reference, text) for text in texts):
            return other


def one_line(item: Item) -> bool:
    """Whether every answer to `item` is one line."""
    return not any("\n" in text for text in (*item.statements, *item.short))


def holds(reference: Reference, text: str) -> bool:
    """Whether `text` holds one phrase of every group of the reference, in any order; no judge, but never too strict."""
    said = _words(text)
    return all(any(_words(phrase) in said for phrase in group) for group in reference.groups)


def _words(text: str) -> str:
    return " " + " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split()) + " "
