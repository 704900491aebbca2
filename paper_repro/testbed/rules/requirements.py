"""Whether an answer meets what an instruction asks for, requirement by requirement, as InfoBench does.

Form is read off the segments of the answer that hold content (`segments`), so that a friendly opening or closing, on a
line of its own, in a sentence of its own or before a colon, neither helps nor hurts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from paper_repro.testbed.rules.content import content_fault
from paper_repro.testbed.rules.segments import content_segments, held_groups
from paper_repro.testbed.rules.turns import answer_part, bullet

if TYPE_CHECKING:
    from collections.abc import Callable

    from paper_repro.testbed.items import Reference, Requirement

_BULLETS = frozenset("-*•")


def requirement_is_met(text: str, requirement: Requirement, reference: Reference) -> bool:
    """Whether the answer part of a reply meets one requirement; the rule is the one of its kind.

    Args:
        text: A reply as generated; an empty one meets nothing.
        requirement: What is asked for.
        reference: The content that the answer should have.
    """
    return bool(content_segments(text, reference)) and RULES[requirement.kind](text, requirement, reference)


def has_content(text: str, requirement: Requirement, reference: Reference) -> bool:
    """`content`: what `content_is_right` says, whatever the order."""
    return content_fault(text, reference) in (None, "order")


def has_order(text: str, requirement: Requirement, reference: Reference) -> bool:
    """`order`: everything asked for is there, and in its order; something wrong beside it is not this rule's."""
    bare = reference.model_copy(update={"ordered": True, "forbidden": ()})
    return content_fault(text, bare) is None


def is_upper(text: str, requirement: Requirement, reference: Reference) -> bool:
    """`upper-case`: every letter of the segments that hold content is upper case, and there is one."""
    letters = "".join(segment.text for segment in content_segments(text, reference))
    return letters.isupper()


def has_bullets(text: str, requirement: Requirement, reference: Reference) -> bool:
    """`bullets`: what is asked for stands on lines with a bullet mark (`-`, `*`, `•`), one item a line.

    There are at least as many such lines as items, and no line holds two. A numbered line is none.
    """
    lines = answer_part(text).split("\n")
    marked = [line for line in lines if bullet(line) in _BULLETS]
    held = [(line, held_groups(line, reference)) for line in lines]
    alone = all(bullet(line) in _BULLETS and not _several(line, groups, reference) for line, groups in held if groups)
    return alone and len(marked) >= max(1, len(reference.groups))


def has_commas(text: str, requirement: Requirement, reference: Reference) -> bool:
    """`comma-separated`: what is asked for stands on one line, parted by commas, without `and` instead of one.

    There are at least as many parts as items (at least two), and no part holds two items; a comma before `and` is one.
    """
    held = content_segments(text, reference)
    if len({segment.line for segment in held if segment.groups}) > 1:
        return False
    parts = max((segment.text.split(",") for segment in held), key=len)
    alone = not any(_several(part, held_groups(part, reference), reference) for part in parts)
    joined = any(re.search(r"\S\s+(?:and|or)\s+\S", part) for part in parts)
    return alone and not joined and len(parts) >= max(2, len(reference.groups))


def _several(text: str, groups: tuple[int, ...], reference: Reference) -> bool:
    """Whether a text holds alternatives of two groups that are not the same."""
    return len({reference.groups[group] for group in groups}) > 1


def has_word_count(text: str, requirement: Requirement, reference: Reference) -> bool:
    """`word-count`: the segments that hold content have exactly `value` words together.

    A word is what stands between blanks and has a letter or a digit in it: `well-known` and `don't` are one.
    """
    words = " ".join(segment.text for segment in content_segments(text, reference)).split()
    return sum(bool(re.search(r"[^\W_]", word)) for word in words) == requirement.value


RULES: dict[str, Callable[[str, Requirement, Reference], bool]] = {
    "content": has_content,
    "upper-case": is_upper,
    "bullets": has_bullets,
    "comma-separated": has_commas,
    "word-count": has_word_count,
    "order": has_order,
}
