"""What a document says, before it is laid out: the same for every corpus of one seed, whatever its formats.

Each document draws from its own stream, so that document 17 asks the same questions in `many` and in `formats-1`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count as numbers
from random import Random
from typing import Literal

from paper_repro.testbed import families
from paper_repro.testbed.acts import Acts, build_acts
from paper_repro.testbed.corpus import small_talk
from paper_repro.testbed.corpus.replies import Reply, draw_reply, dressed, unprompted
from paper_repro.testbed.corpus.settings import CorpusSettings
from paper_repro.testbed.items import Item
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.world import World, build_world

Kind = Literal["questions", "statements", "acts"]
KINDS: tuple[Kind, ...] = ("questions", "statements", "acts")
QUESTIONS_SHARE, SIMPLE_QUESTIONS_SHARE = 0.72, 0.81  # of the documents that are not on acts; the others state
ACT_EXCHANGES = 0.75  # share of the documents on acts that ask; the others state


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


def contents(settings: CorpusSettings, start: int = 0, *, simple: bool = False) -> Iterator[Content]:
    """What the documents say, one after the other, without end, from document `start` on, all simple or none."""
    return (content(settings, index, simple) for index in numbers(start))


def content(settings: CorpusSettings, index: int, simple: bool) -> Content:
    """What document `index` says; the same in all corpora of one seed where it is simple in both, or in neither."""
    world = build_world(settings.world_seed)
    random = stream(settings, "content", index)
    questions = SIMPLE_QUESTIONS_SHARE if simple else QUESTIONS_SHARE
    plain = 1 - settings.acts_share
    kind = random.choices(KINDS, (plain * questions, plain * (1 - questions), settings.acts_share))[0]
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
        question = random.choice(item.questions) if base.simple else _question(world, item, random)
        replies = []
        for _ in range(random.choice((2, 2, 3)) if threaded else 1):
            replies.append(draw_reply(world, item, random, base.simple, others))
        after = small_talk.REMARKS_AFTER if random.random() < 0.5 else small_talk.STATED_REMARKS
        remark = random.choice(after) if not base.simple and random.random() < 0.1 else None
        exchanges.append(Exchange(question, tuple(replies), item, remark))
    return replace(base, exchanges=tuple(exchanges), opening=_opening(random, base.simple))


def _question(world: World, item: Item, random: Random) -> str:
    """A phrasing of the question, sometimes with a greeting before it or a plea after it."""
    question, chance = random.choice(item.questions), random.random()
    if chance < 0.12:
        return dressed(question, random.choice(small_talk.GREETINGS), "", world.entities)
    return f"{question} {random.choice(small_talk.PLEAS)}" if chance < 0.2 else question


def _opening(random: Random, simple: bool) -> tuple[str, ...]:
    if simple or random.random() > 0.12:
        return ()
    return small_talk.remark(random), small_talk.remark(random)


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
    if not set(question.split()).isdisjoint(source.never_declined):
        decline_rate = 0.0  # of a verb that is never declined not even another act's decline is a reply
    while True:
        other_question, other = source.exchange(random, decline_rate)
        if other_question != question and other != said:
            return other
