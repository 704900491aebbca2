"""Which of several duplicates stays, shared by exact, near and semantic deduplication.

The three steps take the records in one order, best first. A record leaves only because of a record that stays and
is itself similar enough; one that has left makes nothing else leave. So there are no chains (A like B, B like C,
so C goes for A), and the outcome is the same however the records come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from data_curation.records import Record, normalise_for_id

Survivor = Literal["longest", "first"]
"""`longest`: the response with most characters (white space around it not counted). `first`: the earliest row of
its source, sources in alphabetical order. Ties go to the smaller `row_id`. Both are the same for any order in which
the records are handed over; `longest` moreover for any order of the rows in their file."""


def survivor_order(records: Sequence[Record], policy: Survivor) -> list[int]:
    """Positions of `records`, those that should stay first."""
    keys = {"longest": _longest, "first": _first}
    key = keys[policy]
    return sorted(range(len(records)), key=lambda position: key(records[position]))


def _longest(record: Record) -> tuple[int, str]:
    return -len(normalise_for_id(record.response)), record.row_id


def _first(record: Record) -> tuple[str, int, str]:
    return record.source, record.row, record.row_id
