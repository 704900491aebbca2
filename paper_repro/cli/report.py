"""`rt report`: tables, figures and pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artifacts.errors import UserError
from artifacts.settings import load_settings
from paper_repro.cli import common

Source = Annotated[
    str | None,
    typer.Option(
        "--source", metavar="published|run|both", help="Whose numbers (default: published).", show_default=False
    ),
]
Scores = Annotated[
    list[Path] | None,
    typer.Option(
        "--scores",
        metavar="DIR",
        help="A folder made by `rt score`, one a study; for run and both; repeatable.",
        show_default=False,
    ),
]
Missing = Annotated[
    Path | None,
    typer.Option(
        "--missing",
        metavar="FILE",
        help="JSON of conditions that a run had to leave out, to be told on the page.",
        show_default=False,
    ),
]
CuratedSets = Annotated[
    list[str] | None,
    typer.Option(
        "--curated",
        metavar="[NAME=]DIR",
        help="A folder made by `rt curate`, for its funnel; repeatable.",
        show_default=False,
    ),
]
Replies = Annotated[
    list[str] | None,
    typer.Option(
        "--replies",
        metavar="[NAME=]DIR",
        help="A folder made by `rt generate`, for samples of its replies; repeatable.",
        show_default=False,
    ),
]
TableNumbers = Annotated[
    list[int] | None,
    typer.Option("--table", metavar="N", help="Only this table of the paper, 1 to 31; repeatable.", show_default=False),
]
FigureNumbers = Annotated[
    list[int] | None,
    typer.Option(
        "--figure", metavar="N", help="Only this figure of the paper, 1 to 9; repeatable.", show_default=False
    ),
]
All = Annotated[bool, typer.Option("--all", help="All tables and figures of the paper (the default).")]
Title = Annotated[str | None, typer.Option("--title", help="Heading of the page.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("report")(report)


def report(
    source: Source = None,
    scores: Scores = None,
    curated: CuratedSets = None,
    replies: Replies = None,
    missing: Missing = None,
    table: TableNumbers = None,
    figure: FigureNumbers = None,
    everything: All = False,
    title: Title = None,
    settings: common.SettingsFile = None,
    overrides: common.Overrides = None,
    out: common.Out = None,
    dry_run: common.DryRun = False,
    as_json: common.AsJson = False,
    overwrite: common.Overwrite = False,
    debug: common.Debug = False,
) -> None:
    """Make the paper's tables (CSV, Markdown, LaTeX) and figures (PNG, SVG, PDF), findings, one HTML page and one PDF.

    From the paper's published numbers, whose sums and averages are recomputed on the way, from the scores of a
    run of our own, or from both: side by side, cell by cell with differences, and never mixed. What cannot be made is
    stated with the reason (items.csv).

    Examples:

      rt report --source published --out report

      rt report --source published --table 11 --figure 5 --out table-11

      rt report --source both --scores runs/scores --curated dolly=runs/dolly --replies runs/RT-replies --out report
    """
    from paper_repro.report import REPORT, ReportSettings, report_inputs

    given = {"source": source, "title": title, **_selection(table, figure, everything)}
    resolved = load_settings(ReportSettings, settings, overrides or (), **given)
    sets, shown = _named_folders("--curated", curated or []), _named_folders("--replies", replies or [])
    inputs = report_inputs(resolved, scores or [], sets, missing, shown)
    common.run_stage(REPORT, resolved, inputs, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)


def _selection(tables: list[int] | None, figures: list[int] | None, everything: bool) -> dict[str, list[int] | None]:
    """Settings for --table, --figure and --all; naming some of either kind means only those."""
    from paper_repro.report.stage import FIGURES, TABLES

    if everything:
        if tables or figures:
            raise UserError("--all does not go with --table or --figure", fix="leave one of them out")
        return {"tables": list(TABLES), "figures": list(FIGURES)}
    if tables or figures:
        return {"tables": tables or [], "figures": figures or []}
    return {}


def _named_folders(option: str, given: list[str]) -> dict[str, Path]:
    """`NAME=DIR` or `DIR` (named by its last part) to folders by name."""
    folders: dict[str, Path] = {}
    for text in given:
        name, separator, folder = text.partition("=")
        path = Path(folder if separator else text)
        name = name if separator else path.resolve().name
        if not name or name in folders:
            raise UserError(
                f"{option} {text}: {'given twice' if name else 'no name before ='}",
                fix="write NAME=DIR with another NAME for each",
            )
        folders[name] = path
    return folders
