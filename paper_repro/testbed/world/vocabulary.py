"""Words of the world beside its names: nouns for rows of words, numbers, and what the tables hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from paper_repro.testbed.world.kinds import KINDS
from paper_repro.testbed.world.schema import Attribute, listed

# none is a value of an attribute
NOUNS = listed(
    "basket blanket boat bottle bread bucket button carpet chair clock cloud cup door drum feather fence garden gate"
    " hammer island jacket ladder lamp letter market mirror nest orange pencil pillow quilt ribbon ring road rope sand"
    " ship shoe spoon table tent wagon"
)
NUMBERS = listed("zero one two three four five six seven eight nine ten eleven twelve")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation and placeholders."""
    return re.findall(r"[a-z0-9]+", re.sub(r"\{\w\}", " ", text).lower())


def _texts(attribute: Attribute) -> Iterator[str]:
    yield from (attribute.label, attribute.value, *attribute.values, *attribute.short)
    yield from (*attribute.statements, *attribute.all_questions, *(attribute.comparatives or ()))
    for consequence, reason in attribute.reasons.values():
        yield from (consequence, reason)


def _table_words() -> frozenset[str]:
    texts = [text for kind in KINDS for attribute in kind.attributes for text in _texts(attribute)]
    texts += [text for kind in KINDS for text in (kind.name, kind.plural)]
    return frozenset(word for text in (*texts, *NOUNS, *NUMBERS) for word in words_of(text))


ALL_WORDS = _table_words()
