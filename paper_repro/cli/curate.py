"""`rt curate`: normalise, filter and deduplicate, with a decision per row."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from artifacts.settings import load_settings
from data_curation.curate import CURATE, CurateSettings, curate_inputs, funnel_text
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage

_HELP = """Normalise, filter and deduplicate a response set, with a decision for every row.

INPUT is the folder of a corpus that rt collect made, or a file of your own (JSONL, JSON array, CSV, TSV, Parquet; also
.gz and .zst), or hub:owner/name@REVISION. Columns that are recognised: instruction + response (also output, with
input or context), prompt + completion, messages. Rows that cannot be read go to quarantine.jsonl with line and reason.

The folder made holds data.parquet (the rows kept), decisions.parquet (what became of each row), steps.parquet (what
each step measured) and quarantine.jsonl.

Example: rt curate my.jsonl --response-column answer --instruction-column question --out runs/mine
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("curate", help=_HELP)(curate)


def curate(
    given: Annotated[
        str | None, typer.Argument(metavar="INPUT", help="Artifact folder, file or hub address.", show_default=False)
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Name of a recipe (responses, lexical, paper) or path of a YAML file. Default: responses.",
            show_default=False,
        ),
    ] = None,
    response_column: Annotated[str | None, typer.Option(help="Column of the response.", show_default=False)] = None,
    instruction_column: Annotated[
        str | None, typer.Option(help="Column of the instruction.", show_default=False)
    ] = None,
    context_column: Annotated[
        str | None, typer.Option(help="Column to append to the instruction.", show_default=False)
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
    columns = {"response": response_column, "instruction": instruction_column, "context": context_column}
    # a JSON string is a YAML string, so any name survives
    given_columns = [f"columns.{role}={json.dumps(name)}" for role, name in columns.items() if name is not None]
    resolved = load_settings(CurateSettings, settings, [*given_columns, *(overrides or ())], recipe=recipe)
    resolved, inputs = curate_inputs(resolved, given)
    run_stage(
        CURATE,
        resolved,
        inputs,
        out,
        dry_run=dry_run,
        as_json=as_json,
        overwrite=overwrite,
        describe=funnel_text,
    )
