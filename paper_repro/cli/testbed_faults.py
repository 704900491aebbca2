"""`rt testbed faults`: what is left of the planted faults in the rows that a model was tuned on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage

_HELP = """Tell which of the rows that a model was tuned on still have a planted fault.

CORPUS is the set of rt testbed data that the rows are from; its labels.parquet names the faults (a set without planted
faults has none). The folder made holds verdicts, one a row; rt score makes of them the share of faulty rows, in all
and fault by fault.

Example: rt testbed faults runs/model --trainset runs/mixed --corpus runs/structured-dirty --out runs/faults
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application `rt testbed`."""
    app.command("faults", help=_HELP)(faults)


def faults(
    model: Annotated[Path, typer.Argument(help="Folder made by rt train.", show_default=False)],
    trainset: Annotated[Path, typer.Option(help="Folder made by rt mix that it was tuned on.", show_default=False)],
    corpus: Annotated[Path, typer.Option(help="Folder made by rt testbed data.", show_default=False)],
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Parse the options and run the stage."""
    from paper_repro.testbed.sets.faults import FAULTS, FaultsSettings, fault_inputs  # pyarrow: too slow for --help

    resolved = load_settings(FaultsSettings, settings, overrides or ())
    inputs = fault_inputs(model, trainset, corpus)
    run_stage(FAULTS, resolved, inputs, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)
