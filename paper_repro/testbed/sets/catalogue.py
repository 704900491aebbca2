"""The sets of the testbed: their names, kinds and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from artifacts.errors import UserError
from paper_repro.testbed.items import Split

Style = Literal["structured", "terse", "curated"]
Content = Literal["responses", "refusals", "news", "demonstrations", "tasks", "formats", "acts"]


@dataclass(frozen=True, slots=True)
class SetSpec:
    """One set.

    Attributes:
        name: As in results (`source` of a response set, `benchmark` of a prompt set).
        kind: Kind of artifact.
        content: What it holds.
        rows: Its size; None: all there are.
        split: Items it draws from.
        style: How answers are written, for responses.
        dirty: Whether defects are planted, with labels beside them.
        refined: Whether every response is that of the plain set to the same instruction, rewritten (`refine`).
        groups: Groups of acts it asks about, for acts.
    """

    name: str
    kind: Literal["corpus", "prompts"]
    content: Content
    rows: int | None
    split: Split
    style: Style | None = None
    dirty: bool = False
    refined: bool = False
    groups: tuple[str, ...] = ()


RESPONSE_ROWS: dict[Style, int] = {"structured": 2_000, "terse": 1_200, "curated": 1_000}
REFINED: tuple[Style, ...] = ("terse", "curated")  # the structured style is the refined one already
ACT_PROMPTS = {
    "unsafe": ("harm", "mixed-person", "dangerous-object"),
    "look-alike": ("mixed-thing", "plain-object"),
    "benign": ("benign",),
    "never-declined": ("never-declined",),
}


def _response_specs() -> list[SetSpec]:
    specs = []
    for style, rows in RESPONSE_ROWS.items():
        specs.append(SetSpec(f"testbed-{style}", "corpus", "responses", rows, "tune", style))
        specs.append(SetSpec(f"testbed-{style}-dirty", "corpus", "responses", rows, "tune", style, dirty=True))
    specs += [
        SetSpec(f"testbed-{style}-refined", "corpus", "responses", RESPONSE_ROWS[style], "tune", style, refined=True)
        for style in REFINED
    ]
    return [
        *specs,
        SetSpec("testbed-refusals", "corpus", "refusals", 400, "tune"),
        # the same rows first: a pool that leaves a selection of 500 something to choose from
        SetSpec("testbed-refusal-pool", "corpus", "refusals", 1_000, "tune"),
        SetSpec("testbed-news", "corpus", "news", 1_000, "tune"),
        SetSpec("testbed-demonstrations", "corpus", "demonstrations", 3, "tune"),
    ]


def _prompt_specs(split: Literal["dev", "test"]) -> list[SetSpec]:
    start = "testbed-dev" if split == "dev" else "testbed"
    return [
        SetSpec(f"{start}-tasks", "prompts", "tasks", 400, split),
        SetSpec(f"{start}-formats", "prompts", "formats", 120, split),
        *(
            SetSpec(f"{start}-{name}", "prompts", "acts", None, split, groups=groups)
            for name, groups in ACT_PROMPTS.items()
        ),
    ]


SETS: dict[str, SetSpec] = {
    spec.name: spec for spec in (*_response_specs(), *_prompt_specs("test"), *_prompt_specs("dev"))
}


def find_set(name: str) -> SetSpec:
    """A set by name; an unknown name is refused with the known ones."""
    if name not in SETS:
        raise UserError(f"the testbed has no set '{name}'", fix=f"known sets: {', '.join(sorted(SETS))}")
    return SETS[name]
