"""`rt rewrite`: a language model refines responses, or turns news passages into them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import (
    AsJson,
    Cache,
    Debug,
    DryRun,
    InstructionColumn,
    Out,
    Overrides,
    Overwrite,
    ResponseColumn,
    ResponseSet,
    Server,
    SettingsFile,
    as_overrides,
    run_stage,
    show_calls,
)

_HELP = """Let a language model rewrite every response of a set, through any OpenAI-compatible server.

INPUT is the folder of rt collect, rt curate or rt rewrite, a file of your own, or hub:owner/name@REVISION. Kind refine
edits a response for clarity, structure and tone (the paper's appendix G); news cleans a news passage and changes its
tone (appendix F). The new response is what the model writes after the prompt's marker; without the marker, or where
the text was cut, the original is kept.

A key is read from the environment variable OPENAI_API_KEY (another: --set server.key_variable=NAME) and written
nowhere. Every answer is kept on disk when it comes (--cache): a stopped run goes on where it was, and the same model is
never asked the same twice. --dry-run counts calls and estimates tokens.

The folder made is a curated set, for rt curate and rt mix; rewrites.parquet holds what was asked and answered.

Example: rt rewrite runs/dolly --server http://127.0.0.1:8000/v1 --model my-model --out runs/dolly-refined
"""


class RewriteKind(StrEnum):
    """What --kind knows."""

    REFINE = "refine"
    NEWS = "news"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("rewrite", help=_HELP)(rewrite)


def rewrite(
    given: ResponseSet = None,
    kind: Annotated[RewriteKind | None, typer.Option(help="Default: refine.", show_default=False)] = None,
    server: Server = None,
    model: Annotated[str | None, typer.Option(help="The model's name on the server.", show_default=False)] = None,
    prompt: Annotated[
        str | None,
        typer.Option(
            help="Name of a prompt (refine, news, official-refine: downloaded) or path of a YAML file. "
            "Default: the kind's own.",
            show_default=False,
        ),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Requests on their way at a time. Default: 16.", show_default=False)
    ] = None,
    cache: Cache = None,
    response_column: ResponseColumn = None,
    instruction_column: InstructionColumn = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Parse the options and run the stage."""
    # numpy and pyarrow: too slow for `rt --help`
    from data_curation.curate import main_input
    from data_curation.rewrite import REWRITE, RewriteSettings, rewrite_plan, rewrite_text

    options = {
        "model.name": model,
        "server.url": server,
        "server.concurrency": concurrency,
        "columns.response": response_column,
        "columns.instruction": instruction_column,
    }
    resolved = load_settings(
        RewriteSettings,
        settings,
        [*as_overrides(options), *(overrides or ())],
        kind=kind,
        prompt=prompt,
        cache=None if cache is None else str(cache),
    )
    resolved, inputs = main_input(resolved, given)
    if dry_run:
        show_calls("rewrite", resolved, inputs, rewrite_plan(resolved, inputs), as_json)
        return
    run_stage(
        REWRITE, resolved, inputs, out, dry_run=False, as_json=as_json, overwrite=overwrite, describe=rewrite_text
    )
