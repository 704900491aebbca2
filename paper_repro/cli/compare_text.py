"""How `rt compare` tells the difference between two artifacts or two runs in plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from artifacts.differences import PARTS, Difference
from artifacts.manifest import Artifact
from paper_repro.file_differences import Cell, FileDifference, gap
from paper_repro.rederive import describe
from paper_repro.run_comparison import RunComparison, causes

MOST = 20  # differences of a part to show; --json has all
WIDTH = 60  # characters of a value


def comparison_text(found: RunComparison, examples: int) -> str:
    """The whole comparison; `examples` numbers of each study, those that changed most."""
    lines = [_side("A", found.a), _side("B", found.b)]
    if found.a.digest == found.b.digest:
        return "\n".join([*lines, "equal: the same settings, data, code and content", *_provenance(found)])
    lines += ["", *_own(found.differences), *_provenance(found), *_files(found.files), *_above(found)]
    return "\n".join([*lines, *_scores(found, examples)])


def _side(name: str, artifact: Artifact) -> str:
    started = str(artifact.provenance.get("started", "?"))[:19]
    return f"{name}: {artifact.identity.kind} {artifact.path} ({artifact.digest[:12]}, made {started})"


def _own(found: list[Difference]) -> Iterator[str]:
    """Differences of the two themselves, part by part; files have lines of their own."""
    for part in PARTS[:-1]:
        rows = [one for one in found if one.part == part]
        if not rows:
            yield f"{part}: the same"
            continue
        yield f"{part}: {len(rows)} differ"
        yield from (f"  {one.key}: {_short(one.a)} -> {_short(one.b)}" for one in rows[:MOST])
        yield from _rest(len(rows))


def _rest(count: int) -> Iterator[str]:
    if count > MOST:
        yield f"  and {count - MOST} more (--json has all)"


def _provenance(found: RunComparison) -> Iterator[str]:
    for one in found.provenance:
        yield f"made with another {one.key}: {_short(one.a)} -> {_short(one.b)}"


def _files(files: list[FileDifference]) -> Iterator[str]:
    if files:
        yield f"files: {len(files)} differ"
        yield from (f"  {describe(one)}" for one in files[:MOST])
        yield from _rest(len(files))


def _above(found: RunComparison) -> Iterator[str]:
    """What the two were made from: causes first, then what follows from them."""
    yield ""
    yield (
        f"made from: {found.equal} artifacts in both, {len(found.pairs)} differ, "
        f"{len(found.only_a)} of A alone, {len(found.only_b)} of B alone"
    )
    own = causes(found)
    if own:
        yield "causes:"
    for (part, key, a, b), names in list(own.items())[:MOST]:
        yield f"  {part} {key}: {_short(a)} -> {_short(b)} ({_some(names)})"
    yield from _rest(len(own))
    followers = Counter(pair.stage for pair in found.pairs if pair.cause == "follows")
    if followers:
        yield f"follow from these: {', '.join(f'{count} {stage}' for stage, count in sorted(followers.items()))}"
    for pair in found.pairs:
        if pair.cause == "unexplained":
            keys = ", ".join(one.key for one in pair.differences[:3])
            yield f"UNEXPLAINED: {pair.stage} {pair.name}: the same recipe and inputs, another result ({keys})"
    if found.lost:
        yield f"not at hand, so nothing is known of what made them: {_some(found.lost)}"
    for which, names in (("A", found.only_a), ("B", found.only_b)):
        if names:
            yield f"of {which} alone: {_some(names)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _scores(found: RunComparison, examples: int) -> Iterator[str]:
    """Of each study the results whose values changed most."""
    if not found.scores:
        return
    yield ""
    yield "numbers:"
    for study, table in sorted(found.scores.items()):
        changed = [(cell, gap(cell.a, cell.b)) for cell in table.examples if cell.column == "value"]
        both = sorted(((cell, apart[1]) for cell, apart in changed if apart), key=lambda pair: -pair[1])
        lone = [cell for cell in table.examples if cell.column == "(row)"]
        yield (
            f"  {study}: {len(both)} of {max(table.rows_a or 0, table.rows_b or 0)} values changed"
            + (f", {len(lone)} results are of one run alone" if lone else "")
        )
        yield from (f"    {_number(cell)}" for cell, _ in both[:examples])


def _number(cell: Cell) -> str:
    return f"{cell.row}: {cell.a:.4g} -> {cell.b:.4g} ({cell.b - cell.a:+.4g})"


def _short(value: object) -> str:
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}\u2026"
