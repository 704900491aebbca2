"""`rt score`: turn verdicts into one tidy results table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage
from paper_repro.score.metrics import METRICS
from paper_repro.score.stage import SCORE, ScoreSettings, score_inputs

_METRICS = "\n\n".join(f"{metric.name} ({metric.unit}): {metric.meaning}." for metric in METRICS.values())
_HELP = f"""Turn verdicts of any number of conditions into one tidy results table.

VERDICTS are folders made by rt judge. The metrics:

{_METRICS}

Rates have Wilson intervals, means bootstrap intervals over prompts (95 %). A reply that could not be classified counts
in n, and as neither; how many there are stands beside. The folder made holds results.parquet and results.csv.

Example: rt score runs/untuned-refusals runs/dolly-RT-refusals --study refusal --out runs/scores
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("score", help=_HELP)(score)


def score(
    verdicts: Annotated[list[Path], typer.Argument(help="Folders made by rt judge.", show_default=False)],
    study: Annotated[str | None, typer.Option(help="Name of the study (default: refusal).", show_default=False)] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Parse the options and run the stage."""
    resolved = load_settings(ScoreSettings, settings, overrides or (), study=study)
    run_stage(SCORE, resolved, score_inputs(verdicts), out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)
