"""The page of a comparison, and its lines for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_curation.compare import Change, Comparison, numbers
from data_curation.inspect.difference import difference
from data_curation.inspect.page import number, pair, write_page

EXAMPLES = 8
KINDS = ("left", "entered", "changed")


def write_comparison(path: Path, comparison: Comparison) -> None:
    """Write the page of a comparison."""
    found = numbers(comparison)
    write_page(
        path,
        "compare.html.jinja",
        None,
        title=f"{found['a']['name']} against {found['b']['name']}",
        numbers=found,
        parts=[(kind, groups) for kind in KINDS if (groups := _groups(comparison.of(kind)))],
        examples=EXAMPLES,
        difference=difference,
        pair=pair,
        measures=measures(found),
    )


def _groups(changes: list[Change]) -> list[tuple[str, list[Change]]]:
    """Changes by their reason, the commonest first."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.reason, []).append(change)
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))


def measures(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Lengths and style measures of both sets: `(name, in A, in B)`."""
    rows = [("rows", *(number(found[side]["rows"]) for side in "ab"))]
    sides = [_measures_of(found[side]) for side in "ab"]
    return rows + [(name, sides[0].get(name, "missing"), sides[1].get(name, "missing")) for name in sides[0] | sides[1]]


def _measures_of(side: Mapping[str, Any]) -> dict[str, str]:
    words, style = side["words"], side["style"]
    values = {"words, mean": number(words["mean"])}
    values |= {f"words, {name}": number(value) for name, value in words["quantiles"].items()}
    values |= {"words, most": number(words["most"])}
    if style:
        shares = {"a list": "list_share", "a code fence": "code_share", "a question at the end": "question_share"}
        values |= {f"responses with {name}": f"{style[key]:.1%}" for name, key in shares.items()}
        values |= {"mean sentences": number(style["mean_sentences"])}
    return values
