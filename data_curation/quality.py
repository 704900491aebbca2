"""A quality score of a response, from its text alone: it tells a whole text from a damaged copy of it.

It serves to choose which of several duplicates stays. It sees form only (cut off, looping, marks of a template, talk
about the prompt, broken code fences, broken characters, very short); whether a response is right, helpful or safe it
cannot see, and it is no reason to prefer one of two sound responses of different content.

Measured (`benchmarks/results/quality.json`): beside a copy with a planted fault it kept the sound text in 98 to 100 %
of the pairs, of every kind of fault; the policy `longest` in none where the fault makes the text longer. Of 400 random
responses it ranked the 9 faulty ones below clean ones with an AUC of 0.85 (95 % interval 0.63 to 1), so as a score of
responses at large it is weak: short answers rank low, and faults that the filters miss it misses too.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields

from data_curation.filters.broken_fence import BrokenFenceSettings
from data_curation.filters.broken_fence import judge as broken_fence
from data_curation.filters.gibberish import READS, broken_share, surprise
from data_curation.filters.meta_talk import MetaTalkSettings
from data_curation.filters.meta_talk import judge as meta_talk
from data_curation.filters.repetition import longest_run, repeated_share, tokens
from data_curation.filters.template_leak import TemplateLeakSettings
from data_curation.filters.template_leak import judge as template_leak
from data_curation.filters.truncation import TruncationSettings
from data_curation.filters.truncation import judge as truncation

DIGITS = 6  # scores are rounded to so many, so that no machine's logarithm decides
LENGTH_FULL = 100  # words from which more length adds nothing
SHORTEST = 0.5  # factor `length` of one word, before the logarithm adds to it
CUT, NO_END = 0.2, 0.9  # cut off for certain; no end mark behind a long last line
OPEN_FENCE, MARKS, ABOUT_PROMPT = 0.4, 0.2, 0.4
PLAIN, SALAD = 3.0, 4.0  # nats a letter: as surprising as other languages are; from where the filter drops
STRETCH, LEAST_TOKENS = 8, 40  # tokens of a stretch that counts as said again; shorter texts are not measured
READ_TOKENS = 4_000
_ENDED = re.compile(r"[.!?:;\u2026\u3002\uff01\uff1f\u0964\u061f)\]}>|`*_\"'\u201d\u2019\d]\Z")
LAST_LINE = 8  # words of a last line that should have an end mark


@dataclass(frozen=True, slots=True)
class Quality:
    """The factors of a score, each from 0 to 1, 1 where nothing is wrong.

    They were set by hand in the order of the harm that each fault does to a training row, before anything was
    measured, and are not fitted to labels.

    Attributes:
        length: From `SHORTEST` for a word to 1 from `LENGTH_FULL` words, by the logarithm; 0 for a blank response.
        whole: `CUT` if the filter `truncation` finds it cut; `NO_END` if a long last line lacks an end mark.
        fences: `OPEN_FENCE` if a code fence is left open.
        marks: `MARKS` if marks of a chat template stand inside.
        about: `ABOUT_PROMPT` if it speaks of the prompt, or of itself as a rewritten response.
        letters: Falls with broken characters (0 from one in ten) and with letters in no order.
        loops: 1 less the share of tokens in stretches of `STRETCH` that stood there before, or in one long run.
    """

    length: float
    whole: float
    fences: float
    marks: float
    about: float
    letters: float
    loops: float

    @property
    def score(self) -> float:
        """Product of the factors, from 0 (worst) to 1, rounded."""
        return round(math.prod(getattr(self, field.name) for field in fields(self)), DIGITS)


def quality(text: str) -> Quality:
    """The factors of a response's score; the same text has the same on every machine."""
    words = len(text.split())
    return Quality(
        length=min(1.0, SHORTEST + (1 - SHORTEST) * math.log1p(words) / math.log1p(LENGTH_FULL)) if words else 0.0,
        whole=_whole(text),
        fences=1.0 if broken_fence(text, BrokenFenceSettings()) is None else OPEN_FENCE,
        marks=1.0 if template_leak(text, TemplateLeakSettings()) is None else MARKS,
        about=1.0 if meta_talk(text, MetaTalkSettings()) is None else ABOUT_PROMPT,
        letters=_letters(text),
        loops=_loops(text),
    )


def _whole(text: str) -> float:
    if truncation(text, TruncationSettings()) is not None:
        return CUT
    last = text.rstrip().rpartition("\n")[2]
    return 1.0 if _ENDED.search(last) or len(last.split()) < LAST_LINE else NO_END


def _letters(text: str) -> float:
    broken = max(0.0, 1 - 10 * broken_share(text[:READS]))
    found = surprise(text, min_letters=60)
    return broken * (1.0 if found is None else min(1.0, max(0.0, (SALAD - found) / (SALAD - PLAIN))))


def _loops(text: str) -> float:
    words = tokens(text)[:READ_TOKENS]
    said = repeated_share(words, STRETCH) if len(words) >= LEAST_TOKENS else 0.0
    run = longest_run(text) / max(1, len(text))
    return 1 - max(said, run if run > 0.5 and len(text) > LEAST_TOKENS else 0.0)
