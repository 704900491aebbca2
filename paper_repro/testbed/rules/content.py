"""Whether an answer says what it has to say, and nothing against it."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Literal

from paper_repro.testbed.rules.contrary import FALSE, is_elsewhere, takes_back
from paper_repro.testbed.rules.sums import is_miscalculated
from paper_repro.testbed.rules.turns import answer_part
from paper_repro.testbed.rules.words import Span, Words, read_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from paper_repro.testbed.items import Reference

Said = Literal["affirmed", "denied", "open"]
_NEGATIONS = frozenset({"not", "never", "neither", "nor", "without", "nothing", "nobody", "hardly"})
_BE = frozenset({("is",), ("are",), ("was",), ("were",), ("does",), ("do",), ("did",)})
_FALSE_BEFORE = frozenset({("opposite", "of"), *((word, more) for word in FALSE for more in ("that", "to"))})
_ARTICLES = frozenset({"the", "a", "an"})


def content_is_right(text: str, reference: Reference) -> bool:
    """Whether the answer part of a reply is right by a reference.

    Every group has one alternative that is affirmed (in their order, if the reference is ordered); nothing forbidden
    is affirmed; nothing is both affirmed and denied. What stands in a question counts for nothing. How a reply ends
    is not looked at (`stopping`), except that what follows a new turn is not its answer.

    Args:
        text: A reply as generated.
        reference: What a right answer holds.
    """
    return content_fault(text, reference) is None


def content_fault(text: str, reference: Reference) -> str | None:
    """Why the content is not right, as the name of the rule that says so, or None.

    `empty`, `missing` (a group without an affirmed alternative), `denied` (affirmed and denied), `forbidden` (what
    makes it wrong is affirmed), `contrary` (a yes or no is taken back), `elsewhere` (a yes or no, and then something of
    another one), `sum` (another number or sum than the one asked for), `order` (not in the order asked for).
    """
    answer = answer_part(text)
    words = read_words(answer)
    if not words.words:
        return "empty"
    named = _spans(words, reference.subject)
    found = [_alternatives(words, group, named) for group in reference.groups]
    negating = _own_negations(words, found)
    said = [{span: _how_held(words, span, negating) for span in spans} for spans in found]
    affirmed = [[span for span, how in group.items() if how == "affirmed"] for group in said]
    if _misses(affirmed):
        return "missing"
    if _contradicts(said):
        return "denied"
    if _says_forbidden(words, reference, negating):
        return "forbidden"
    if takes_back(words, reference):
        return "contrary"
    if is_elsewhere(words, reference):
        return "elsewhere"
    if is_miscalculated(answer, reference, how_said):
        return "sum"
    if reference.ordered and not in_order(affirmed):
        return "order"
    return None


def _misses(affirmed: Sequence[Sequence[Span]]) -> bool:
    return not all(affirmed)


def _contradicts(said: Sequence[Mapping[Span, Said]]) -> bool:
    """Whether something that is affirmed is denied too."""
    return any("denied" in group.values() for group in said)


def _spans(words: Words, phrases: Iterable[str]) -> list[Span]:
    return list(chain.from_iterable(map(words.find, phrases)))


def _alternatives(words: Words, group: Iterable[str], named: Sequence[Span]) -> list[Span]:
    """Where a group's alternatives occur, of those that overlap the longest.

    Neither in a question nor inside a longer subject: "the last word of garden, nest, gate" names the row.
    """
    kept: list[Span] = []
    for span in sorted(set(_spans(words, group)), key=lambda span: (span[0] - span[1], span)):
        free = not any(span[0] < other[1] and other[0] < span[1] for other in kept)
        if free and not words.is_asked(span) and not _inside_longer(span, named):
            kept.append(span)
    return sorted(kept)


def _own_negations(words: Words, found: Sequence[Sequence[Span]]) -> frozenset[int]:
    """Places of negations that belong to an alternative themselves (`is not red`): they deny nothing."""
    inside = {place for spans in found for first, end in spans for place in range(first, end)}
    return frozenset(place for place in inside if words.words[place] in _NEGATIONS)


def _how_held(words: Words, span: Span, own: frozenset[int]) -> Said:
    """`how_said`, and denied as well is what is called false, wrong, or the opposite."""
    return "denied" if _is_called_false(words, span) else how_said(words, span, own)


def _is_called_false(words: Words, span: Span) -> bool:
    """Whether a phrase is called false right after it ("green is wrong"), or before it in its clause.

    Before it: "it is false that", "it would be wrong to say", "the opposite of". Refusals are read without this rule.
    """
    first, end = span
    after = end + (words.words[end : end + 1] in _BE)
    if after > end and after < len(words.words) and words.words[after] in FALSE:
        return words.clauses[after] == words.clauses[first]
    before = [p for p in range(first) if words.clauses[p] == words.clauses[first]]
    return any(words.words[p : p + 2] in _FALSE_BEFORE for p in before)


def how_said(words: Words, span: Span, own: frozenset[int] = frozenset()) -> Said:
    """Whether a phrase is affirmed, denied, or left open.

    Denied: a negation stands before it in its clause, or `not` or `is not` right after it. Open: `or` stands beside it.

    Args:
        words: The words of the text.
        span: Where the phrase stands.
        own: Places of negations that do not count.
    """
    first, end = span
    clause = words.clauses[first]
    start = first
    while start > 0 and words.clauses[start - 1] == clause:
        start -= 1
    before = [p for p in range(start, first) if words.words[p] in _NEGATIONS or (words.words[p] == "no" and p > start)]
    if any(place not in own for place in before):
        return "denied"
    after = end + (words.words[end : end + 1] in _BE)
    if words.words[after : after + 1] == ("not",) and after not in own and words.clauses[after] == clause:
        return "denied"
    previous = first - 1
    while previous >= 0 and words.words[previous] in _ARTICLES:
        previous -= 1
    if (previous >= 0 and words.words[previous] == "or") or words.words[end : end + 1] == ("or",):
        return "open"
    return "affirmed"


def _says_forbidden(words: Words, reference: Reference, own: frozenset[int]) -> bool:
    """Whether something forbidden is said and not denied, outside questions and longer allowed phrases."""
    allowed: list[Span] | None = None
    for phrase in reference.forbidden:
        for span in words.find(phrase):
            if words.is_asked(span) or _how_held(words, span, own) == "denied":
                continue
            if allowed is None:
                allowed = _spans(words, chain(reference.subject, *reference.groups))
            if not _inside_longer(span, allowed):
                return True
    return False


def _inside_longer(span: Span, allowed: Iterable[Span]) -> bool:
    first, end = span
    return any(start <= first and end <= stop and stop - start > end - first for start, stop in allowed)


def in_order(affirmed: Sequence[Sequence[Span]]) -> bool:
    """Whether groups are met in their order, once or again and again, and never in another.

    Args:
        affirmed: For each group where it is met.
    """
    places = sorted((span, number) for number, spans in enumerate(affirmed) for span in spans)
    said: list[int] = []
    for _, number in places:
        if not said or said[-1] != number:
            said.append(number)
    return said == list(range(len(affirmed))) * (len(said) // max(1, len(affirmed)))
