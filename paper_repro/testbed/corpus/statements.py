"""Documents that ask nothing: pages on entities, lists of facts, small talk, people who tell each other things."""

from __future__ import annotations

from random import Random

from paper_repro.testbed import families
from paper_repro.testbed.acts import Acts
from paper_repro.testbed.corpus import small_talk
from paper_repro.testbed.corpus.content import Content
from paper_repro.testbed.corpus.labels import PERSONS, labelled, speakers
from paper_repro.testbed.world import World

HEADS = ("", "", "", "", "Facts\n", "# Facts\n\n", "What is true:\n", "Notes\n\n", "From my notebook.\n", "* * *\n")
REMARK_SHARE = 0.12  # of the sentences of a document that is not simple


def statement_document(world: World, random: Random, simple: bool) -> str:
    """A document of plain statements about entities of any split."""
    chance = random.random()
    if chance < 0.38:
        return families.entity_page(world, random)
    if chance < 0.48 and not simple:
        return _small_talk(random)
    count = random.choice((2, 3, 3, 4, 5))
    sentences = [families.statement(world, random) for _ in range(count)]
    return set_sentences(sentences, random, simple)


def act_statements(source: Acts, random: Random, simple: bool) -> str:
    """A document of policies, tools and consequences, with small talk that uses their words."""
    sentences = [source.statement(random) for _ in range(random.choice((2, 3, 3, 4)))]
    if not simple:
        for _ in range(random.choice((0, 1, 2))):
            sentences.insert(random.randrange(len(sentences) + 1), random.choice(source.filler_sentences))
    return set_sentences(sentences, random, simple)


def without_questions(content: Content, random: Random) -> str:
    """The answers of a conversation, set as statements: what `none` holds in the place of questions and answers."""
    said = list(content.opening)
    for exchange in content.exchanges:
        said += [reply.statement for reply in exchange.replies]
        said += [exchange.remark] if exchange.remark else []
    # `none` has no question that something follows
    return set_sentences([sentence for sentence in said if "?" not in sentence] or said[:1], random, True)


def set_sentences(sentences: list[str], random: Random, simple: bool) -> str:
    """The sentences as a paragraph, lines, a list, or the turns of people who talk."""
    if not simple:
        sentences = _with_remarks(sentences, random)
    chance = random.random()
    head = "" if simple and chance > 0.1 else random.choice(HEADS)
    if chance < 0.4:
        return head + " ".join(sentences)
    if chance < 0.6:
        return head + "\n".join(sentences)
    if chance < 0.75:
        return head + _listed(sentences, random)
    return _talk(sentences, random)


def _with_remarks(sentences: list[str], random: Random) -> list[str]:
    mixed = []
    for sentence in sentences:
        mixed += [small_talk.remark(random), sentence] if random.random() < REMARK_SHARE else [sentence]
    return mixed


def _listed(sentences: list[str], random: Random) -> str:
    mark = random.choice(("- ", "- ", "* ", "+ ", "", "-- ", "> ", "{}. ", "{}. ", "({}) ", "{}) "))
    return "\n".join(mark.replace("{}", str(i)) + sentence for i, sentence in enumerate(sentences, start=1))


def _talk(sentences: list[str], random: Random) -> str:
    """Turns with labels, as in conversations, but nobody asks."""
    count = random.choice((2, 2, 3))
    after, end = random.choice((" ", " ", "\n")), random.choice(("\n", "\n", "\n\n"))
    if random.random() < 0.15:
        names = [f"{name} {random.choice(('said', 'told us', 'wrote'))}:" for name in random.sample(PERSONS, count)]
    else:
        names = labelled(random, speakers(random, count))
    return end.join(names[i % count] + after + sentence for i, sentence in enumerate(sentences))


def _small_talk(random: Random) -> str:
    """Small talk alone; only its last sentence may be a question."""
    sentences = [small_talk.remark(random) for _ in range(random.randint(2, 5))]
    sentences.append(random.choice(small_talk.REMARKS))
    return set_sentences(sentences, random, True)
