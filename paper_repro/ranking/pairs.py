"""Which responses are compared: each right one with some that answer other instructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artifacts.digests import digest_text
from artifacts.errors import InputError
from paper_repro.rows import Row


@dataclass(frozen=True, slots=True)
class Pair:
    """An instruction and its response; `place` is the row's place in the file, from 0."""

    place: int
    instruction: str
    response: str


def usable_pairs(rows: Sequence[Row]) -> tuple[list[Pair], dict[str, int]]:
    """Pairs with a response, each once, and how many rows were left out for which reason."""
    pairs, seen = [], set()
    counts = {"rows": len(rows), "rows_without_response": 0, "rows_repeated": 0}
    for place, row in enumerate(rows):
        if not row.response.strip():
            counts["rows_without_response"] += 1
        elif (row.instruction, row.response) in seen:
            counts["rows_repeated"] += 1
        else:
            seen.add((row.instruction, row.response))
            pairs.append(Pair(place, row.instruction, row.response))
    return pairs, counts


def chosen_pairs(pairs: Sequence[Pair], limit: int | None, seed: int) -> list[Pair]:
    """At most `limit` pairs in an order drawn from the seed and their texts, whatever their order in the file."""

    def rank(pair: Pair) -> tuple[str, str, str]:
        return digest_text(f"{seed}\0{pair.instruction}\0{pair.response}"), pair.instruction, pair.response

    return sorted(pairs, key=rank)[:limit]


def mismatched(pairs: Sequence[Pair], count: int) -> list[list[int]]:
    """For each pair the indices of `count` others whose responses answer something else.

    Taken are the next ones in order (a drawn one, see `chosen_pairs`), the first following the last, so every response
    is the wrong one about equally often. A pair of the same instruction or the same response is passed over: its
    response would not be wrong.

    Raises:
        InputError: a pair has fewer others.
    """
    found = []
    for index, pair in enumerate(pairs):
        others: list[int] = []
        for step in range(1, len(pairs)):
            other = (index + step) % len(pairs)
            if pairs[other].instruction != pair.instruction and pairs[other].response != pair.response:
                others.append(other)
            if len(others) == count:
                break
        if len(others) < count:
            raise InputError(
                f"row {pair.place} has only {len(others)} responses to other instructions to be compared with, "
                f"asked for are {count}",
                fix="give more pairs, raise limit, or lower mismatches",
            )
        found.append(others)
    return found
