"""`rt testbed data`: make one set of the testbed."""

from __future__ import annotations

from typing import Annotated

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage
from paper_repro.testbed.sets.catalogue import SETS

_NAMES = {
    kind: ", ".join(name for name, spec in SETS.items() if spec.kind == kind and "-dev-" not in name)
    for kind in ("corpus", "prompts")
}
_HELP = f"""Make a set of the testbed: generated text in the role of one of the paper's data sets.

Responses: {_NAMES["corpus"]}. In those that end in -dirty defects are planted; labels.parquet says which.

Prompts: {_NAMES["prompts"]}; each has a twin for development (testbed-dev-tasks and so on), which shares no entity,
fact or question with it.

The folder made is like one of rt collect: rt curate, rt mix and rt generate read it as they read those.

Example: rt testbed data testbed-structured --world-seed 7 --out runs/structured
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application `rt testbed`."""
    app.command("data", help=_HELP)(data)


def data(
    name: Annotated[str | None, typer.Argument(help="Name of the set.", show_default=False)] = None,
    world_seed: Annotated[int | None, typer.Option(help="Seed of the world.", show_default=False)] = None,
    rows: Annotated[int | None, typer.Option(help="Make so many rows. Default: the set's own number.")] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Parse the options and run the stage."""
    from paper_repro.testbed.sets.stage import TestbedDataSettings, stage_of  # pyarrow: too slow for `rt --help`

    resolved = load_settings(
        TestbedDataSettings, settings, overrides or (), name=name, world_seed=world_seed, rows=rows
    )
    run_stage(stage_of(resolved), resolved, {}, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)
