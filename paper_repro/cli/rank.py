"""`rt rank`: does a model find right responses likelier than wrong ones?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage

HELP = """Rank responses: how often a model gives the right response more likelihood than one that answers another
instruction, by the whole response and by its mean token.

PAIRS is the folder of `rt mix`, `rt curate` or `rt collect`, or a file with the columns `instruction` and `response`. A
model that ranks well before any tuning already knows which response belongs to which instruction.

Example: rt rank runs/dolly --base testbed-2m-many-0 --out runs/ranking
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("rank", help=HELP)(rank)


def rank(
    pairs: Annotated[Path, typer.Argument(help="Paired set: an artifact's folder, or a file.")],
    model: Annotated[Path | None, typer.Option(help="Folder of a tuned model.", show_default=False)] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Untuned weights: a folder, a pin, a shipped base, or owner/repo@commit.", show_default=False
        ),
    ] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Resolve the settings and run the stage."""
    from paper_repro.models import source_of
    from paper_repro.ranking import RANK, RankSettings, rank_inputs

    given = None if base is None else source_of(base).resolved()
    resolved = load_settings(RankSettings, settings, overrides or (), base=given)
    resolved, inputs = rank_inputs(resolved, pairs, model)
    run_stage(RANK, resolved, inputs, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite, describe=described)


def described(summary: Mapping[str, Any]) -> str:
    """The outcome in words, with what it rests on."""
    who = summary["condition"]
    lines = [f"model: {who['base_model']}, {who['method']}", f"pairs: {summary['pairs']} of {summary['rows']} rows"]
    lines += [f"comparisons: {summary['comparisons']}", "the right response is the likelier one:"]
    for name, words in (("total", "whole response"), ("per_token", "mean token")):
        m = summary[name]
        lines.append(
            f"  {words:<15} {m['rate']:7.1%}  [{m['low']:.1%}, {m['high']:.1%}]   by {m['margin']:.3f} nats "
            f"[{m['margin_low']:.3f}, {m['margin_high']:.3f}]" + (f"   {m['ties']} ties" if m["ties"] else "")
        )
    return "\n".join(lines) + "\n"
