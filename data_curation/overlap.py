"""Word n-grams that texts share with evaluation prompts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from data_curation.records import normalise_for_id

_WORD = re.compile(r"[^\W_]+")


def plain_words(text: str) -> list[str]:
    """Words and numbers, case-folded; punctuation and signs do not count, so that other typography still matches."""
    return _WORD.findall(normalise_for_id(text).casefold())


@dataclass(frozen=True, slots=True)
class Shared:
    """What a text shares with one prompt: its position, a shared n-gram, and the share of its n-grams that are met."""

    prompt: int
    ngram: str
    share: float


class PromptNgrams:
    """Index of the n-grams of prompts.

    A prompt of fewer than `ngram` words has one n-gram, itself; one of fewer than `least_words` words counts only
    where it is the whole of a text: three common words stand in many a text by chance. Whole texts are looked at on
    demand: an answer `Fire.` is not taken from a prompt of that one word.
    """

    def __init__(self, prompts: Sequence[str], ngram: int, least_words: int):
        self._ngram = ngram
        self._total: list[int] = []
        self._index: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        self._whole: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        self._lengths: set[int] = set()
        for position, prompt in enumerate(prompts):
            found = plain_words(prompt)
            grams = set(_grams(found, min(ngram, len(found)))) if len(found) >= least_words else set()
            self._total.append(len(grams))
            for gram in grams:
                self._index[gram].append(position)
                self._lengths.add(len(gram))
            if found:
                self._whole[tuple(found)].append(position)

    def shared(self, text: str, wholes: bool = True) -> list[Shared]:
        """Prompts that the text shares n-grams with, in their order; the n-gram shown is the first one in the text."""
        found = plain_words(text)
        hits: dict[int, list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        for length in self._lengths:
            for start, gram in enumerate(_grams(found, length)):
                for position in self._index.get(gram, ()):
                    hits[position].append((start, gram))
        whole = {position: tuple(found) for position in self._whole.get(tuple(found), ())} if wholes else {}
        shared = [Shared(p, " ".join(gram), 1.0) for p, gram in whole.items()]
        for position, places in hits.items():
            if position not in whole:
                share = len({gram for _, gram in places}) / self._total[position]
                shared.append(Shared(position, " ".join(min(places)[1]), round(share, 6)))
        return sorted(shared, key=lambda one: one.prompt)


def best(shared: Iterable[Shared]) -> Shared | None:
    """The one with the largest share; ties go to the earlier prompt."""
    return max(shared, key=lambda one: (one.share, -one.prompt), default=None)


def _grams(found: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    return (tuple(found[start : start + length]) for start in range(len(found) - length + 1)) if length else iter(())
