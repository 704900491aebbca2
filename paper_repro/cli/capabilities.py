"""`rt capabilities`: core abilities of a model, through lm-eval."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from artifacts.settings import load_settings
from paper_repro.capabilities.benchmarks import CORE
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage

_TASKS = "\n\n".join(
    f"{one.task} ({one.title}): {', '.join(one.metrics)}; {one.shots}-shot; {one.rows:,} rows." for one in CORE
)
_HELP = f"""Measure core abilities with lm-eval: its own tasks on local data files, with our chat template.

The benchmarks of the paper's Table 12, with lm-eval's metrics, the reported one first:

{_TASKS}

ARC is the mean of its two parts. The average of the six is given only if all six were asked. Data come from the folder
RT_MIRROR, or from where their pins say. --limit takes the first rows of each task (of MMLU: of each of 57 subjects).

The folder made is a scores artifact: results.parquet and results.csv, as rt score writes them; capabilities.json, all
numbers with lm-eval's names and standard errors; lm_eval.json; items.parquet, the outcome of every row.

Example: rt capabilities --model runs/dolly-RT --out runs/dolly-RT-core

Example: rt capabilities --base smollm2-135m-instruct --tasks piqa --tasks openbookqa --limit 100
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("capabilities", help=_HELP)(capabilities)


def capabilities(
    model: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Tuned model (made by rt train).", show_default=False)
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Untuned weights: a folder, a shipped base, a pin.", show_default=False),
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A task, or core for all (default); may be repeated.", show_default=False),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="First rows of each task (default: all).")] = None,
    batch_size: Annotated[
        str | None, typer.Option(metavar="N|auto", help="Requests at once (default 16).", show_default=False)
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
    # numpy and the readers of models: too slow for `rt --help`
    from paper_repro.answering import neutral_settings
    from paper_repro.capabilities.settings import CapabilitiesSettings
    from paper_repro.capabilities.stage import CAPABILITIES, capabilities_inputs, data_plan
    from paper_repro.models import source_of

    resolved = load_settings(
        CapabilitiesSettings,
        settings,
        overrides or (),
        base=None if base is None else source_of(base).model_dump(),
        tasks=tuple(tasks) if tasks else None,
        limit=limit,
        batch_size=int(batch_size) if batch_size is not None and batch_size.isdigit() else batch_size,
    )
    run_stage(
        CAPABILITIES,
        neutral_settings(resolved),
        capabilities_inputs(resolved, model),
        out,
        dry_run=dry_run,
        as_json=as_json,
        overwrite=overwrite,
        describe=_describe,
        preview=lambda chosen, inputs, folder: {"data": data_plan(chosen)},
    )


def _describe(summary: Mapping[str, Any]) -> str:
    lines = []
    for name, fact in summary["benchmarks"].items():
        interval = "" if fact["low"] is None else f" [{fact['low']:.4f}, {fact['high']:.4f}]"
        part = "" if fact["coverage"] == "full" else f" of {fact['rows']} (partial)"
        lines.append(f"  {name}: {fact['value']:.4f}{interval}, {fact['metric']}, n {fact['n']}{part}")
    if summary["not_asked"]:
        lines.append(f"  average: missing (not asked: {', '.join(summary['not_asked'])})")
    lines += [f"  note: {count} prompts of {task} were cut at the left" for task, count in summary["cut"].items()]
    lines += [
        f"  note: no answer found in {count} replies by {name}"
        for name, count in summary["no_answer_found"].items()
        if count
    ]
    return "\n".join(lines)
