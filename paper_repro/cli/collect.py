"""`rt collect`: fetch a pinned source into one table."""

from __future__ import annotations

from typing import Annotated

import typer
import yaml

from artifacts.pins import availability
from artifacts.settings import load_settings
from data_curation.collect import CollectSettings, collect_inputs, stage_of
from data_curation.sources import SOURCES
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, emit, run_stage

_NAMES = {
    kind: ", ".join(name for name, source in SOURCES.items() if source.kind == kind) for kind in ("corpus", "prompts")
}
_HELP = f"""Fetch a pinned source, verify its digest and write it as one table.

Responses: {_NAMES["corpus"]}.

Prompts: {_NAMES["prompts"]}.

Each is looked for in the folder RT_MIRROR first, then where its pin says. Rows that cannot be read go to
quarantine.jsonl with line and reason.

Example: rt collect dolly --out runs/dolly
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("collect", help=_HELP)(collect)


def collect(
    source: Annotated[str | None, typer.Argument(help="Name of the source.", show_default=False)] = None,
    rows: Annotated[
        str | None, typer.Option(help="Take the first so many rows, or 'all' (default: the source's own).")
    ] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Parse the options and run the stage."""
    given = int(rows) if rows is not None and rows.isdigit() else rows
    resolved = load_settings(CollectSettings, settings, overrides or (), source=source, rows=given)
    if dry_run:
        plan = {"settings": resolved.resolved(), "source": availability(resolved.source)}
        emit(plan, as_json, yaml.safe_dump(plan, sort_keys=False, allow_unicode=True))
        return
    run_stage(
        stage_of(resolved),
        resolved,
        collect_inputs(resolved),
        out,
        dry_run=dry_run,
        as_json=as_json,
        overwrite=overwrite,
    )
