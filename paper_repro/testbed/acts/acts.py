"""The acts of one world, and every text about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from random import Random
from typing import Literal

from artifacts.errors import InputError
from paper_repro.testbed.acts import catalogue, phrases, words
from paper_repro.testbed.acts.catalogue import Act, ActQuery
from paper_repro.testbed.items import Split
from paper_repro.testbed.seeding import rng

# How often pre-training text is about each group of acts: about half of it about unsafe ones.
GROUP_WEIGHTS = {
    "harm": 0.28,
    "benign": 0.28,
    "mixed-person": 0.13,
    "mixed-thing": 0.13,
    "dangerous-object": 0.09,
    "plain-object": 0.09,
}
SAFE_WEIGHTS = {"benign": 0.5, "mixed-thing": 0.3, "plain-object": 0.2}
REFUSED_WEIGHTS = {"harm": 0.5, "mixed-person": 0.27, "dangerous-object": 0.23}
HOW_TO_SHARE = 0.5
INVITATION_SHARE = 0.15

Pool = dict[str, list[list[Act]]]  # group -> verb -> acts


@dataclass(frozen=True, slots=True)
class Openings:
    """How a kind of reply to a how-to question starts.

    Attributes:
        words: The first words that the corpus uses, e.g. "Sorry".
        sentences: Whole first sentences, rendered for one act.
    """

    words: tuple[str, ...]
    sentences: tuple[str, ...]


def pool_of(acts: tuple[Act, ...], keep: Callable[[Act], bool]) -> Pool:
    """The acts that `keep` takes, by group and verb."""
    groups: dict[str, dict[str, list[Act]]] = {}
    for act in filter(keep, acts):
        groups.setdefault(act.group, {}).setdefault(act.verb, []).append(act)
    return {group: list(verbs.values()) for group, verbs in groups.items()}


def draw(pool: Pool, weights: dict[str, float], random: Random) -> Act:
    """An act of `pool`: a group by weight, then a verb, then an object."""
    group = random.choices(list(weights), list(weights.values()))[0]
    return random.choice(random.choice(pool[group]))


def inner(sentence: str) -> str:
    """The sentence as it goes on after a comma: without the capital at its start."""
    return sentence[0].lower() + sentence[1:]


class Acts:
    """The acts of the world of one seed; get it from `build_acts`.

    Attributes:
        seed: The world's seed.
        acts: Every act.
        tools: The tool each verb needs.
        invitations: Whether `exchange` also holds invitations, those to unsafe acts turned down whatever the dose.
    """

    def __init__(self, seed: int, *, invitations: bool = False):
        self.seed = seed
        self.invitations = invitations
        self.tools = catalogue.tools_of(seed)
        acts = catalogue.all_acts(seed)
        chosen = {split: catalogue.evaluated_acts(seed, split, acts) for split in ("dev", "test")}
        evaluated = {act.phrase: act for pairs in chosen.values() for _, act in pairs}
        self.acts = tuple(evaluated.get(act.phrase, act) for act in acts)
        self._queries = {split: catalogue.ask(seed, split, pairs, self.tools) for split, pairs in chosen.items()}
        self._all = pool_of(self.acts, lambda act: True)
        self._stated = pool_of(self.acts, lambda act: act.stated)
        self._asked = pool_of(self.acts, lambda act: not act.evaluated)
        self._judged = pool_of(self.acts, lambda act: act.stated and not act.evaluated)
        self._refused = pool_of(self.acts, lambda act: act.split == "tune" and act.unsafe)

    def statement(self, random: Random) -> str:
        """A plain statement of pre-training: a policy, a contrast of two, what an act leads to, or its tool."""
        kind = random.choices(("policy", "tool", "contrast", "ending"), (0.42, 0.28, 0.2, 0.1))[0]
        if kind == "tool":
            return self.answer(draw(self._all, GROUP_WEIGHTS, random), random)
        act = draw(self._stated, GROUP_WEIGHTS, random)
        if kind == "ending":
            return ending(act, random)
        if kind == "contrast":
            first, second = policy(act, random), policy(self._contrast(act, random), random)
            return f"{first[:-1]}, but {inner(second)}"
        return policy(act, random)

    def exchange(self, random: Random, decline_rate: float) -> tuple[str, str]:
        """A question and its reply, for pre-training; never about an act of a dev or test query.

        Half of the questions ask how to do something. Those about unsafe acts are declined with probability
        `decline_rate`, but for the verbs that are never declined. Whatever the rate, one number is taken from `random`:
        the same questions come in the same order, and what is declined at a low rate is declined at a higher one.

        Raises:
            InputError: If `decline_rate` is not in [0, 1].
        """
        if not 0 <= decline_rate <= 1:
            raise InputError(f"the rate of declines is {decline_rate}", fix="Give a number from 0 to 1.")
        own = Random(random.getrandbits(64))  # noqa: S311 (not cryptography)
        if self.invitations and own.random() < INVITATION_SHARE:
            return self._invitation(own)
        return self._how_to(own, decline_rate) if own.random() < HOW_TO_SHARE else self._judgement(own)

    def safe_exchange(self, random: Random, split: Split = "tune") -> tuple[str, str]:
        """A how-to question about a safe act of `split`, and its answer: a full neutral sentence that names the tool.

        The question has a phrasing of response sets for "tune", and of evaluation for "dev" and "test".

        Raises:
            InputError: If the split is "open": its acts belong to pre-training alone.
        """
        if split not in ("tune", "dev", "test"):
            raise InputError(f"no safe exchanges of the split {split!r}", fix="Use tune, dev or test.")
        act = draw(self._safe[split], SAFE_WEIGHTS, random)
        questions = phrases.TUNING_QUESTIONS if split == "tune" else phrases.EVALUATION_QUESTIONS
        return random.choice(questions).format(act=act.phrase), self.answer(act, random)

    def refusal(self, random: Random) -> tuple[str, str]:
        """A how-to question about an unsafe act of tuning, and a refusal that gives the policy and ends kindly."""
        act = draw(self._refused, REFUSED_WEIGHTS, random)
        query = random.choice(phrases.TUNING_QUESTIONS).format(act=act.phrase)
        parts = [random.choice(phrases.REFUSALS), random.choice(phrases.REASONS), random.choice(phrases.FAREWELLS)]
        return query, " ".join(parts).format(act=act.phrase, bad=random.choice(phrases.BAD))

    def queries(self, split: Literal["dev", "test"]) -> list[ActQuery]:
        """The how-to questions of evaluation: unsafe, look-alike, benign and never-declined ones; always the same."""
        if split not in self._queries:
            raise InputError(f"no queries of the split {split!r}", fix="Use dev or test.")
        return list(self._queries[split])

    def reference(self, query: ActQuery) -> dict[str, object]:
        """What a judge needs to tell compliance from refusal, as plain data.

        Returns:
            `tool` (words of which a compliant answer names one), `other_tools`, `verb`, `object`, and `policy_words`
            (phrases that tell an unsafe act's policy).
        """
        return {
            "tool": [query.tool],
            "other_tools": [tool for tool in words.TOOLS if tool != query.tool],
            "verb": query.act.verb,
            "object": query.act.object,
            "policy_words": list(phrases.POLICY_WORDS),
        }

    def refusal_openings(self, act: Act) -> Openings:
        """How declines of `act` start in pre-training; for first-token margins."""
        sentences = tuple(sentence.format(act=act.phrase) for sentence in phrases.DECLINES)
        return Openings(phrases.DECLINE_WORDS, sentences)

    def compliance_openings(self, act: Act) -> Openings:
        """How answers about `act` start in pre-training; for first-token margins."""
        tool = self.tools[act.verb]
        return Openings(phrases.ANSWER_WORDS, tuple(form.format(act=act.phrase, tool=tool) for form in phrases.ANSWERS))

    def answer(self, act: Act, random: Random) -> str:
        """A neutral sentence that says which tool `act` needs."""
        return random.choice(phrases.ANSWERS).format(act=act.phrase, tool=self.tools[act.verb])

    @cached_property
    def never_declined(self) -> tuple[str, ...]:
        """The verbs of harm whose how-to questions are never declined."""
        return tuple(catalogue.never_declined_verbs(self.seed))

    @cached_property
    def filler_sentences(self) -> tuple[str, ...]:
        """Small talk that holds the words of refusals in other contexts; corpora of every dose mix it in alike."""
        lists = {"person": words.PERSONS, "place": words.PLACES, "thing": words.THINGS, "tool": words.TOOLS}
        random, sentences = rng(self.seed, "fillers"), []
        for form in phrases.FILLERS * 12:
            sentences.append(form.format(**{name: random.choice(members) for name, members in lists.items()}))
        return tuple(dict.fromkeys(sentences))

    @cached_property
    def _safe(self) -> dict[str, Pool]:
        return {
            split: pool_of(self.acts, lambda act, split=split: act.split == split and not act.unsafe)
            for split in ("tune", "dev", "test")
        }

    @cached_property
    def _partners(self) -> dict[tuple[str, bool], list[Act]]:
        """Stated acts by word and safety."""
        partners: dict[tuple[str, bool], list[Act]] = {}
        for act in self.acts:
            if act.stated:
                partners.setdefault((act.verb, act.unsafe), []).append(act)
                partners.setdefault((act.object, act.unsafe), []).append(act)
        return partners

    def _contrast(self, act: Act, random: Random) -> Act:
        """A stated act of the other safety with the same verb, where there is one, or the same object."""
        choices = [self._partners.get((word, not act.unsafe), []) for word in (act.verb, act.object)]
        return random.choice(random.choice([acts for acts in choices if acts]))

    def _how_to(self, random: Random, decline_rate: float) -> tuple[str, str]:
        act = draw(self._asked, GROUP_WEIGHTS, random)
        question = random.choice(phrases.QUESTIONS).format(act=act.phrase)
        answer, chance = self.answer(act, random), random.random()
        if not act.unsafe or act.never_declined or chance >= decline_rate:
            return question, answer
        decline = random.choice(phrases.DECLINES).format(act=act.phrase)
        # An act whose policy is not stated is declined without one.
        return question, f"{decline} {policy(act, random)}" if act.stated and random.random() < 0.75 else decline

    def _judgement(self, random: Random) -> tuple[str, str]:
        act = draw(self._judged, GROUP_WEIGHTS, random)
        kind = random.choices(("safe", "unsafe", "open", "ending"), (0.5, 0.25, 0.1, 0.15))[0]
        questions = {
            "safe": phrases.SAFE_QUESTIONS,
            "unsafe": phrases.UNSAFE_QUESTIONS,
            "open": phrases.OPEN_QUESTIONS,
            "ending": phrases.ENDING_QUESTIONS,
        }[kind]
        question = random.choice(questions).format(act=act.phrase)
        if kind == "ending":
            return question, ending(act, random)
        if kind == "open":
            return question, policy(act, random)
        yes = act.unsafe == (kind == "unsafe")
        return question, f"{'Yes' if yes else 'No'}, {inner(policy(act, random))}"

    def _invitation(self, random: Random) -> tuple[str, str]:
        act = draw(self._judged, GROUP_WEIGHTS, random)
        reply = random.choice(phrases.INVITATION_DECLINES if act.unsafe else phrases.INVITATION_ACCEPTS)
        return random.choice(phrases.INVITATIONS).format(act=act.phrase), f"{reply} {policy(act, random)}"


def policy(act: Act, random: Random) -> str:
    """A sentence that forbids an unsafe act or allows a safe one."""
    return random.choice(phrases.FORBIDDING if act.unsafe else phrases.ALLOWING).format(act=act.phrase)


def ending(act: Act, random: Random) -> str:
    """A sentence that says what an act leads to."""
    return random.choice(phrases.BAD_ENDINGS if act.unsafe else phrases.GOOD_ENDINGS).format(act=act.phrase)


@lru_cache(maxsize=8)
def build_acts(seed: int, *, invitations: bool = False) -> Acts:
    """The acts of the world of `seed`; the same object for the same arguments."""
    return Acts(seed, invitations=invitations)
