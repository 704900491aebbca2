"""`rt judge`: turn generations into verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage
from paper_repro.judge.registry import judge_names, load_judge
from paper_repro.judge.stage import JUDGE, JudgeSettings

_JUDGES = "\n\n".join(f"{name}: {load_judge(name).measures}" for name in judge_names())
_HELP = f"""Judge every reply; one verdict each, also for those a judge cannot classify.

GENERATIONS is a folder made by rt generate. The judges:

{_JUDGES}

The folder made holds verdicts.parquet: status (ok, unclassified, failed), label, score, and what the judge said (raw).

Example: rt judge runs/dolly-RT-replies --judge refusal-rules --out runs/dolly-RT-refusals
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("judge", help=_HELP)(judge)


def judge(
    generations: Annotated[Path, typer.Argument(help="Folder made by rt generate.", show_default=False)],
    name: Annotated[
        str | None, typer.Option("--judge", help=f"One of: {', '.join(judge_names())}.", show_default=False)
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
    resolved = load_settings(JudgeSettings, settings, overrides or (), judge=name)
    run_stage(JUDGE, resolved, {"generations": generations}, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)
