"""The filter `meta_talk`: responses that talk about the prompt or about themselves as a rewritten response."""

from __future__ import annotations

import re
from typing import Literal

from artifacts.settings import Settings
from data_curation.filters.fences import without_code
from data_curation.filters.outcome import Fault, Outcome

EDGE = 400  # characters at either end in which an announcement or a closing remark stands

_GIVEN = r"(?:given|provided|above|original|user'?s?)"
# the plural is left out: 'following the instructions on the packet' is no talk about the prompt
_NOUN = r"(?:instruction|prompt)"
# 'as the instruction says', 'based on the given prompt', 'the prompt asks for'
_ABOUT_PROMPT = re.compile(
    r"\b(?:(?:as )?per|according to|based on|in response to|in line with"
    r"|as (?:stated|requested|specified|mentioned|asked|described|instructed) (?:in|by)) "
    # an instruction set, a prompt box and the like are things that an answer may be about
    rf"(?:the|this|your) (?:{_GIVEN} )?{_NOUN}(?=[.,:;!?\n*]| (?:above|below|given|provided|and|I|we|to)\b)"
    rf"|(?<!\bwhen )(?<!\bonce )(?<!\buntil )(?<!\bif )\b(?:the|this|your) (?:{_GIVEN} )?{_NOUN} "
    r"(?:says?|asks?|asked|requests?|requested|requires?|states?|stated|specif(?:y|ies|ied)|does not|doesn't|did not"
    r"|is (?:asking|unclear|incomplete|vague|ambiguous|not clear))\b",
    re.IGNORECASE,
)
_MADE = (
    r"(?:rewritten|re-written|revised|refined|improved|rephrased|reworded|edited|modified|updated|polished|enhanced)"
)
_REPLY = r"(?:response|answer|reply|completion)"
# 'Here is a rewritten response:', 'Revised response:', 'I have rewritten the response'
_ANNOUNCED = re.compile(
    rf"\b(?:here(?:'s| is|\u2019s)|below is|this is) (?:an?|the|my|your) {_MADE} "
    rf"(?:version of (?:the|my|your) )?(?:{_GIVEN} )?{_REPLY}\b"
    rf"|^\W{{0,4}}{_MADE} {_REPLY}\W{{0,4}}:"
    rf"|\bI(?:'ve|\u2019ve| have)? (?:rewritten|rewrote|revised|refined|rephrased|improved|edited) "
    rf"(?:the|my|this|your) (?:{_GIVEN} )?{_REPLY}\b",
    re.IGNORECASE | re.MULTILINE,
)


# a system prompt repeated: 'As a helpful and respectful assistant'
_ABOUT_ROLE = re.compile(
    r"\bas an? (?:(?:helpful|respectful|honest|harmless|responsible|ethical|polite|truthful|friendly),?(?: and)? ){1,5}"
    r"(?:AI )?(?:language )?(?:assistant|model),",
    re.IGNORECASE,
)


class MetaTalkSettings(Settings):
    """Drop responses that speak of the prompt, or announce themselves as a rewritten response.

    A model tuned on them speaks of instructions that it never saw (Response Tuning shows it none). Texts about
    instructions or prompts of another kind (a game's, a camera's) do not match; code is not looked at.

    Attributes:
        about_prompt: Drop on talk about the instruction or prompt, wherever it stands.
        about_role: Drop on a system prompt that is repeated ('as a helpful and respectful assistant').
        announced: Drop on announcements of a response as such, near either end.
    """

    step: Literal["meta_talk"] = "meta_talk"
    about_prompt: bool = True
    about_role: bool = True
    announced: bool = True


def judge(text: str, settings: MetaTalkSettings) -> Outcome:
    """`about_prompt`, `about_role` or `announced`; the score is where it stands, as a share of the text."""
    prose = without_code(text)
    for reason, pattern in (("about_prompt", _ABOUT_PROMPT), ("about_role", _ABOUT_ROLE)):
        match = pattern.search(prose) if getattr(settings, reason) else None
        if match:
            return Fault(reason, match.start() / len(prose))
    if settings.announced:
        for start in sorted({0, max(0, len(prose) - EDGE)}):
            match = _ANNOUNCED.search(prose[start : start + EDGE])
            if match:
                return Fault("announced", (start + match.start()) / len(prose))
    return None
