"""Who rates what, in which order, and which response stands first: a function of the seed and the prompts' ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from artifacts.digests import digest_text
from paper_repro.annotate.settings import AnnotateSettings


@dataclass(frozen=True, slots=True)
class Turn:
    """One item before one rater.

    Attributes:
        rater: Number of the rater, from 1.
        item: Index of the item.
        position: Place among the rater's turns, from 1.
        swapped: Whether the second system's response is shown first.
    """

    rater: int
    item: int
    position: int
    swapped: bool


def rater_names(count: int) -> list[str]:
    """Pseudonyms of the raters."""
    return [f"rater-{number}" for number in range(1, count + 1)]


def assign(prompt_ids: Sequence[str], settings: AnnotateSettings) -> list[Turn]:
    """Turns of all raters.

    Items are gone through in an order drawn by the seed; the first `overlap_share` of them get `overlap` raters, the
    others one, always those with the fewest turns so far (a draw decides among equals). So loads differ by one at most
    where the overlap is the same for all. Each rater sees the items in an order of its own, and the order of the two
    responses is drawn for every item and rater.

    Returns:
        Turns by rater and position. Another order of the prompts gives the same turns.
    """
    order = sorted(range(len(prompt_ids)), key=lambda index: _draw(settings.seed, "item", prompt_ids[index]))
    shared = round(settings.overlap_share * len(order))
    items: dict[int, list[int]] = {rater: [] for rater in range(1, settings.raters + 1)}
    for place, index in enumerate(order):
        raters = settings.together if place < shared else 1
        drawn = sorted(items, key=lambda rater: (len(items[rater]), _draw(settings.seed, prompt_ids[index], rater)))
        for rater in drawn[:raters]:
            items[rater].append(index)
    turns = []
    for rater, mine in items.items():
        mine.sort(key=lambda index: _draw(settings.seed, "order", rater, prompt_ids[index]))
        turns += [
            Turn(rater, index, position, _draw(settings.seed, "side", rater, prompt_ids[index])[0] in "01234567")
            for position, index in enumerate(mine, start=1)
        ]
    return turns


def _draw(*parts: object) -> str:
    """A digest as a draw: even over its 16 first digits, the same on every machine."""
    return digest_text("\x1f".join(map(str, parts)))
