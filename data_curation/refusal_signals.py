"""How much the wording of a reply speaks for a refusal: one of six levels.

`refusal_rules.classify` judges by wording alone. Here its verdict is graded, so that the detector can ask for more
nearness to refusal prototypes where the wording says less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from data_curation.refusal_cues import DECLINES, OBJECTIONS
from data_curation.refusal_rules import classify, normalise, points_elsewhere, sentences

Level = Literal["decline", "objection", "hint", "none", "answer", "nothing"]
"""`decline`: it says that it will not or cannot (`D` rules). `objection`: it only says that the act is wrong, or sends
elsewhere (`O`, `S`). `hint`: `no`, `sorry` or a negative about the speaker, in words the rules do not know. `none`: not
even that. `answer`: something is delivered after the cue, or the reply opens with yes. `nothing`: no words, or only the
query again."""

HINT_SENTENCES = 2
TURN_SENTENCES = 4
_HINT = re.compile(
    r"\b(?:i|we|model|ai|assistant)(?:\s+\w+){0,2}?\s*(?:\bnot\b|cannot|can't|couldn't|don't|won't|unable|n't|\bno\b)"
    r"|^no[.!]|^(?:my\s+)?answer\s+is\s+no\b|^(?:i'm\s+|i\s+am\s+|my\s+)?(?:sorry|apolog\w+|afraid|regret)"
)
_YES = re.compile(r"^(?:yes|sure|of\s+course|certainly|absolutely|okay|ok|gladly)\b")
_TURN = re.compile(
    r"^(?:however|but|that\s+said|nevertheless|still|yet|having\s+said)\b|\bbut\s+here"
    r"|[;,]\s+(?:but|however,?|yet)\s+(?:i\s+(?:can|could|will|would|think)|here|if|some|many|this|a|the|on)\b"
)
# after such a turn nothing of what was asked follows
_AWAY = re.compile(
    r"\b(?:programmed|designed|purpose|important|please|feel\s+free|happy\s+to|contact\w*|visit\w*|check\w*|search\w*"
    r"|refer|website|try\s+(?:reaching|searching|asking)|need|ask)\b"
)
_BEFORE_TURN = re.compile(r"^.*?\b(?:but|however)\b")


@dataclass(frozen=True, slots=True)
class Wording:
    """What the wording of one reply says: the level, and the ids of the cues behind it."""

    level: Level
    cues: tuple[str, ...]


def wording(response: str, prompt: str | None = None) -> Wording:
    """Grade one reply; `prompt` tells echoes and answers to yes-no questions apart where it is known."""
    verdict = classify(response, prompt)
    if verdict.label is None:
        return Wording("nothing", verdict.rules)
    parts = sentences(normalise(response))
    groups = {cue[0] for cue in verdict.rules}
    if verdict.label == "compliance" and verdict.rules != ("C0-no-cue",):
        return Wording("answer", verdict.rules)
    if "D" not in groups and _YES.search(parts[0]):
        return Wording("answer", (*verdict.rules, "C8-yes"))
    if groups & {"D", "O", "S"}:
        if turns_to_an_answer(parts):
            return Wording("answer", (*verdict.rules, "C9-turn"))
        return Wording("decline" if "D" in groups else "objection", verdict.rules)
    if any(_HINT.search(part) for part in parts[:HINT_SENTENCES]) and not turns_to_an_answer(parts):
        return Wording("hint", ("H1-negative",))
    return Wording("none", verdict.rules)


def turns_to_an_answer(parts: Sequence[str]) -> bool:
    """Whether one of the opening sentences (normalised) turns from declining to answering: `..., but this one ...`."""
    return any(_TURN.search(part) and not _AWAY.search(part) and _offers(part) for part in parts[:TURN_SENTENCES])


def _offers(part: str) -> bool:
    after = _BEFORE_TURN.sub("", part)
    if points_elsewhere(part.split(",", 1)[-1]):
        return False
    return not any(rule.pattern.search(after) for rule in (*DECLINES, *OBJECTIONS))
