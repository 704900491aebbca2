"""Texts as words: how replies and the phrases of a reference are compared, without case and punctuation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

Span = tuple[int, int]  # first word, and the word after the last

_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_NUMBER = re.compile(rf"\b({_TENS})[\s-]+(one|two|three|four|five|six|seven|eight|nine)\b")
_PART = re.compile(r"(?P<word>[^\W_]+)|(?P<end>[.!?]+(?=[\s\"')\]*_]|$)|\n+)|(?P<mark>[,;:()])")
_IDIOM = re.compile(r"\b(?:no (?:problem|problems|worries|doubt|trouble)|not (?:a problem|at all))\b")
# words after which a new statement begins
_CLAUSE_WORDS = frozenset({"but", "rather", "instead", "because", "so", "while", "whereas", "although", "however"})


def word_set(text: str) -> frozenset[str]:
    """The words of a list as text."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Words:
    """The words of a text, and where its clauses and sentences part.

    Attributes:
        words: The words, in lower case, numbers such as `twenty-one` as one word, `n't` as `not`, without `'s`.
        clauses: For each word the number of its clause: they part at punctuation and at words like `but`.
        asked: For each word whether it stands in a question.
    """

    words: tuple[str, ...]
    clauses: tuple[int, ...]
    asked: tuple[bool, ...]

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Every word's places."""
        found: dict[str, list[int]] = {}
        for place, word in enumerate(self.words):
            found.setdefault(word, []).append(place)
        return found

    def is_asked(self, span: Span) -> bool:
        """Whether a phrase stands in a question."""
        return self.asked[span[0]]

    def find(self, phrase: str) -> list[Span]:
        """Where a phrase occurs, as whole words in a row."""
        wanted = phrase_words(phrase)
        if not wanted:
            return []
        starts = self.places.get(wanted[0], ())
        return [(first, first + len(wanted)) for first in starts if self.words[first : first + len(wanted)] == wanted]


def plain(text: str) -> str:
    """Lower case, straight quotes, `n't` as ` not`, without `'s`, numbers such as `twenty-one` as one word."""
    text = text.lower().replace("\u2019", "'").replace("\u2018", "'")
    text = text.replace("cannot", "can not").replace("can't", "can not").replace("won't", "will not")
    text = re.sub(r"n't\b", " not", text) if "n't" in text else text
    text = re.sub(r"'s\b", "", text) if "'s" in text else text
    return _NUMBER.sub(r"\1\2", text)


@lru_cache(maxsize=100_000)
def phrase_words(phrase: str) -> tuple[str, ...]:
    """The words of a phrase of a reference, as they are compared."""
    return tuple(match["word"] for match in _PART.finditer(plain(phrase)) if match["word"])


def read_words(text: str) -> Words:
    """The words of a reply. Friendly phrases with a `no` in them (`no problem`) are left out."""
    words: list[str] = []
    clauses: list[int] = []
    asked: list[bool] = []
    clause = 0
    for match in _PART.finditer(_IDIOM.sub(",", plain(text))):
        word, end = match["word"], match["end"]
        if word is None:
            clause += 1
            if end:
                asked += ["?" in end] * (len(words) - len(asked))
            continue
        clause += word in _CLAUSE_WORDS
        words.append(word)
        clauses.append(clause)
    asked += [False] * (len(words) - len(asked))
    return Words(tuple(words), tuple(clauses), tuple(asked))
