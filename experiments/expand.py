"""From a profile to its cells: collect -> curate -> mix -> train -> generate -> judge -> score -> report."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from artifacts.published import PUBLISHED
from artifacts.stage import input_digest
from experiments.cells import Cell, walk
from experiments.checks import check_profile
from experiments.grid import score_cell
from experiments.missing import missing_conditions
from experiments.profiles import Profile
from experiments.sources import collect_cell, curated_cell
from paper_repro.report import REPORT


def plan_cells(profile: Profile) -> list[Cell]:
    """All cells of a profile, each once, upstream first; the last one is the report.

    Raises:
        SettingsError: the profile asks for what it does not collect.
    """
    check_profile(profile)
    names = (*profile.corpora, *((profile.refusals,) if profile.refusals else ()), *profile.prompts)
    return walk([*(collect_cell(profile, name) for name in names), _report(profile)])


def pins_of(cells: Iterable[Cell]) -> list[str]:
    """Names of the pins that these cells read: sources, base weights, encoders."""
    return sorted({name for cell in cells for name in cell.pins})


def _report(profile: Profile) -> Cell:
    inputs: dict[str, Cell] = {}
    arguments: list[str] = []
    for source, recipe in product(profile.curation.corpora, profile.curation.recipes):
        cell = curated_cell(profile, source, recipe)
        inputs[f"curated-{cell.label}"] = cell
        arguments += ["--curated", f"{cell.label}={{curated-{cell.label}}}"]
    for study in profile.studies.values():
        if (scores := score_cell(profile, study)) is not None:
            inputs[f"scores-{study.name}"] = scores
            arguments += ["--scores", f"{{scores-{study.name}}}"]
    given: dict[str, Any] = {}
    if rows := missing_conditions(profile):
        given["missing"] = rows
        arguments += ["--missing", "{missing}"]
    settings = profile.report
    if profile.studies and not any(name.startswith("scores-") for name in inputs):
        # nothing of a study can be run: the page says so, beside the numbers that were published
        settings = settings.model_copy(update={"source": "published"})
    extra = {} if settings.source == "run" else {"published": input_digest(PUBLISHED)}
    return Cell(REPORT, profile.name, settings, tuple(arguments), inputs, extra, given)
