"""`rt generate`: answer prompt sets with a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import (
    AsJson,
    Debug,
    DryRun,
    Out,
    Overrides,
    Overwrite,
    SettingsFile,
    as_overrides,
    run_stage,
)

_HELP = """Answer prompts by batched greedy decoding.

The prompt is the paper's template, the same for RT, IT and untuned models. A slice of each prompt set is taken, chosen
by the seed (--set limit=null takes all). A run that was stopped goes on with the batch it was in.

Without --model the untuned base answers: the setting base (--set base.name=... --set base.weights=...), or else the
base that rt train tunes by default. Untuned weights can also be asked in context: --style urial shows them queries with
answers, urial-r answers alone, zero-shot nothing; a reply then ends at the template's next marker.

A server answers with --server and --served-model (vLLM, or any other with OpenAI's interface): it continues the same
rendered prompt, greedily, and sent.jsonl holds what was sent. --model then says which tuned model it serves (else give
--set served.parameters=N). The key is read from OPENAI_API_KEY. A run that was stopped asks only for the rest.

The folder made holds generations.parquet: prompt, response, finish_reason (eos, length, stop), num_tokens.

Example: rt generate --model runs/dolly-RT --prompts runs/xstest --prompts runs/alpaca-eval --out runs/dolly-RT-replies
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("generate", help=_HELP)(generate)


def generate(
    model: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Tuned model (made by rt train).", show_default=False)
    ] = None,
    prompts: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Prompts artifact (made by rt collect); may be repeated.", show_default=False),
    ] = None,
    style: Annotated[
        str | None, typer.Option(help="chat (default), urial, urial-r or zero-shot.", show_default=False)
    ] = None,
    demonstrations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Queries with answers to show (YAML, JSONL, or a corpus), for those of the template.",
            show_default=False,
        ),
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Server that answers: http://HOST:PORT/v1.", show_default=False)
    ] = None,
    served_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name there.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Prompts of each benchmark and subset (default 40).", show_default=False)
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
    # numpy and the client of servers: too slow for `rt --help`
    from paper_repro.answering import neutral_settings
    from paper_repro.generate.settings import GenerateSettings
    from paper_repro.generate.stage import GENERATE, generate_inputs
    from paper_repro.train.settings import TrainSettings

    chosen = as_overrides({"server.url": server, "served.name": served_model})
    chosen += ["engine=openai"] if chosen else []
    given = [*chosen, *(overrides or ())]
    resolved = load_settings(GenerateSettings, settings, given, limit=limit, style=style)
    if model is None and resolved.base is None and resolved.engine == "in-process":
        resolved = resolved.model_copy(update={"base": TrainSettings().base})
    inputs = generate_inputs(resolved, prompts or [], model, demonstrations)
    run_stage(GENERATE, neutral_settings(resolved), inputs, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)
