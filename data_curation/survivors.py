"""Which of several duplicates stays, shared by exact, near and semantic deduplication.

The three steps take the records in one order, best first. A record leaves only because of a record that stays and
is itself similar enough; one that has left makes nothing else leave. So there are no chains (A like B, B like C,
so C goes for A), and the outcome is the same however the records come in. Rows of a reference set stand before all
others: they never leave, and a record that is like one of them leaves because of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from artifacts.settings import Settings
from data_curation.quality import quality
from data_curation.records import Record, normalise_for_id
from data_curation.step import Drop

Survivor = Literal["quality", "longest", "first", "id"]
"""`quality`: the row with the highest quality score. That is a column of the input where one is named
(`columns.quality`, `--quality-column`): rows without a score come last. Where no row has a score it is that of the
text (`data_curation.quality`). Equal scores are settled by length, then by text. `longest`: the response with most
characters (white space around it not counted). `first`: the earliest row of its source, sources in alphabetical
order. `id`: the smallest `row_id`, a digest, so in no order that means anything. Ties go to the smaller `row_id`. All
are the same for any order in which the records are handed over; all but `first` moreover for any order of the rows in
their file."""
log = logging.getLogger("rt")


class DedupSettings(Settings):
    """What every deduplication step can be told.

    Attributes:
        survivor: Which of two duplicates stays.
        within: Whether rows of the set are compared with each other; if not, with the reference set only.
    """

    survivor: Survivor = "longest"
    within: bool = True


@dataclass(frozen=True, slots=True)
class Lineup:
    """Records in the order in which deduplication takes them.

    Attributes:
        records: Rows of the reference first, then those of the set, best first.
        given: How many are of the reference.
        within: Whether rows of the set may make others leave.
    """

    records: list[Record]
    given: int
    within: bool

    def may_leave(self, place: int) -> bool:
        """Whether the record at this place is one to decide on: those of the reference are not."""
        return place >= self.given

    def may_drop(self, place: int) -> bool:
        """Whether others may leave because of the record at this place, if it stays."""
        return self.within or place < self.given

    def closest(self, similar: Iterable[tuple[float, int]]) -> tuple[float, int] | None:
        """Of `(similarity, place)` pairs, the one to name: reference before set, then the most similar, then row_id."""
        return min(
            similar,
            key=lambda pair: (pair[1] >= self.given, -pair[0], self.records[pair[1]].row_id),
            default=None,
        )

    def drop(self, place: int, by: int, reason: str, score: float) -> Drop:
        """That one record leaves because of another; the reason says so if that is a row of the reference."""
        ids = self.records[place].row_id, self.records[by].row_id
        if by < self.given:
            return Drop(ids[0], f"{reason}_of_reference", ids[1], score, by_set="reference")
        return Drop(ids[0], reason, ids[1], score)


def line_up(records: Sequence[Record], settings: DedupSettings, reference: Sequence[Record] = ()) -> Lineup:
    """The records in their order; of equal responses of the reference, only the one with the smallest `row_id`."""
    different: dict[str, Record] = {}
    for record in sorted(reference, key=lambda record: record.row_id):
        different.setdefault(record.record_id, record)
    order = survivor_order(records, settings.survivor)
    return Lineup([*different.values(), *(records[place] for place in order)], len(different), settings.within)


def survivor_order(records: Sequence[Record], policy: Survivor) -> list[int]:
    """Positions of `records`, those that should stay first."""
    if policy == "quality":
        scores = quality_scores(records)
        keys = [_quality(record, score) for record, score in zip(records, scores, strict=True)]
        return sorted(range(len(records)), key=keys.__getitem__)
    key = {"longest": _longest, "first": _first, "id": _id}[policy]
    return sorted(range(len(records)), key=lambda position: key(records[position]))


def quality_scores(records: Sequence[Record]) -> list[float | None]:
    """The scores that the rows bring; where none has one, those of their texts."""
    if records and all(record.quality is None for record in records):
        log.info("survivor 'quality': no row brings a score, so the texts' own decide")
        return [quality(record.response).score for record in records]
    return [record.quality for record in records]


def _quality(record: Record, score: float | None) -> tuple[bool, float, int, str, str]:
    # the text before the row: of equal rows with other scores, which has which row_id is a matter of the file's order
    length, row_id = _longest(record)
    return score is None, -(score or 0.0), length, record.record_id, row_id


def _longest(record: Record) -> tuple[int, str]:
    return -len(normalise_for_id(record.response)), record.row_id


def _first(record: Record) -> tuple[str, int, str]:
    return record.source, record.row, record.row_id


def _id(record: Record) -> str:
    return record.row_id
