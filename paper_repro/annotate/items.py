"""What is rated: the prompts that two sets of generations answer, with both replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.manifest import Artifact, read_manifest, verify_outputs
from paper_repro.annotate.settings import AnnotateSettings
from paper_repro.generate.schema import GENERATIONS, read_generations
from paper_repro.generate.stage import choose
from paper_repro.score.metrics import benchmark_name, is_unsafe

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt with the two replies to it, as rows of generations.

    Attributes:
        a: Row of the first generations given.
        b: Row of the second.
        flagged: Whether the prompt is of an unsafe set, so that raters are warned and may skip.
    """

    a: Row
    b: Row
    flagged: bool


def read_pair(a: Path, b: Path) -> tuple[Artifact, Artifact]:
    """The two generations artifacts, checked; the same one twice is refused."""
    first, second = (read_manifest(folder, kind="generations") for folder in (a, b))
    if first.digest == second.digest:
        raise InputError("both are the same generations", where=f"{a}, {b}", fix="give two systems to compare")
    for artifact in (first, second):
        verify_outputs(artifact)
    return first, second


def read_items(a: Path, b: Path, settings: AnnotateSettings) -> list[Item]:
    """Items in the order of their prompts' ids; the slice is that of `rt generate` for the same seed and limit.

    Raises:
        InputError: prompts that only one of the two answers (unless `common_only`), or that differ in text.
    """
    ours, theirs = ({row["prompt_id"]: row for row in read_generations(folder)} for folder in (a, b))
    alone = [len(ours.keys() - theirs.keys()), len(theirs.keys() - ours.keys())]
    if any(alone) and not settings.common_only:
        raise InputError(
            f"{alone[0]} prompts are answered only in the first, {alone[1]} only in the second",
            where=f"{a / GENERATIONS}, {b / GENERATIONS}",
            fix="generate both with the same prompts, limit and seed, or take what is in both: --common-only",
        )
    common = [row for prompt_id, row in sorted(ours.items()) if prompt_id in theirs]
    chosen = choose(common, settings.limit, settings.seed)
    if not chosen:
        raise InputError("no prompt is answered in both", where=f"{a / GENERATIONS}, {b / GENERATIONS}")
    return [_item(row, theirs[row["prompt_id"]], b / GENERATIONS) for row in chosen]


def _item(a: Row, b: Row, file: Path) -> Item:
    for name in ("prompt", "benchmark", "subset"):
        if a[name] != b[name]:
            raise InputError(f"another {name} than in the first generations", where=f"{file}: {a['prompt_id']}")
    return Item(a, b, is_flagged(a))


def is_flagged(row: Row) -> bool:
    """Whether a prompt is of a set of unsafe queries: those of the refusal benchmarks, or one called so."""
    return is_unsafe(benchmark_name(row["benchmark"], row["subset"]))


def left_out(a: Path, b: Path) -> dict[str, int]:
    """Prompts that only one of the two answers, by which."""
    ours, theirs = ({row["prompt_id"] for row in read_generations(folder)} for folder in (a, b))
    return {"only_a": len(ours - theirs), "only_b": len(theirs - ours)}


def count_flagged(items: Sequence[Item]) -> int:
    """Items of unsafe sets."""
    return sum(item.flagged for item in items)
