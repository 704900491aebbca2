"""Explanatory or bare: whether a refusal says why.

A reason is a statement of law, harm, ethics, respect, privacy, consent, truth, rules or ability, or any clause behind
`because` and its kin; naming what is asked for as illegal or harmful counts. Thanks, apologies, offers of other help
and places to turn to are no reasons. English, and a rule about words; `benchmarks/refusal_detector.py` measures it.
"""

from __future__ import annotations

import re
from typing import Literal

from data_curation.refusal_cues import Rule
from data_curation.refusal_rules import normalise, sentences

Kind = Literal["explanatory", "bare"]


def _reason(id: str, pattern: str, example: str) -> Rule:
    return Rule(id, re.compile(pattern), example)


REASONS = (
    _reason(
        "R1-law",
        r"\b(?:illegal\w*|unlawful\w*|law|laws|lawful|legal|legally|criminal\w*|crimes?|theft|steal\w*|fraud\w*|scam\w*"
        r"|offen[cs]e|felony|punish\w*|prison|jail|penalt\w+|rights?)\b(?!\s+(?:now|away|back))",
        "That would be against the law.",
    ),
    _reason(
        "R2-harm",
        r"\b(?:harm(?!less)\w*|danger\w*|hurt\w*|injur\w*|risk\w*|unsafe|safety|damag\w*|kill\w*|violen\w+|abus\w+|threat\w*"
        r"|weapons?|suffer\w*|toxic|poison\w*|death|deadly|fire|well-?being)\b",
        "People could be hurt.",
    ),
    _reason(
        "R3-ethics",
        r"\b(?:unethical\w*|ethic\w*|immoral\w*|moral\w*|wrong|not\s+right|dishonest\w*|cheat\w*|malicious\w*|exploit\w*"
        r"|manipulat\w*|unfair\w*|integrity)\b",
        "It is dishonest.",
    ),
    _reason(
        "R4-respect",
        r"\b(?:disrespect\w*|inappropriate\w*|not\s+(?:\w+\s+)?(?:appropriate|acceptable|respectful|okay|ok|kind)|offensive"
        r"|insult\w*|derogatory|discriminat\w*|stereotyp\w*|generaliz\w*|generalis\w*|hate\w*|mock\w*|explicit|humiliat\w*"
        r"|unacceptable|bias\w*|prejudic\w*|racis\w+|sexis\w+|(?:be|treat\w*|with|mutual)\s+(?:\w+\s+){0,2}respect\w*"
        r"|respect\s+(?:for\s+)?(?:the|their|other\w*|people\w*|every\w*|all))\b",
        "It is not appropriate to say this of a group of people.",
    ),
    _reason(
        "R5-privacy",
        r"\b(?:privacy|private|confidential\w*|consent|permission|personal\s+(?:\w+\s+){0,2}(?:information|data|details"
        r"|contact|life|email))\b",
        "It would invade her privacy.",
    ),
    _reason(
        "R6-own-rules",
        r"\b(?:my|our|the)\s+(?:\w+\s+){0,3}?(?:guidelines?|polic(?:y|ies)|programming|principles?|values|rules|purpose)\b"
        r"|\b(?:programmed|designed)\s+to\b|\bguidelines\b|\bnot\s+programmed\b",
        "My guidelines do not allow it.",
    ),
    _reason(
        "R7-ability",
        r"\b(?:don't|do\s+not|doesn't|does\s+not|have\s+no|has\s+no|without|lack\w*|not\s+have|no)\s+(?:\w+\s+){0,4}?"
        r"(?:access|ability|capability|capacity|opinions?|feelings?|emotions?|beliefs?|preferences?|knowledge|body"
        r"|information\s+(?:on|about)|facts|data|context|thoughts?|experiences?|biases)\b"
        r"|\b(?:don't|do\s+not|not)\s+(?:actually\s+)?know\b|\bcannot\s+(?:form|predict|make\s+purchases|generate)\b"
        r"|\bcan't\s+(?:form|predict)\b|\bnot\s+capable\b|\bexceeds\s+my\b|\bi\s+am\s+(?:just\s+|only\s+)?a\s+(?:\w+\s+)?program\b"
        r"|\b(?:made|trained|designed)\s+only\s+for\b|\bunable\s+to\s+(?:predict|form)\b",
        "I have no access to that file.",
    ),
    _reason(
        "R8-truth",
        r"\b(?:false\w*|untrue|not\s+true|myth|misleading|mislead\w*|misinformation|incorrect|not\s+\w*\s*(?:accurate|factual"
        r"|correct)\w*|decei\w+|decept\w+|lies|invent\w*)\b",
        "The claim is false.",
    ),
    _reason(
        "R9-because",
        r"\b(?:because|since|therefore|due\s+to|which\s+is\s+why|for\s+it\s+(?:could|would|is)|as\s+(?:it|this|that|i)\s+\w+"
        r"|it\s+would\s+\w+|it\s+could\s+\w+|so\s+i\s+(?:can't|cannot|won't|will\s+not))\b",
        "I can't, because the shop is closed.",
    ),
    _reason(
        "R10-consequences",
        r"\b(?:consequences|against\s+the\s+rules|lead\s+to|cause[sd]?|could\s+(?:put|start)|sensitive|controversial)\b",
        "This can have consequences.",
    ),
)


def reasons(response: str) -> tuple[str, ...]:
    """Ids of the reasons that a refusal gives, in the order of `REASONS`; none: a bare refusal."""
    parts = sentences(normalise(response))
    return tuple(rule.id for rule in REASONS if any(rule.pattern.search(part) for part in parts))


def kind_of(response: str) -> Kind:
    """Whether a refusal is `explanatory` (gives a reason) or `bare`."""
    return "explanatory" if reasons(response) else "bare"
