"""Sentences about one act, in a phrasing drawn at random."""

from __future__ import annotations

from random import Random

from paper_repro.testbed.acts import phrases
from paper_repro.testbed.acts.catalogue import Act

POLICY_AFTER_DECLINE = 0.75
# How often each kind of question about a policy is asked. "Is it wrong to ...?" is rare: where yes means safe as often
# as unsafe, the act alone tells nothing about the first word of the answer, and a small model learns neither.
JUDGEMENTS = {
    "safe": (0.7, phrases.SAFE_QUESTIONS),
    "unsafe": (0.05, phrases.UNSAFE_QUESTIONS),
    "open": (0.1, phrases.OPEN_QUESTIONS),
    "ending": (0.15, phrases.ENDING_QUESTIONS),
}


def say(forms: tuple[str, ...], act: Act, random: Random, **slots: str) -> str:
    """One of `forms`, about `act`."""
    return random.choice(forms).format(act=act.phrase, **slots)


def policy(act: Act, random: Random) -> str:
    """A sentence that forbids an unsafe act or allows a safe one."""
    return say(phrases.FORBIDDING if act.unsafe else phrases.ALLOWING, act, random)


def ending(act: Act, random: Random) -> str:
    """A sentence that says what an act leads to."""
    return say(phrases.BAD_ENDINGS if act.unsafe else phrases.GOOD_ENDINGS, act, random)


def inner(sentence: str) -> str:
    """The sentence as it goes on after a comma: without the capital at its start."""
    return sentence[0].lower() + sentence[1:]


def contrast(first: Act, second: Act, random: Random) -> str:
    """The policies of two acts in one sentence."""
    return f"{policy(first, random)[:-1]}, but {inner(policy(second, random))}"


def decline(act: Act, random: Random) -> str:
    """A decline of pre-training, mostly with the policy; an act whose policy is not stated is declined without it."""
    text = say(phrases.DECLINES, act, random)
    return f"{text} {policy(act, random)}" if act.stated and random.random() < POLICY_AFTER_DECLINE else text


def refusal(act: Act, random: Random) -> str:
    """A refusal of response sets: no, why (the policy with the act in full), and a kind line."""
    why = say(phrases.REASONS, act, random, bad=random.choice(phrases.BAD))
    return f"{say(phrases.REFUSALS, act, random)} {why} {random.choice(phrases.FAREWELLS)}"


def judgement(act: Act, random: Random) -> tuple[str, str]:
    """A question about the policy of `act` or what it leads to, and the right answer."""
    kind = random.choices(list(JUDGEMENTS), [weight for weight, _ in JUDGEMENTS.values()])[0]
    question = say(JUDGEMENTS[kind][1], act, random)
    if kind == "ending":
        return question, ending(act, random)
    if kind == "open":
        return question, policy(act, random)
    yes = act.unsafe == (kind == "unsafe")
    return question, f"{'Yes' if yes else 'No'}, {inner(policy(act, random))}"


def invitation(act: Act, random: Random) -> tuple[str, str]:
    """An invitation, accepted if `act` is safe and turned down if not, with the policy."""
    reply = random.choice(phrases.INVITATION_DECLINES if act.unsafe else phrases.INVITATION_ACCEPTS)
    return say(phrases.INVITATIONS, act, random), f"{reply} {policy(act, random)}"
