"""`rt train`: tune a base model on responses (RT) or pairs (IT)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage
from paper_repro.sequences import Method

Preset = Literal["lora", "qlora", "full"]
HELP = """Tune a base model on responses only (rt) or on instruction-response pairs (it).

TRAINSET is the folder of `rt mix` or `rt curate`, or a file (JSONL, Parquet, CSV) with the column `response` and, for
it, `instruction`. The model comes as adapter/ and as merged/, a plain folder for transformers, vLLM or lm-eval, with
its chat template. A run that was stopped goes on from its newest checkpoint.

The preset gives every setting that is not given: lora (small models), qlora (the paper's; needs a GPU), full (all
weights). --dry-run shows them all. On several GPUs: accelerate launch -m paper_repro.cli train ... (docs/tune.md).

Example: rt train runs/mix/dolly --method rt --set epochs=2 --set lora.r=32 --out my-model
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("train", help=HELP)(train)


def train(
    trainset: Annotated[Path, typer.Argument(help="Training set: an artifact's folder, or a file.")],
    method: Annotated[Method | None, typer.Option(help="rt or it (default: rt).", show_default=False)] = None,
    preset: Annotated[Preset | None, typer.Option(help="lora (default), qlora or full.", show_default=False)] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Base weights: a folder, a pin, a shipped base, owner/repo@commit (default: smollm2-135m-instruct).",
            show_default=False,
        ),
    ] = None,
    no_merge: Annotated[bool, typer.Option("--no-merge", help="Save the adapter alone.")] = False,
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
    from paper_repro.models import source_of
    from paper_repro.train import TRAIN, TrainSettings, follow_leader, stage_call
    from paper_repro.train.processes import is_leader, release

    resolved = load_settings(
        TrainSettings, settings, overrides or (), method=method, seed=seed, preset=preset,
        base=None if base is None else source_of(base).resolved(), merge=False if no_merge else None,
    )  # fmt: skip
    if not is_leader():
        return None if dry_run else follow_leader(resolved, trainset)
    resolved, inputs = stage_call(resolved, trainset)
    run_stage(TRAIN, resolved, inputs, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)
    return None if dry_run else release()
