"""`rt mix`: a base sample with k refusals, as IT and RT sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, run_stage

_HELP = """Put refusals after a base sample, as an RT set and an IT set of the same rows.

BASE and POOL are folders of rt collect or rt curate, or files of your own (JSONL, CSV, Parquet) with a response and,
for an IT set, an instruction. The base set is shuffled and cut to --base-size rows (1,000 as in the paper; all of them
in their own order if there are no more, or with 'all'). COUNT refusals are taken from the pool's rows whose response
holds the word 'ai' or 'sorry' (other rules: --set refusal_rule=detector or none), and put after the base set in the
order they were chosen.

Strategies: 'paper' takes the first of the shuffled list; 'random' the same, whatever the pool's order; 'diverse' takes
those farthest from each other in meaning, beginning with the most ordinary one (or, with --set
selection.objective=facility, those that stand for most others); 'targeted' the nearest to topics, by their quotas
(selection.topics in a settings file). With --kind only refusals that give a reason, or only bare ones. Near duplicates
are removed first with 'random', 'facility' and 'targeted' (always: --set selection.near_duplicates=remove). A larger
COUNT holds all rows of a smaller one.

Conflicts are base responses that do what the chosen refusals decline: --conflicts report lists them in
conflicts.jsonl, --conflicts drop also leaves them out.

The folder made holds rt.parquet (responses only) and, where every row has an instruction, it.parquet; selection.jsonl
says why each refusal was chosen where more than the paper's way was asked for.

Example: rt mix --base runs/dolly --pool runs/safety --count 100 --strategy paper --out runs/dolly-100
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("mix", help=_HELP)(mix)


def mix(
    base: Annotated[Path, typer.Option(help="Base set: artifact folder or file.", show_default=False)],
    pool: Annotated[
        Path | None, typer.Option(help="Where refusals come from: artifact folder or file.", show_default=False)
    ] = None,
    count: Annotated[int | None, typer.Option(help="Refusals to add. Default: 0.", show_default=False)] = None,
    strategy: Annotated[
        str | None, typer.Option(help="paper, random, diverse or targeted. Default: paper.", show_default=False)
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="explanatory, bare or any refusals. Default: any.", show_default=False)
    ] = None,
    conflicts: Annotated[
        str | None, typer.Option(help="ignore, report or drop. Default: ignore.", show_default=False)
    ] = None,
    base_size: Annotated[
        str | None, typer.Option(help="Rows of the base set, or 'all'. Default: 1000.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of both shuffles. Default: 0.", show_default=False)] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Parse the options and run the stage."""
    from data_curation.mix import MIX, MixSettings, mix_inputs  # numpy and pyarrow: too slow for `rt --help`

    size = [] if base_size is None else [f"base_size={'null' if base_size == 'all' else base_size}"]
    kinds = [] if kind is None else [f"selection.kind={kind}"]
    resolved = load_settings(
        MixSettings,
        settings,
        [*size, *kinds, *(overrides or ())],
        num_refusals=count,
        strategy=strategy,
        conflicts=conflicts,
        seed=seed,
    )
    inputs = mix_inputs(resolved, base, pool)
    run_stage(MIX, resolved, inputs, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)
