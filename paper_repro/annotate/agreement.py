"""How far raters agree: Krippendorff's alpha and Fleiss' kappa (by nltk), and plain percentages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

Ratings = Mapping[str, Mapping[str, str]]  # item to rater to label


def agreement(ratings: Ratings, labels: Sequence[str], *, ordinal: bool) -> dict[str, Any]:
    """Agreement on one question.

    Args:
        ratings: Labels given, by item and rater; items with one rating say nothing and are counted apart.
        labels: Possible labels, in order.
        ordinal: Whether their order means something, so that near labels disagree less.

    Returns:
        `items` and `ratings` that count, `single` items with one rating, `alpha` with its `scale`, `alpha_nominal`,
        `fleiss_kappa` over the `fleiss_items` that have the most usual number of raters (`fleiss_raters`), and as
        shares `pairs_agree` (mean over items of the agreeing pairs of raters) and `all_agree`. What is not defined
        (nobody overlaps, or all ratings are the same label) is None.
    """
    shared = {item: given for item, given in sorted(ratings.items()) if len(given) > 1}
    coded = [[labels.index(label) for _, label in sorted(given.items())] for given in shared.values()]
    nominal = _alpha(coded, _differ)
    usual = _usual(coded)
    full = [values for values in coded if len(values) == usual]
    return {
        "items": len(coded),
        "ratings": sum(map(len, coded)),
        "single": len(ratings) - len(shared),
        "scale": "ordinal" if ordinal else "nominal",
        "alpha": _alpha(coded, _ordinal_distance(coded, len(labels))) if ordinal else nominal,
        "alpha_nominal": nominal,
        "fleiss_kappa": _fleiss(full),
        "fleiss_items": len(full),
        "fleiss_raters": usual,
        "pairs_agree": _mean([_pairs_agree(values) for values in coded]),
        "all_agree": _mean([float(len(set(values)) == 1) for values in coded]),
    }


def _alpha(coded: Sequence[Sequence[int]], distance: Callable[[int, int], float]) -> float | None:
    """Krippendorff's alpha (Krippendorff 2011); missing ratings are no ratings. Undefined without two labels."""
    if len({value for values in coded for value in values}) < 2:
        return None
    return float(_task(coded, distance).alpha())


def _fleiss(coded: Sequence[Sequence[int]]) -> float | None:
    """Fleiss' kappa (Fleiss 1971) of items with equally many ratings each.

    With the ratings of an item numbered through, whoever gave them, it is Siegel and Castellan's K, which nltk has.
    """
    if len({value for values in coded for value in values}) < 2:
        return None
    return float(_task(coded, _differ).pi())


def _task(coded: Sequence[Sequence[int]], distance: Callable[[int, int], float]) -> Any:
    from nltk.metrics.agreement import AnnotationTask

    triples = [(slot, item, value) for item, values in enumerate(coded) for slot, value in enumerate(values)]
    return AnnotationTask(triples, distance=distance)


def _differ(one: int, other: int) -> float:
    return float(one != other)


def _ordinal_distance(coded: Sequence[Sequence[int]], count: int) -> Callable[[int, int], float]:
    """Krippendorff's ordinal metric: squared number of ratings between two labels, half of their own counted."""
    seen = Counter(value for values in coded for value in values)
    numbers = [seen[label] for label in range(count)]

    def distance(one: int, other: int) -> float:
        low, high = sorted((one, other))
        return (sum(numbers[low : high + 1]) - (numbers[low] + numbers[high]) / 2) ** 2

    return distance


def _usual(coded: Sequence[Sequence[int]]) -> int | None:
    """The most usual number of ratings of an item; of equals the greater."""
    sizes = Counter(map(len, coded))
    return max(sizes, key=lambda size: (sizes[size], size)) if sizes else None


def _pairs_agree(values: Sequence[int]) -> float:
    pairs = [one == other for one, other in combinations(values, 2)]
    return sum(pairs) / len(pairs)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
