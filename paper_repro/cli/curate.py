"""`rt curate`: normalise, filter and deduplicate, with a decision per row."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from artifacts.errors import UserError
from artifacts.settings import load_settings
from data_curation.curate import CURATE, CurateSettings, curate_inputs, funnel_text
from paper_repro.cli.common import (
    AsJson,
    Debug,
    DryRun,
    InstructionColumn,
    Out,
    Overrides,
    Overwrite,
    ResponseColumn,
    ResponseSet,
    SettingsFile,
    as_overrides,
    run_stage,
)

_HELP = """Normalise, filter and deduplicate a response set, with a decision for every row.

INPUT is the folder of a corpus that rt collect made, or a file of your own (JSONL, JSON array, CSV, TSV, Parquet; also
.gz and .zst) or a folder of such files, or hub:owner/name@REVISION. Columns that are recognised: instruction + response
(also output, with input or context), prompt + completion, messages. Rows that cannot be read go to quarantine.jsonl
with line and reason.

The folder made holds data.parquet (the rows kept), decisions.parquet (what became of each row), steps.parquet (what
each step measured) and quarantine.jsonl.

With --executor a set larger than memory is done in shards: by processes of this machine (local), by job arrays of a
Slurm cluster (slurm) or by a Ray cluster (ray). Decisions are the same as in memory; data.parquet and decisions.parquet
are folders of parts then. A run that was stopped goes on where it was.

With --step one deduplication step runs alone instead of a recipe. With --reference rows leave that are like a row of
another set; decisions.parquet then names that row (by) and says that it is the reference's (by_set).

Examples: rt curate my.jsonl --response-column answer --instruction-column question --out runs/mine;
rt curate new.jsonl --step near --threshold 0.7 --reference old.jsonl --out runs/new
"""
STEPS = {"exact": "exact_dedup", "near": "near_dedup", "semantic": "semantic_dedup"}


class Executor(StrEnum):
    """What --executor knows."""

    LOCAL = "local"
    SLURM = "slurm"
    RAY = "ray"


class OneStep(StrEnum):
    """What --step knows."""

    EXACT = "exact"
    NEAR = "near"
    SEMANTIC = "semantic"


RecipeName = Annotated[
    str | None,
    typer.Option(
        help="Name of a recipe (responses, lexical, strict, paper) or path of a YAML file. Default: responses.",
        show_default=False,
    ),
]
ContextColumn = Annotated[str | None, typer.Option(help="Column to append to the instruction.", show_default=False)]
QualityColumn = Annotated[
    str | None,
    typer.Option(help="Column of a score, higher is better, for the survivor policy quality.", show_default=False),
]
StepAlone = Annotated[
    OneStep | None,
    typer.Option(
        metavar="exact|near|semantic", help="Run this deduplication alone, instead of a recipe.", show_default=False
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="With --step near or semantic: least similarity. Default: 0.8, 0.9; above 0, semantic below 1.",
        show_default=False,
    ),
]
Survivor = Annotated[
    str | None,
    typer.Option(
        help="With --step: which duplicate stays: quality, longest, first or id. Default: longest.",
        show_default=False,
    ),
]
Reference = Annotated[
    Path | None,
    typer.Option(help="Artifact folder or file: rows that are like one of its rows leave too.", show_default=False),
]
ExecutorKind = Annotated[
    Executor | None,
    typer.Option(
        metavar="local|slurm|ray",
        help="Work in shards, for sets larger than memory; more by --set executor.slurm.partition=NAME and so on.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(help="With --executor: shards at the same time. Default: 1; 0: all cores.", show_default=False),
]
ShardRows = Annotated[
    int | None, typer.Option(help="With --executor: rows of a shard. Default: 20000.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("curate", help=_HELP)(curate)


def curate(
    given: ResponseSet = None,
    recipe: RecipeName = None,
    response_column: ResponseColumn = None,
    instruction_column: InstructionColumn = None,
    context_column: ContextColumn = None,
    quality_column: QualityColumn = None,
    step: StepAlone = None,
    threshold: Threshold = None,
    survivor: Survivor = None,
    reference: Reference = None,
    executor: ExecutorKind = None,
    workers: Workers = None,
    shard_rows: ShardRows = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Parse the options and run the stage."""
    columns = {
        "columns.response": response_column,
        "columns.instruction": instruction_column,
        "columns.context": context_column,
        "columns.quality": quality_column,
    }
    chosen = one_step(step, threshold, survivor, recipe)
    if chosen is not None and any(one.startswith("recipe=") for one in overrides or ()):
        option = "--recipe" if step is None else "--step"
        raise UserError(f"{option} gives the recipe, and --set recipe gives another", fix="give one of them")
    given_overrides = [*as_overrides(columns), *shard_overrides(executor, workers, shard_rows), *(overrides or ())]
    stage, preview = CURATE, None
    if executor is None:
        resolved = load_settings(CurateSettings, settings, given_overrides, recipe=chosen)
        resolved, inputs = curate_inputs(resolved, given, reference)
    else:
        from data_curation.shards.preview import preview
        from data_curation.shards.settings import ShardedSettings
        from data_curation.shards.stage import CURATE_SHARDS as stage
        from data_curation.shards.stage import sharded_inputs

        resolved = load_settings(ShardedSettings, settings, given_overrides, recipe=chosen)
        resolved, inputs = sharded_inputs(resolved, given, reference)
    run_stage(
        stage,
        resolved,
        inputs,
        out,
        dry_run=dry_run,
        as_json=as_json,
        overwrite=overwrite,
        describe=funnel_text,
        preview=preview,
    )


def shard_overrides(executor: Executor | None, workers: int | None, shard_rows: int | None) -> list[str]:
    """The options as settings.

    Raises:
        UserError: they are given without an executor.
    """
    options = {"executor.workers": workers, "shard_rows": shard_rows}
    given = {name: value for name, value in options.items() if value is not None}
    if executor is None:
        if given:
            option = "--workers" if workers is not None else "--shard-rows"
            raise UserError(f"{option} belongs to --executor", fix="add --executor local")
        return []
    return [f"executor.kind={executor.value}", *(f"{name}={value}" for name, value in given.items())]


def one_step(
    step: OneStep | None, threshold: float | None, survivor: str | None, recipe: str | None
) -> str | dict[str, Any] | None:
    """The recipe that the options ask for: the one named, or one of a single step.

    Raises:
        UserError: options that do not go together.
    """
    options = {"threshold": threshold, "survivor": survivor}
    given = {name: value for name, value in options.items() if value is not None}
    if step is None:
        if given:
            raise UserError(f"--{next(iter(given))} belongs to --step; a recipe has its own")
        return recipe
    if recipe is not None:
        raise UserError("--step and --recipe exclude each other", fix="one step alone, or a recipe of several")
    if step is OneStep.EXACT and threshold is not None:
        raise UserError("--threshold has no meaning for --step exact: responses are equal or not")
    name = STEPS[step]
    return {"name": step.value, "steps": [{"step": name} | given]}
