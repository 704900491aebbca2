"""From a profile to its cells: collect -> curate -> mix -> train -> generate -> judge -> score -> report."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from artifacts.stage import input_digest
from experiments.cells import Cell, by_label, walk
from experiments.checks import check_profile
from experiments.grid import sample_cells, score_cell
from experiments.missing import missing_conditions
from experiments.profiles import Profile
from experiments.sources import collect_cell, curated_cell
from paper_repro.models import ModelSource
from paper_repro.report import REPORT
from paper_repro.report.stage import fixed_inputs


def plan_cells(profile: Profile) -> list[Cell]:
    """All cells of a profile, each once, upstream first; the last one is the report.

    Raises:
        SettingsError: the profile asks for what it does not collect, or for what nothing comes of.
        UserError: two different cells have one label.
    """
    check_profile(profile)
    names = (*profile.corpora, *((profile.refusals,) if profile.refusals else ()), *profile.prompts)
    return walk([*(collect_cell(profile, name) for name in names), _report(profile)])


def pins_of(cells: Iterable[Cell]) -> list[str]:
    """Names of the pins that these cells read: sources, base weights, encoders."""
    return sorted({name for cell in cells for name in cell.pins})


def wishes_of(cells: Iterable[Cell]) -> list[str]:
    """Names of the pins without which these cells run, and leave something out."""
    return sorted({name for cell in cells for name in cell.wishes})


def repositories_of(cells: Iterable[Cell]) -> list[ModelSource]:
    """Base weights that these cells read from hub repositories that no pin names."""
    found = {(base.name, str(base.revision)): base for cell in cells if (base := cell.repository)}
    return [found[key] for key in sorted(found)]


def _report(profile: Profile) -> Cell:
    inputs, arguments = _scored(profile)
    settings = profile.report
    if inputs or not profile.studies:
        for more, options in (_curated(profile), _sampled(profile)):
            inputs, arguments = more | inputs, options + arguments
    else:
        # nothing of any study can be run: the page says so, beside the numbers that were published
        settings = settings.model_copy(update={"source": "published"})
    given: dict[str, Any] = {}
    if rows := missing_conditions(profile):
        given["missing"] = rows
        arguments += ["--missing", "{missing}"]
    fixed = {name: input_digest(path) for name, path in fixed_inputs(settings).items()}
    return Cell(REPORT, profile.name, settings, tuple(arguments), inputs, fixed, given)


def _curated(profile: Profile) -> tuple[dict[str, Cell], list[str]]:
    """Curated sets for their funnels, those of which a study shows rows, and the options that name them; each once."""
    pairs = [*product(profile.curation.corpora, profile.curation.recipes)]
    pairs += [pair for study in profile.studies.values() if study.examples for pair in study.bodies]
    cells = by_label("curated", (curated_cell(profile, *pair) for pair in pairs))
    options = [text for name, cell in cells.items() for text in ("--curated", f"{cell.label}={{{name}}}")]
    return cells, options


def _sampled(profile: Profile) -> tuple[dict[str, Cell], list[str]]:
    """Replies that the report shows samples of, and the options that name them; a condition of two studies once."""
    cells = {cell.name: cell for study in profile.studies.values() for cell in sample_cells(profile, study)}
    options = [text for name in cells for text in ("--replies", f"{name}={{replies-{name}}}")]
    return {f"replies-{name}": cell for name, cell in cells.items()}, options


def _scored(profile: Profile) -> tuple[dict[str, Cell], list[str]]:
    """Scores of every study that can be run, and the options that name them."""
    found = {study.name: score_cell(profile, study) for study in profile.studies.values()}
    cells = {f"scores-{name}": cell for name, cell in found.items() if cell is not None}
    return cells, [text for name in cells for text in ("--scores", f"{{{name}}}")]
