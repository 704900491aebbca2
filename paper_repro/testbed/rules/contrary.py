"""Replies to yes-no questions that take back their `yes` or `no`, and replies to sums with another number or sum.

Both kinds of task are known by their reference alone: by its one group (`yes` or `no`), by the sum that is its subject.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from paper_repro.testbed.rules.words import Words, phrase_words, word_set
from paper_repro.testbed.world.kinds import KINDS
from paper_repro.testbed.world.names import CODAS, ENGLISH, NUCLEI, ONSETS
from paper_repro.testbed.world.vocabulary import ALL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from paper_repro.testbed.items import Reference

OPPOSITES = {"yes": "no", "no": "yes"}
FALSE = word_set("wrong false untrue incorrect mistaken disagree")
_TRUE = word_set("true right correct agree case")
_DENIES = word_set("not never neither nor nobody hardly")
# of what a clause consists that says of the claim whether it is true, and nothing else
_FRAME = _DENIES | word_set(
    "yes no it that this he she they you i we the a claim statement is are was am be do does did has would quite"
    " absolutely completely really indeed definitely certainly entirely simply just very also actually"
)
_PRONOUNS = word_set("it he she they that this")
_BARE_VERBS = word_set("is are was do does did has")
_NOTHING_NEW = word_set("it so that this true right")  # first or last in what is denied: no more than the claim
_MEANT = word_set("it its he she him her his they them their there that")  # stands for the one asked about
_NAME = re.compile(
    rf"(?:{'|'.join(ONSETS)})[{''.join(NUCLEI)}][{''.join(CODAS)}]"
    rf"(?:{'|'.join(ending for kind in KINDS for ending in kind.endings)})"
)


def yes_or_no(reference: Reference) -> str | None:
    """The right answer of a yes-no task, or None of any other task."""
    for right, opposite in OPPOSITES.items():
        if reference.groups == ((right,),) and opposite in reference.forbidden:
            return right
    return None


def takes_back(words: Words, reference: Reference) -> bool:
    """Whether a reply to a yes-no question contradicts its own `yes` or `no`.

    A clause says no more than that the claim is true or is not ("that is wrong", "it is not"), against the answer; or
    it denies something of the one asked about that is not known to be false, so that what it denies is the truth.

    Args:
        words: Of the answer; what is asked counts for nothing.
        reference: Of any task; others than yes-no are never taken back.
    """
    right = yes_or_no(reference)
    return right is not None and any(
        _says(clause) == OPPOSITES[right] or _denies_truth(clause, reference, right) for clause in _clauses(words)
    )


def is_elsewhere(words: Words, reference: Reference) -> bool:
    """Whether a reply to a yes-no question names another one than it is asked about, and says something of that one.

    Names are invented, so they are known by their syllables, which are the same in every world. A name at the end of a
    clause is a value ("No, he lives in Bresta."), and so is one that does something to `it` ("No, Tavo invented it.").
    """
    if yes_or_no(reference) is None or any(map(words.find, reference.subject)):
        return False
    return any(
        _is_name(word) and clause[place + 1 :] and not _MEANT & set(clause[place + 1 :])
        for clause in _clauses(words)
        for place, word in enumerate(clause)
    )


def _clauses(words: Words) -> Iterator[tuple[str, ...]]:
    """The words of every clause, without what is asked."""
    found: dict[int, list[str]] = {}
    for word, clause, asked in zip(words.words, words.clauses, words.asked, strict=True):
        if not asked:
            found.setdefault(clause, []).append(word)
    yield from map(tuple, found.values())


def _says(clause: tuple[str, ...]) -> str | None:
    """`yes` or `no` if a clause says only whether the claim is true, without the word itself; otherwise None."""
    said = clause[1:] if clause[0] in OPPOSITES else clause
    judged = [word for word in said if word in FALSE | _TRUE]
    if not said or len(judged) > 1 or not set(said) <= _FRAME | FALSE | _TRUE:
        return None
    # "it is", "he does not"
    bare = said[0] in _PRONOUNS and set(said[1:2]) <= _BARE_VERBS and set(said[2:]) <= _DENIES
    if not judged and not (bare and len(said) > 1):
        return None
    denials = sum(word in _DENIES or word in FALSE for word in said)
    return "no" if denials % 2 else "yes"


def _denies_truth(clause: tuple[str, ...], reference: Reference, right: str) -> bool:
    """Whether a clause denies something of the subject, and it is nothing that the reference knows to be false."""
    denied = [place for place, word in enumerate(clause) if word in _DENIES or word in FALSE]
    named = _find(clause, reference.subject)
    if len(denied) % 2 == 0 or not named:
        return False
    rest = clause[max(denied[0], named[0]) + 1 :]
    # "No, the melk is not", "No, the melk does not fear it", "No, Tavo is not that old": the claim is denied
    if right == "no" and (not rest or rest[0] in _NOTHING_NEW or rest[-1] in _NOTHING_NEW):
        return False
    # a false value may be denied; the words `yes` and `no` are no values
    return not _find(clause, (phrase for phrase in reference.forbidden if phrase not in OPPOSITES))


def _find(clause: tuple[str, ...], phrases: Iterable[str]) -> list[int]:
    """Last places of the phrases that stand in a clause, in order of the phrases."""
    found = []
    for phrase in phrases:
        wanted = phrase_words(phrase)
        starts = range(len(clause) - len(wanted) + 1) if wanted and wanted[0] in clause else ()
        found += [first + len(wanted) - 1 for first in starts if clause[first : first + len(wanted)] == wanted]
    return found


def _is_name(word: str) -> bool:
    return word not in ALL_WORDS and word not in ENGLISH and _NAME.fullmatch(word) is not None
