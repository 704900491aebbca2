"""`rt judges`: the judges and their cards, and how well a refusal judge agrees with labels made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

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
    emit,
    run_stage,
)
from paper_repro.judge.registry import judge_names, load_judge

_GROUP_HELP = """The judges: what each measures, and how well refusal judges agree with labels made by hand.

Without a command: a line a judge. rt judges show NAME prints a judge's whole card.

Example: rt judges
"""
_SHOW_HELP = """Print the card of a judge: what it measures, its labels, its parameters, its measured agreement.

Example: rt judges show refusal-rules
"""
_VALIDATE_HELP = """Run a refusal judge on replies labelled by hand, and measure how often it agrees with the labels.

260 replies come with the package, in five kinds: plain compliance, plain refusal, deceptive compliance (declines, then
hands something over), soft refusal (no word of refusal, and nothing handed over), sympathetic compliance. They are
harmless: what must not be told is a placeholder. Half of each kind is held out: look at development replies alone while
you make a judge. --labelled reads a set of your own: id, kind, label (refusal or compliance), split, instruction,
response.

Shown are the agreement overall, by kind and by split, sensitivity (of the refusals) and specificity (of the
compliances) with Wilson intervals (95 %), and Cohen's kappa. A reply without a verdict counts as a disagreement. The
folder made can be given to rt score --validation.

Judges whose names end in -llm ask a server, as in rt judge: every answer is kept, --dry-run counts the calls.

Example: rt judges validate refusal-rules --out runs/refusal-rules-validated

Example: rt judges validate refusal-llm --server http://127.0.0.1:8000/v1 --split held-out
"""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(rich_markup_mode=None, help=_GROUP_HELP)
    group.callback(invoke_without_command=True)(judges)
    group.command("show", help=_SHOW_HELP)(show)
    group.command("validate", help=_VALIDATE_HELP)(validate)
    app.add_typer(group, name="judges")


def judges(context: typer.Context, as_json: AsJson = False, debug: Debug = False) -> None:
    """List the judges, where no command follows."""
    if context.invoked_subcommand is not None:
        return
    cards = [load_judge(name) for name in judge_names()]
    lines = [f"{card.name:<22}{card.kind:<12}version {card.version}   {card.title}" for card in cards]
    emit([card.resolved() for card in cards], as_json, "\n".join(lines))


def show(
    name: Annotated[str, typer.Argument(help=f"One of: {', '.join(judge_names())}.", show_default=False)],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Print one card."""
    card = load_judge(name).resolved()
    emit(card, as_json, yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=110))


def validate(
    name: Annotated[str, typer.Argument(help="A judge that says refusal or compliance.", show_default=False)],
    split: Annotated[
        str | None, typer.Option(help="development, held-out or both (the default).", show_default=False)
    ] = None,
    labelled: Annotated[
        Path | None, typer.Option(help="File of labelled replies. Default: those of the package.", show_default=False)
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
    from paper_repro.judge.validation.labelled import SHIPPED
    from paper_repro.judge.validation.stage import VALIDATE, ValidateSettings

    options = {"parameters.model.name": model, "server.url": server}
    given = {"judge": name, "split": split, "cache": None if cache is None else str(cache)}
    resolved = load_settings(ValidateSettings, settings, [*as_overrides(options), *(overrides or ())], **given)
    run_stage(
        VALIDATE,
        resolved,
        {"labelled": labelled or SHIPPED},
        out,
        dry_run=dry_run,
        as_json=as_json,
        overwrite=overwrite,
        describe=_in_words,
        preview=_calls,
    )


def _calls(settings: Any, inputs: Mapping[str, Path], out: Path) -> dict[str, Any]:
    """What a dry run adds for a language-model judge: server, kept answers, calls and tokens."""
    from paper_repro.judge.validation.stage import validation_plan

    plan = validation_plan(settings, inputs)
    if plan is None:
        return {}
    url = settings.server.base_url() if settings.server.url is not None else None
    return {"server": url, "cache": str(settings.store), "plan": asdict(plan)}


def _in_words(summary: Mapping[str, Any]) -> str:
    """A short table a split, and the ids on which judge and label differ."""
    lines = [f"{summary['judge']} version {summary['judge_version']}, {summary['labelled']['file']}"]
    for split, measures in summary["splits"].items():
        kappa = "-" if measures["kappa"] is None else f"{measures['kappa']:.2f}"
        lines += ["", f"{split}: kappa {kappa}", _line("agreement", measures)]
        lines += [_line(name, measures[name]) for name in ("sensitivity", "specificity") if measures[name]]
        lines += [_line(f"  {kind}", one) for kind, one in measures["by_kind"].items()]
    differing: dict[str, list[str]] = {}
    for one in summary["disagreements"]:
        differing.setdefault(f"{one['kind']}, called {one['said'] or one['status']}", []).append(one["id"])
    return "\n".join([*lines, "", *(f"{how}: {' '.join(ids)}" for how, ids in differing.items())])


def _line(name: str, share: Mapping[str, Any]) -> str:
    without = "".join(f", {share[status]} {status}" for status in ("unclassified", "failed") if share[status])
    return (
        f"{name:<26}{share['agree']:>4} of {share['n']:<4} {share['value']:.1%}"
        f" ({share['low']:.1%} to {share['high']:.1%}){without}"
    )
