"""The report stage: tables, figures, claims and the page, from the published numbers, our own scores, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

import artifacts
from artifacts.errors import InputError, UserError
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.published import PUBLISHED
from artifacts.settings import Settings
from artifacts.shipped import CARD as CARD_FILE
from artifacts.shipped import shipped_folder, shipped_names
from artifacts.stage import Stage, Workspace, input_digest

TABLES = tuple(range(1, 32))  # numbers of version 3
FIGURES = tuple(range(1, 10))
CURATED = "curated-"
SCORES = "scores-"
REPLIES = "replies-"
MISSING = "missing"
CARD = "card-"
SHIPPED = "shipped-testbed"
SHIPPED_RESULTS = Path(artifacts.__file__).parent / "results" / "testbed"


class ReportSettings(Settings):
    """Settings of a report.

    Attributes:
        source: `published` (the paper's numbers), `run` (our scores) or `both`.
        title: Heading of the page.
        notes: Sentences a reader must know first (what a profile can and cannot show).
        tables: Numbers of the paper's tables to show; what cannot be made is stated with the reason.
        figures: Numbers of the paper's figures, likewise.
        samples: Prompts of each benchmark whose replies are shown, where replies are given.
        show_unsafe: Whether queries of the unsafe sets and the replies to them are among these.
        testbed: Whether the cards of the shipped bases are read, and shipped results of the testbed are shown.
    """

    source: Literal["published", "run", "both"] = "published"
    title: str = "Response Tuning: report"
    notes: tuple[str, ...] = ()
    tables: tuple[int, ...] = TABLES
    figures: tuple[int, ...] = FIGURES
    samples: Annotated[int, Field(ge=1)] = 4
    show_unsafe: bool = False
    testbed: bool = False

    @field_validator("tables")
    @classmethod
    def _tables_known(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return _known(value, TABLES, "table")

    @field_validator("figures")
    @classmethod
    def _figures_known(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return _known(value, FIGURES, "figure")


def _known(value: tuple[int, ...], numbers: tuple[int, ...], word: str) -> tuple[int, ...]:
    unknown = [number for number in value if number not in numbers]
    if unknown:
        known = f"{numbers[0]} to {numbers[-1]}"
        raise ValueError(f"the paper has no {word} {', '.join(map(str, unknown))}; its {word}s: {known}")
    return tuple(sorted(set(value)))


def fixed_inputs(settings: ReportSettings) -> dict[str, Path]:
    """Inputs that come with the package: published numbers, cards of the testbed's bases, shipped results."""
    inputs = {"published": PUBLISHED} if settings.source in ("published", "both") else {}
    if settings.testbed:
        inputs |= {f"{CARD}{name}": shipped_folder(name) / CARD_FILE for name in shipped_names()}
        inputs |= {SHIPPED: SHIPPED_RESULTS} if SHIPPED_RESULTS.is_dir() else {}
    return inputs


def report_inputs(
    settings: ReportSettings,
    scores: Sequence[Path] = (),
    curated: Mapping[str, Path] | None = None,
    missing: Path | None = None,
    replies: Mapping[str, Path] | None = None,
) -> dict[str, Path]:
    """The inputs of a report: published numbers, scores of each study, curated sets and what is missing.

    Args:
        settings: Its source decides which are needed.
        scores: `scores` artifacts (or folders with a `results.parquet`), one a study; inputs `scores-<study>`.
        curated: Name to `curated` artifact; inputs `curated-<name>`.
        missing: JSON file of conditions that a run had to leave out (`experiments.missing`); input `missing`.
        replies: Name to `generations` artifact whose replies are shown; inputs `replies-<name>`.

    Raises:
        UserError: scores absent where the source needs them, or given where it does not, or twice of one study.
    """
    inputs = fixed_inputs(settings)
    if settings.source == "published" and (scores or curated or replies):
        raise UserError("source 'published' takes no scores, curated sets or replies", fix="use source 'run' or 'both'")
    if settings.source in ("run", "both") and not scores:
        raise UserError(f"source '{settings.source}' needs scores", fix="pass --scores DIR, made by `rt score`")
    for folder in scores:
        name = f"{SCORES}{_study(folder)}"
        if name in inputs:
            raise UserError(
                f"two sets of scores would be called '{name}'", where=str(folder), fix="give each study once"
            )
        inputs[name] = folder
    inputs |= {f"{CURATED}{name}": path for name, path in (curated or {}).items()}
    inputs |= {f"{REPLIES}{name}": path for name, path in (replies or {}).items()}
    return inputs | ({MISSING: missing} if missing else {})


def _study(scores: Path) -> str:
    """The study that scores belong to; of a folder that `rt score` did not make, its name."""
    return read_manifest(scores, kind="scores").summary["study"] if is_artifact(scores) else scores.resolve().name


def _work(settings: ReportSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    from paper_repro.report.build import build_report

    given = {"published": "published" in inputs, "scores": any(name.startswith(SCORES) for name in inputs)}
    needed = {"published": ("published",), "run": ("scores",), "both": ("published", "scores")}[settings.source]
    absent = [name for name in needed if not given[name]]
    if absent:
        raise InputError(f"inputs lack {', '.join(absent)}", where="report", fix="make them with report_inputs()")
    digests = {name: input_digest(path) for name, path in inputs.items()}
    workspace.summary.update(build_report(settings, inputs, digests, workspace.path))


REPORT = Stage("report", "report", 12, ReportSettings, _work, packages=("jinja2", "matplotlib", "numpy"))


def report(
    settings: ReportSettings,
    out: Path,
    scores: Sequence[Path] = (),
    curated: Mapping[str, Path] | None = None,
    missing: Path | None = None,
    replies: Mapping[str, Path] | None = None,
    *,
    overwrite: bool = False,
) -> Artifact:
    """Make a report in `out` (or find it there).

    Args:
        settings: Source, title, notes, selection.
        out: Output folder.
        scores: `scores` artifacts, one a study; needed for sources `run` and `both`.
        curated: Name to `curated` artifact, for the curation funnels.
        missing: JSON file of conditions that a run had to leave out.
        replies: Name to `generations` artifact whose replies are shown.
        overwrite: Replace a report made otherwise.
    """
    inputs = report_inputs(settings, scores, curated, missing, replies)
    return REPORT.run(settings, out, inputs, overwrite=overwrite)[0]
