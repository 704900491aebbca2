"""Lengths and style measures of a response set: counts of what can be seen, no judgement of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from heapq import nsmallest
from typing import Any

import numpy as np

from data_curation.records import Record

STYLE_ROWS = (
    2_000  # at most so many rows are looked at for style: quick, and a share is right to about one point in 100
)
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
FIRST_WORDS = 10
_ITEM = re.compile(r"^[ \t]*(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_QUESTION = re.compile(r"[?\uff1f][\"'\u2019\u201d)\]*_]*\Z")
_END = re.compile(r"[.!?][\"'\u2019\u201d)\]*_]*(?:\s|\Z)|[\u3002\uff01\uff1f]")
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


@dataclass(frozen=True)
class Lengths:
    """Words (runs of other than white space) of the responses: mean, least, quantiles, most; None of an empty set."""

    mean: float | None
    least: int | None
    quantiles: dict[str, float]
    most: int | None


@dataclass(frozen=True)
class Style:
    """Style measures, as shares of the rows measured.

    Attributes:
        rows: Rows measured: all, or the `STYLE_ROWS` with the smallest `row_id`, a sample that hangs on no order.
        list_share: Responses with two list items or more.
        code_share: Responses with a code fence.
        question_share: Responses that end with a question mark.
        mean_sentences: Mean number of sentences (by punctuation and blank lines).
        first_words: The commonest first words, lower case, with their share.
    """

    rows: int
    list_share: float
    code_share: float
    question_share: float
    mean_sentences: float
    first_words: tuple[tuple[str, float], ...]


def sample(records: Sequence[Record], size: int) -> list[Record]:
    """At most `size` records: those with the smallest `row_id` (a digest, so this is a fair draw), in their order."""
    if len(records) <= size:
        return list(records)
    drawn = {record.row_id for record in nsmallest(size, records, key=lambda record: record.row_id)}
    return [record for record in records if record.row_id in drawn]


def word_counts(responses: Iterable[str], count: int = -1) -> np.ndarray:
    """Words of each response (int64); `count`: how many there are, where that is known."""
    return np.fromiter((len(text.split()) for text in responses), dtype=np.int64, count=count)


def lengths(counts: np.ndarray) -> Lengths:
    """Summary of word counts."""
    if not len(counts):
        return Lengths(None, None, {}, None)
    values = np.quantile(counts, QUANTILES)
    quantiles = {f"{share:.0%}": round(float(value), 1) for share, value in zip(QUANTILES, values, strict=True)}
    return Lengths(round(float(counts.mean()), 1), int(counts.min()), quantiles, int(counts.max()))


def sentences(text: str) -> int:
    """Sentences of a text: ends by punctuation, and paragraphs that end without any; 0 of a blank text."""
    paragraphs = _BLANK_LINE.split(text.strip())
    ends = 0
    for paragraph in paragraphs if paragraphs[0] else ():
        last = 0
        for match in _END.finditer(paragraph):
            ends, last = ends + 1, match.end()
        ends += last < len(paragraph)
    return ends


def first_word(text: str) -> str | None:
    """The first word of a text in lower case, or None if it has none."""
    match = _WORD.search(text)
    return match[0].lower() if match else None


def style(records: Sequence[Record]) -> Style | None:
    """Style measures of a set (see `Style`); None of an empty set."""
    texts = [record.response.strip() for record in sample(records, STYLE_ROWS)]
    if not texts:
        return None
    total = len(texts)
    # sorted by count, then word, so that ties do not hang on the order of the rows
    words = Counter(word for text in texts if (word := first_word(text)))
    first = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:FIRST_WORDS]
    return Style(
        rows=total,
        list_share=_share(sum(len(_ITEM.findall(text)) > 1 for text in texts), total),
        code_share=_share(sum(_FENCE.search(text) is not None for text in texts), total),
        question_share=_share(sum(_QUESTION.search(text) is not None for text in texts), total),
        mean_sentences=round(sum(map(sentences, texts)) / total, 2),
        first_words=tuple((word, _share(count, total)) for word, count in first),
    )


def _share(count: int, total: int) -> float:
    return round(count / total, 4)


def facts(records: Sequence[Record]) -> dict[str, Any]:
    """Lengths and style as JSON-ready values."""
    found = style(records)
    counts = word_counts([record.response for record in records])
    return {"words": asdict(lengths(counts)), "style": asdict(found) if found else None}
