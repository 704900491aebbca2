"""`rt judge`: turn generations into verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import (
    AsJson,
    Cache,
    Debug,
    DryRun,
    JudgeModel,
    Out,
    Overrides,
    Overwrite,
    Server,
    SettingsFile,
    as_overrides,
    run_stage,
    show_calls,
)
from paper_repro.judge.registry import judge_names, load_judge
from paper_repro.judge.stage import JUDGE, JudgeSettings, judge_inputs, judge_plan

_JUDGES = "\n\n".join(f"{name}: {load_judge(name).measures}" for name in judge_names())
_HELP = f"""Judge every reply; one verdict each, also for those a judge cannot classify.

GENERATIONS is a folder made by rt generate. The judges:

{_JUDGES}

The folder made holds verdicts.parquet: status (ok, unclassified, failed), label, score, and what the judge said (raw).

Judges whose names end in -llm ask a language model behind any OpenAI-compatible server. A key is read from the
environment variable OPENAI_API_KEY (another: --set server.key_variable=NAME) and written nowhere. Every answer is kept
on disk when it comes (--cache): a stopped run goes on where it was. --dry-run counts calls and estimates tokens.

Example: rt judge runs/dolly-RT-replies --judge refusal-rules --out runs/dolly-RT-refusals

Example: rt judge runs/dolly-RT-replies --judge refusal-llm --server http://127.0.0.1:8000/v1 --out runs/dolly-RT-judged
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("judge", help=_HELP)(judge)


def judge(
    generations: Annotated[Path, typer.Argument(help="Folder made by rt generate.", show_default=False)],
    name: Annotated[
        str | None, typer.Option("--judge", help=f"One of: {', '.join(judge_names())}.", show_default=False)
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="For preference-llm: generations to compare with, folder of rt generate.", show_default=False
        ),
    ] = None,
    server: Server = None,
    model: JudgeModel = None,
    cache: Cache = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Parse the options and run the stage."""
    options = {"parameters.model.name": model, "server.url": server}
    store = None if cache is None else str(cache)
    resolved = load_settings(
        JudgeSettings, settings, [*as_overrides(options), *(overrides or ())], judge=name, cache=store
    )
    inputs = judge_inputs(resolved, generations, against)
    if dry_run and (plan := judge_plan(resolved, inputs)) is not None:
        show_calls("judge", resolved, inputs, plan, as_json)
        return
    run_stage(JUDGE, resolved, inputs, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)
