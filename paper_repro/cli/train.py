"""`rt train`: tune a base model on responses (RT) or pairs (IT)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage
from paper_repro.sequences import Method

HELP = """Tune a base model on responses only (rt) or on instruction-response pairs (it).

TRAINSET is the folder of `rt mix` or `rt curate`, or a file (JSONL, Parquet, CSV) with the column `response` and, for
it, `instruction`. The model comes as adapter/ and as merged/, a plain folder for transformers, vLLM or lm-eval, with
its chat template. A run that was stopped goes on from its newest checkpoint.

Example: rt train runs/mix/dolly --method rt --set epochs=2 --set lora.r=32 --out my-model
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("train", help=HELP)(train)


def train(
    trainset: Annotated[Path, typer.Argument(help="Training set: an artifact's folder, or a file.")],
    method: Annotated[Method | None, typer.Option(help="rt or it (default: rt).", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed (default: 0).", show_default=False)] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Resolve the settings and run the stage."""
    from artifacts.settings import load_settings
    from paper_repro.train import TRAIN, TrainSettings, stage_call

    resolved = load_settings(TrainSettings, settings, overrides or (), method=method, seed=seed)
    resolved, inputs = stage_call(resolved, trainset)
    run_stage(TRAIN, resolved, inputs, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)
