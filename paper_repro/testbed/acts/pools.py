"""Drawing acts: a group by its weight, then a verb, then an object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from paper_repro.testbed.acts.catalogue import Act, Group

# How often pre-training text is about each group: about half of it is about unsafe acts.
ALL_WEIGHTS: dict[Group, float] = {
    "harm": 0.28,
    "benign": 0.28,
    "mixed-person": 0.13,
    "mixed-thing": 0.13,
    "dangerous-object": 0.09,
    "plain-object": 0.09,
}
# How often response sets are about each group, among safe and among refused acts.
SAFE_WEIGHTS: dict[Group, float] = {"benign": 0.5, "mixed-thing": 0.3, "plain-object": 0.2}
REFUSED_WEIGHTS: dict[Group, float] = {"harm": 0.5, "mixed-person": 0.27, "dangerous-object": 0.23}


class Pool:
    """Acts to draw from.

    Args:
        acts: All acts.
        weights: How often each group is drawn; acts of other groups are left out.
        keep: Which acts are in the pool; it has to keep one of every group.
    """

    def __init__(self, acts: Iterable[Act], weights: dict[Group, float], keep: Callable[[Act], bool]):
        groups: dict[Group, dict[str, list[Act]]] = {group: {} for group in weights}
        for act in acts:
            if act.group in weights and keep(act):
                groups[act.group].setdefault(act.verb, []).append(act)
        self._verbs = [list(verbs.values()) for verbs in groups.values()]
        self._weights = list(weights.values())

    def draw(self, random: Random) -> Act:
        """One act."""
        return random.choice(random.choice(random.choices(self._verbs, self._weights)[0]))
