"""What a document says, before it is laid out: the same for every corpus of one seed, whatever its formats.

Each document draws from its own stream, so that document 17 asks the same questions in `many` and in `formats-1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from paper_repro.testbed import families
from paper_repro.testbed.acts import Acts, build_acts
from paper_repro.testbed.corpus import small_talk
from paper_repro.testbed.corpus.settings import CorpusSettings
from paper_repro.testbed.items import Item, Reference
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.world import World, build_world

Kind = Literal["questions", "statements", "acts"]
KINDS: tuple[Kind, ...] = ("questions", "statements", "acts")
SHARES = (0.63, 0.27, 0.10)  # of the documents
SIMPLE_SHARES = (0.72, 0.18, 0.10)
ACT_EXCHANGES = 0.75  # share of the documents on acts that ask; the others state
DOCUMENT_TOKENS = 48  # mean of the simple documents, measured; it only has to place their end about right
NO_ANSWER, BRIEF = 0.25, 0.2  # share of the replies
_RUN_ON = frozenset(
    ("The", "A", "An", "It", "There", "To", "In", "On", "If", "All", "Both", "Yes", "No", "People", "You")
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Attributes:
        text: As it is said, with end mark.
        statement: The same answer as sentences that need no question.
        answers: Whether it is an answer (in `shuffled`: to another question).
    """

    text: str
    statement: str
    answers: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, replies to it by one or more people, and what the asker says to that.

    Attributes:
        question: With end mark, on one line.
        item: What is asked; None for acts.
    """

    question: str
    replies: tuple[Reply, ...]
    item: Item | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What one document says.

    Attributes:
        index: Its position in the corpus.
        kind: What it is about.
        simple: Whether it belongs to the plain first part.
        exchanges: Empty for a document that is not a conversation.
        opening: Small talk of the two before the first question: none, or one sentence each.
        declined: Number of replies that decline.
    """

    index: int
    kind: Kind
    simple: bool
    exchanges: tuple[Exchange, ...] = ()
    opening: tuple[str, ...] = ()
    declined: int = 0


def stream(settings: CorpusSettings, purpose: str, index: int) -> Random:
    """The generator of one document for one purpose."""
    return rng(settings.world_seed, settings.seed, purpose, index)


def contents(settings: CorpusSettings, start: int = 0) -> Iterator[Content]:
    """What the documents say, one after the other, without end, from document `start` on."""
    world, last_simple = build_world(settings.world_seed), simple_documents(settings)
    index = start
    while True:
        yield content(settings, world, index, index < last_simple)
        index += 1


def simple_documents(settings: CorpusSettings) -> int:
    """Number of plain documents at the beginning; the same for corpora of one length, so that they stay aligned."""
    return round(settings.simple_share * settings.tokens / DOCUMENT_TOKENS)


def content(settings: CorpusSettings, world: World, index: int, simple: bool) -> Content:
    """What document `index` says."""
    random = stream(settings, "content", index)
    kind = random.choices(KINDS, SIMPLE_SHARES if simple else SHARES)[0]
    if kind == "questions":
        return _questions(settings, world, random, Content(index, kind, simple))
    if kind == "acts" and random.random() < ACT_EXCHANGES:
        return _acts(settings, random, Content(index, kind, simple))
    return Content(index, kind, simple)


def _questions(settings: CorpusSettings, world: World, random: Random, base: Content) -> Content:
    threaded = not base.simple and random.random() < 0.12  # several people reply to one question
    count = 1 if threaded else random.choice((1, 1, 2) if base.simple else (1, 1, 2, 2, 3, 3, 4))
    others = stream(settings, "shuffled", base.index) if settings.answers == "shuffled" else None
    exchanges = []
    for _ in range(count):
        item = families.draw(world, "open", random)
        question = _question(item, random, base.simple)
        replies = []
        for _ in range(random.choice((2, 2, 3)) if threaded else 1):
            reply = _reply(item, random, base.simple, lambda own: _another(world, own, others) if others else own)
            replies.append(reply)
        after = small_talk.REMARKS_AFTER if random.random() < 0.5 else small_talk.STATED_REMARKS
        remark = random.choice(after) if not base.simple and random.random() < 0.1 else None
        exchanges.append(Exchange(question, tuple(replies), item, remark))
    return replace(base, exchanges=tuple(exchanges), opening=_opening(random, base.simple))


def _question(item: Item, random: Random, simple: bool) -> str:
    question = random.choice(item.questions)
    chance = random.random()
    if simple or chance > 0.2:
        return question
    if chance < 0.12:
        return f"{random.choice(small_talk.GREETINGS)} {question}"
    return f"{question} {random.choice(small_talk.PLEAS)}"


def _reply(item: Item, random: Random, simple: bool, answered: Callable[[Item], Item]) -> Reply:
    """A reply to `item`; `answered` tells which item is answered, so that all else is drawn alike in `shuffled`."""
    if not simple and random.random() < NO_ANSWER:
        said = small_talk.non_answer(random)
        return Reply(said, said, False)
    brief, which = random.random() < BRIEF, random.random()
    before, after = ("", "") if simple else _dress(random)
    item = answered(item)
    statement = item.statements[int(which * len(item.statements))]
    alone = dressed(unprompted(statement), before, after)
    if brief:
        return Reply(_ended(item.short[int(which * len(item.short))]), alone, True)
    return Reply(dressed(statement, before, after), alone, True)


def _dress(random: Random) -> tuple[str, str]:
    """What is said before and after an answer: mostly nothing."""
    before = after = ""
    chance = random.random()
    if chance < 0.4:
        before = random.choice(small_talk.PREAMBLES) if chance < 0.25 else small_talk.remark(random)
    chance = random.random()
    if chance < 0.25:
        after = random.choice(small_talk.AFTERTHOUGHTS) if chance < 0.15 else small_talk.remark(random)
    return before, after


def dressed(statement: str, before: str, after: str) -> str:
    """The statement between two remarks; after one that does not end its sentence it runs on in lower case."""
    first = statement.partition(" ")[0]
    if before and before[-1] not in ".!":
        if first in ("Yes,", "No,") and before[-1] != ",":
            before = ""  # "I think that yes, ..." is no English
        elif first.rstrip(",") in _RUN_ON:  # other first words are names
            statement = statement[0].lower() + statement[1:]
    return " ".join(part for part in (before, statement, after) if part)


def unprompted(statement: str) -> str:
    """An answer as it can be said without its question: without "Yes," and "No,"."""
    rest = statement.removeprefix("Yes, ").removeprefix("No, ")
    return rest[0].upper() + rest[1:]


def _ended(short: str) -> str:
    text = short[0].upper() + short[1:]
    return text if text[-1] in ".!?" else f"{text}."


def _opening(random: Random, simple: bool) -> tuple[str, ...]:
    if simple or random.random() > 0.12:
        return ()
    return small_talk.remark(random), small_talk.remark(random)


def _another(world: World, item: Item, random: Random) -> Item:
    """An item whose answers are no answers to `item`."""
    while True:
        other = families.draw(world, "open", random)
        texts = (*other.statements, *map(_ended, other.short))
        fits = one_line(other) or not one_line(item)  # in the layout that was drawn for `item`
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


def _acts(settings: CorpusSettings, random: Random, base: Content) -> Content:
    source = build_acts(settings.world_seed)
    others = stream(settings, "shuffled", base.index)
    exchanges, declined = [], 0
    for _ in range(random.choice((1, 1, 2, 3))):
        seed = random.getrandbits(32)
        question, said = source.exchange(Random(seed), settings.decline_rate)  # noqa: S311
        neutral = source.exchange(Random(seed), 0.0)[1]  # noqa: S311
        declined += said != neutral
        if settings.answers == "shuffled":
            said = _other_reply(source, question, said, others, settings.decline_rate)
        exchanges.append(Exchange(question, (Reply(said, unprompted(said), True),)))
    return replace(base, exchanges=tuple(exchanges), opening=_opening(random, base.simple), declined=declined)


def _other_reply(source: Acts, question: str, said: str, random: Random, decline_rate: float) -> str:
    while True:
        other_question, other = source.exchange(random, decline_rate)
        if other_question != question and other != said:
            return other
