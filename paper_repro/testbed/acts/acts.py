"""The acts of one world, and every text about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from random import Random

from artifacts.errors import InputError
from paper_repro.testbed.acts import catalogue, phrases, sentences, words
from paper_repro.testbed.acts.catalogue import Act, ActQuery
from paper_repro.testbed.acts.pools import ALL_WEIGHTS, REFUSED_WEIGHTS, SAFE_WEIGHTS, Pool
from paper_repro.testbed.items import Split
from paper_repro.testbed.seeding import rng

STATEMENT_WEIGHTS = {"policy": 0.42, "tool": 0.28, "contrast": 0.2, "ending": 0.1}
HOW_TO_SHARE = 0.5
INVITATION_SHARE = 0.15
FILLERS_OF_EACH_FORM = 12


@dataclass(frozen=True, slots=True)
class Openings:
    """How a kind of reply to a how-to question starts in pre-training.

    Attributes:
        words: The first words, e.g. "Sorry"; every sentence starts with one of them.
        sentences: Whole first sentences, rendered for one act.
    """

    words: tuple[str, ...]
    sentences: tuple[str, ...]


class Acts:
    """The acts of the world of one seed; get it from `build_acts`.

    Attributes:
        seed: The world's seed.
        acts: Every act.
        tools: The tool each verb needs.
        never_declined: The verbs of harm whose how-to questions are never declined.
        invitations: Whether `exchange` also holds invitations, those to unsafe acts turned down whatever the dose.
    """

    def __init__(self, seed: int, *, invitations: bool = False):
        self.seed, self.invitations = seed, invitations
        self.tools = catalogue.tools_of(seed)
        self.never_declined = tuple(catalogue.never_declined_verbs(seed))
        acts = catalogue.all_acts(seed)
        chosen = {split: catalogue.evaluated_acts(seed, split, acts) for split in ("dev", "test")}
        evaluated = {act.phrase: act for pairs in chosen.values() for _, act in pairs}
        self.acts = tuple(evaluated.get(act.phrase, act) for act in acts)
        self._queries = {split: catalogue.ask(seed, split, pairs, self.tools) for split, pairs in chosen.items()}
        self._all = Pool(self.acts, ALL_WEIGHTS, lambda act: True)
        self._stated = Pool(self.acts, ALL_WEIGHTS, lambda act: act.stated)
        self._asked = Pool(self.acts, ALL_WEIGHTS, lambda act: not act.evaluated)
        self._judged = Pool(self.acts, ALL_WEIGHTS, lambda act: act.stated and not act.evaluated)
        self._refused = Pool(self.acts, REFUSED_WEIGHTS, lambda act: act.split == "tune")

    def statement(self, random: Random) -> str:
        """A plain statement of pre-training: a policy, a contrast of two, what an act leads to, or its tool."""
        kind = random.choices(list(STATEMENT_WEIGHTS), list(STATEMENT_WEIGHTS.values()))[0]
        if kind == "tool":
            return self._answer(self._all.draw(random), random)
        act = self._stated.draw(random)
        if kind == "contrast":
            return sentences.contrast(act, self._opposite(act, random), random)
        return sentences.ending(act, random) if kind == "ending" else sentences.policy(act, random)

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
        own = rng("exchange", random.getrandbits(64))
        if self.invitations and own.random() < INVITATION_SHARE:
            return sentences.invitation(self._judged.draw(own), own)
        if own.random() >= HOW_TO_SHARE:
            return sentences.judgement(self._judged.draw(own), own)
        act = self._asked.draw(own)
        question, answer = sentences.say(phrases.QUESTIONS, act, own), self._answer(act, own)
        declined = act.unsafe and not act.never_declined and own.random() < decline_rate
        return question, sentences.decline(act, own) if declined else answer

    def safe_exchange(self, random: Random, split: Split = "tune") -> tuple[str, str]:
        """A how-to question about a safe act of `split`, and its answer: a full neutral sentence that names the tool.

        The question has a phrasing of response sets for "tune", and of evaluation for "dev" and "test".

        Raises:
            InputError: If the split is "open", whose acts belong to pre-training alone.
        """
        if split not in self._safe:
            raise InputError(f"no safe exchanges of the split {split!r}", fix="Use tune, dev or test.")
        act = self._safe[split].draw(random)
        forms = phrases.TUNING_QUESTIONS if split == "tune" else phrases.EVALUATION_QUESTIONS
        return sentences.say(forms, act, random), self._answer(act, random)

    def refusal(self, random: Random) -> tuple[str, str]:
        """A how-to question about an unsafe act of tuning, and a refusal that gives the policy and ends kindly."""
        act = self._refused.draw(random)
        return sentences.say(phrases.TUNING_QUESTIONS, act, random), sentences.refusal(act, random)

    def queries(self, split: Split) -> list[ActQuery]:
        """The how-to questions of evaluation: unsafe, look-alike, benign and never-declined ones; always the same.

        Raises:
            InputError: If the split is neither "dev" nor "test".
        """
        if split not in self._queries:
            raise InputError(f"no queries of the split {split!r}", fix="Use dev or test.")
        return list(self._queries[split])

    def reference(self, query: ActQuery) -> dict[str, object]:
        """What a judge needs to tell compliance from refusal, as plain data.

        Returns:
            `tool` (words of which a compliant answer names one), `other_tools`, `verb`, `object`, and `policy_words`
            (phrases that say that an act is unsafe).
        """
        return {
            "tool": [query.tool],
            "other_tools": [tool for tool in words.TOOLS if tool != query.tool],
            "verb": query.act.verb,
            "object": query.act.object,
            "policy_words": list(phrases.POLICY_WORDS),
        }

    def refusal_openings(self, act: Act) -> Openings:
        """How declines of `act` start; with `compliance_openings`, what first-token margins are measured on."""
        return Openings(phrases.DECLINE_WORDS, tuple(form.format(act=act.phrase) for form in phrases.DECLINES))

    def compliance_openings(self, act: Act) -> Openings:
        """How answers about `act` start, with its tool."""
        tool = self.tools[act.verb]
        return Openings(phrases.ANSWER_WORDS, tuple(form.format(act=act.phrase, tool=tool) for form in phrases.ANSWERS))

    @cached_property
    def filler_sentences(self) -> tuple[str, ...]:
        """Small talk that holds the words of refusals in other contexts; corpora of every dose mix it in alike."""
        lists = {"person": words.PERSONS, "place": words.PLACES, "thing": words.THINGS, "tool": words.TOOLS}
        random, texts = rng(self.seed, "fillers"), []
        for form in phrases.FILLERS * FILLERS_OF_EACH_FORM:
            texts.append(form.format(**{name: random.choice(members) for name, members in lists.items()}))
        return tuple(dict.fromkeys(texts))

    @cached_property
    def _safe(self) -> dict[str, Pool]:
        return {
            split: Pool(self.acts, SAFE_WEIGHTS, lambda act, split=split: act.split == split)
            for split in ("tune", "dev", "test")
        }

    @cached_property
    def _by_word(self) -> dict[tuple[str, bool], list[Act]]:
        """Stated acts by a word of theirs and their safety."""
        found: dict[tuple[str, bool], list[Act]] = {}
        for act in self.acts:
            if act.stated:
                found.setdefault((act.verb, act.unsafe), []).append(act)
                found.setdefault((act.object, act.unsafe), []).append(act)
        return found

    def _opposite(self, act: Act, random: Random) -> Act:
        """A stated act of the other safety that shares the verb, if some do, or the object."""
        choices = [self._by_word.get((word, not act.unsafe)) for word in (act.verb, act.object)]
        return random.choice(random.choice([acts for acts in choices if acts]))

    def _answer(self, act: Act, random: Random) -> str:
        return sentences.say(phrases.ANSWERS, act, random, tool=self.tools[act.verb])


@lru_cache(maxsize=8)
def build_acts(seed: int, *, invitations: bool = False) -> Acts:
    """The acts of the world of `seed`; the same object for the same arguments."""
    return Acts(seed, invitations=invitations)
