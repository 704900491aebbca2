"""`rt score`: turn verdicts into one tidy results table."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any

import typer

from artifacts.errors import UserError
from artifacts.settings import load_settings
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, SettingsFile, emit, run_stage
from paper_repro.score.metrics import METRICS
from paper_repro.score.records import RECORDS
from paper_repro.score.stage import SCORE, ScoreSettings, score_inputs

_METRICS = "\n\n".join(f"{metric.name} ({metric.unit}): {metric.meaning}." for metric in METRICS.values())
_HELP = f"""Turn verdicts of any number of conditions into one tidy results table.

VERDICTS are folders made by rt judge; those made by rt capabilities may stand among them. The metrics:

{_METRICS}

Rates have Wilson intervals, means bootstrap intervals over prompts (95 %; none where all values are equal). A reply
that could not be classified counts in n, and as neither; how many there are stands beside. The folder made holds
results.parquet and results.csv, and comparisons.csv: pairs of conditions on the same prompts, with tests and their
correction for being many.

Example: rt score runs/untuned-refusals runs/dolly-RT-refusals --study refusal --out runs/scores

--validation names a folder of rt judges validate and puts corrected refusal rates beside the raw ones (Rogan and Gladen
1978, with the interval of Lang and Reiczigel 2014), by the judge's errors on the held-out replies. The labelled set
holds as many replies of every kind; what your models say does not. --set "mix.KIND=PART" says from which kinds of
refusals and of compliances the errors are taken, and in which parts.

Example: rt score runs/dolly-RT-refusals --validation runs/refusal-rules-validated --out runs/corrected-scores

With the name of a benchmark first, one file of judge records gives that benchmark's numbers, without any artifact:
annotation files of AlpacaEval, outputs of just-eval, answers of InFoBench, results of lm-eval (core), or labels of
replies (label: refusal or compliance; subset for harmbench and xstest). --against puts published numbers beside them.
alpaca-eval also takes a folder of verdicts of preference-llm.

Example: rt score infobench answers.jsonl --json
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("score", help=_HELP)(score)


def score(
    verdicts: Annotated[
        list[Path],
        typer.Argument(
            metavar="VERDICTS... | BENCHMARK FILE",
            help="Folders made by rt judge; or a benchmark and a file of judge records.",
            show_default=False,
        ),
    ],
    study: Annotated[str | None, typer.Option(help="Name of the study (default: refusal).", show_default=False)] = None,
    gamed: Annotated[
        Path | None, typer.Option(help="alpaca-eval: df_gamed.csv (default: the pinned one).", show_default=False)
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="File of published numbers: leaderboard or eval_res.json.", show_default=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="alpaca-eval: the model's name in that leaderboard.", show_default=False)
    ] = None,
    validation: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of rt judges validate: adds corrected refusal rates; may be repeated.", show_default=False
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
    """Parse the options; run the stage, or score one file of judge records."""
    resolved = load_settings(ScoreSettings, settings, overrides or (), study=study)
    if str(verdicts[0]) in RECORDS and not verdicts[0].exists():
        if validation:
            raise UserError(
                "--validation goes with folders of verdicts", fix="rt score VERDICTS... --validation FOLDER"
            )
        _score_records(verdicts, resolved, as_json, gamed=gamed, against=against, model=model)
        return
    first = str(verdicts[0])
    if len(verdicts) > 1 and "/" not in first and not verdicts[0].exists():
        near = difflib.get_close_matches(first, RECORDS, 1)
        fix = f"did you mean {near[0]}?" if near else f"benchmarks: {', '.join(RECORDS)}"
        raise UserError(f"{first} is no folder, and no benchmark", fix=fix)
    if given := [name for name, value in (("gamed", gamed), ("against", against), ("model", model)) if value]:
        raise UserError(f"--{given[0]} goes with a benchmark and a file", fix=f"benchmarks: {', '.join(RECORDS)}")
    inputs = score_inputs(verdicts, validation or ())
    run_stage(SCORE, resolved, inputs, out, dry_run=dry_run, as_json=as_json, overwrite=overwrite)


def _score_records(given: list[Path], settings: ScoreSettings, as_json: bool, **options: Any) -> None:
    from paper_repro.score.records.score import as_text, score_file

    if len(given) != 2:
        raise UserError(f"{given[0]} takes one file, {len(given) - 1} are given", fix="rt score BENCHMARK FILE")
    result = score_file(str(given[0]), given[1], settings, **options)
    emit(result, as_json, as_text(result))
