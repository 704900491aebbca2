"""Replies to sums: whether every number in them is the result, or belongs to a sum that is right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from paper_repro.testbed.rules.words import Words, read_words, word_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from paper_repro.testbed.items import Reference
    from paper_repro.testbed.rules.words import Span

_SUM = re.compile(r"(?P<a>\d+) (?P<operation>plus|minus) (?P<b>\d+)")
_SIGN = "[-\u2212\u2013]"
# signs as words; a dash that is neither between numbers nor right before one is a bullet or a pause
_SIGNS = (
    (re.compile(r"\+"), " plus "),
    (re.compile(r"="), " equals "),
    (re.compile(rf"(?<=\d)\s*{_SIGN}\s*(?=\d)"), " minus "),
    (re.compile(rf"(?<![^\s(:*]){_SIGN}(?=\d)"), " minus "),
)
_OPERATIONS = {"plus": 1, "minus": -1}
_LINKS = word_set("is are makes make equals equal gives give")
_AFTER_LINK = word_set("exactly equal to the number")
_NEGATIVE = word_set("minus negative")
_BETWEEN = 5  # words that may stand between the two numbers of the question ("take 20 away from 44")


def is_miscalculated(answer: str, reference: Reference, said: Callable[[Words, Span], str]) -> bool:
    """Whether a reply to a sum says something else than its result.

    An equation that does not hold; the result with a minus; another number by itself, also one of the two asked about;
    or the result only as a part of other sums ("24 plus 20 is 44" for 44 minus 20). A denied number does no harm.

    Args:
        answer: The answer part of a reply.
        reference: Of any task; those that are no sum are never miscalculated.
        said: Whether a phrase is affirmed or denied (`content.how_said`).
    """
    asked = _SUM.fullmatch(reference.subject[0]) if reference.subject else None
    if asked is None:
        return False
    for sign, word in _SIGNS:
        answer = sign.sub(word, answer)
    words = read_words(answer)
    counted = [
        place
        for place, word in enumerate(words.words)
        if word.isdecimal() and not words.asked[place] and said(words, (place, place + 1)) != "denied"
    ]
    return not _is_calculated(words, counted, asked)


def _is_calculated(words: Words, places: list[int], asked: re.Match[str]) -> bool:
    """Whether the numbers at these places are sums that hold, the sum asked for and its result, and nothing else."""
    a, b, operation = int(asked["a"]), int(asked["b"]), asked["operation"]
    result = a + _OPERATIONS[operation] * b
    answered = False
    while places:
        first, number = places[0], int(words.words[places[0]])
        end = _equation(words, places)
        if end is not None:
            if not _holds(words, places):
                return False
            answered |= int(words.words[end]) == result
            places = places[3:]
        elif number == result and not _is_negative(words, first):
            answered = True
            places = places[1:]
        elif len(places) > 1 and _names_sum(words, places[0], places[1], (a, operation, b)):
            places = places[2:]
        else:
            return False
    return answered


def _equation(words: Words, places: list[int]) -> int | None:
    """The place of the right side if the first three numbers make an equation, such as "2 plus 3 is 5"."""
    if len(places) < 3 or places[1] != places[0] + 2 or words.words[places[0] + 1] not in _OPERATIONS:
        return None
    between = words.words[places[1] + 1 : places[2]]
    linked = between[:1] and between[0] in _LINKS and set(between[1:]) <= _AFTER_LINK | _NEGATIVE
    return places[2] if linked else None


def _holds(words: Words, places: list[int]) -> bool:
    left, right, end = (int(words.words[place]) for place in places[:3])
    sign = -1 if _is_negative(words, places[2]) else 1
    return left + _OPERATIONS[words.words[places[0] + 1]] * right == sign * end


def _is_negative(words: Words, place: int) -> bool:
    """Whether a minus belongs to the number itself: no number of its clause stands before it."""
    if place == 0 or words.words[place - 1] not in _NEGATIVE:
        return False
    before = place - 2
    return before < 0 or not words.words[before].isdecimal() or words.clauses[before] != words.clauses[place]


def _names_sum(words: Words, first: int, second: int, asked: tuple[int, str, int]) -> bool:
    """Whether two numbers are those asked about, in an order that fits, and no other operation stands between them."""
    a, operation, b = asked
    between = words.words[first + 1 : second]
    said = (int(words.words[first]), int(words.words[second]))
    fits = said == (a, b) or (said == (b, a) and (operation == "plus" or "from" in between))
    other = set(between) & (set(_OPERATIONS) - {operation} | _LINKS)
    return fits and 1 <= len(between) <= _BETWEEN and not other
