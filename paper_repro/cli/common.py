"""What every command shares: its options, its plan (`--dry-run`) and its result (`--json`)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from artifacts.digests import digest_json
from artifacts.manifest import is_artifact, read_manifest
from artifacts.settings import Settings
from artifacts.stage import Stage, check_apart, input_digest
from artifacts.store import rt_home

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
SettingsFile = Annotated[Path | None, typer.Option("--settings", help="YAML file of settings.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override one setting; may be repeated.", show_default=False),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Output folder (default: a folder of RT_HOME named by digest).")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show resolved settings and the plan; do nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Result as JSON on standard output (docs/schemas.md).")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what was made or begun otherwise.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks (may stand anywhere).")]
ResponseSet = Annotated[
    str | None, typer.Argument(metavar="INPUT", help="Artifact folder, file or hub address.", show_default=False)
]
ResponseColumn = Annotated[str | None, typer.Option(help="Column of the response.", show_default=False)]
InstructionColumn = Annotated[str | None, typer.Option(help="Column of the instruction.", show_default=False)]
Server = Annotated[
    str | None, typer.Option(metavar="URL", help="Address of the server: http://HOST:PORT/v1.", show_default=False)
]
JudgeModel = Annotated[
    str | None, typer.Option(help="The model's name on the server. Default: the judge's own.", show_default=False)
]
Cache = Annotated[
    Path | None, typer.Option(help="File of the kept answers. Default: one in RT_HOME.", show_default=False)
]


def as_overrides(options: Mapping[str, Any]) -> list[str]:
    """Options that were given, by the settings they stand for, in the form of `--set`."""
    # a JSON string is a YAML string, so any name survives
    return [f"{key}={json.dumps(value)}" for key, value in options.items() if value is not None]


def emit(value: Any, as_json: bool, text: str) -> None:
    """Print a command's result: JSON on standard output if asked for, else plain text there."""
    sys.stdout.write((json.dumps(value, indent=2, ensure_ascii=False) if as_json else text).rstrip("\n") + "\n")


def run_stage(
    stage: Stage,
    settings: Settings,
    inputs: Mapping[str, Path],
    out: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
    overwrite: bool,
    describe: Callable[[Mapping[str, Any]], str] | None = None,
    preview: Callable[[Settings, Mapping[str, Path], Path], Mapping[str, Any]] | None = None,
) -> None:
    """Run a stage, or show what it would do, and print the outcome.

    `describe` puts its summary into words; `preview` adds to what a dry run shows.
    """
    key = stage.key(settings, {name: input_digest(path) for name, path in inputs.items()})
    out = out or rt_home() / stage.name / f"{stage.kind}-{digest_json(key)[:10]}"
    if dry_run:
        check_apart(out, inputs)
        _show_plan(stage, key, inputs, out, as_json, {} if preview is None else preview(settings, inputs, out))
        return
    artifact, up_to_date = stage.run(settings, out, inputs, overwrite=overwrite)
    result = {
        "stage": stage.name,
        "kind": stage.kind,
        "path": str(artifact.path),
        "digest": artifact.digest,
        "up_to_date": up_to_date,
        "summary": artifact.summary,
    }
    state = "up to date" if up_to_date else "done"
    text = yaml.safe_dump({"summary": artifact.summary}, sort_keys=False, allow_unicode=True)
    if describe is not None:
        text = describe(artifact.summary)
    emit(result, as_json, f"{stage.name}: {state}: {artifact.path}\ndigest: {artifact.digest}\n{text}")


def _show_plan(
    stage: Stage,
    key: dict[str, Any],
    inputs: Mapping[str, Path],
    out: Path,
    as_json: bool,
    more: Mapping[str, Any],
) -> None:
    done = is_artifact(out) and _same_plan(out, key)
    plan = {
        "stage": stage.name,
        "kind": stage.kind,
        "out": str(out),
        "up_to_date": done,
        "inputs": {name: {"path": str(path), "digest": key["inputs"][name]} for name, path in inputs.items()},
        "settings": key["settings"],
        "packages": key["packages"],
        "threads": key["threads"],
    } | dict(more)
    emit(plan, as_json, yaml.dump(plan, Dumper=_Readable, sort_keys=False, allow_unicode=True))


class _Readable(yaml.SafeDumper):
    """YAML in which a text of several lines stands as it is."""


_Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def _same_plan(out: Path, key: dict[str, Any]) -> bool:
    return read_manifest(out).identity.model_dump(mode="json", exclude={"summary", "outputs"}) == key


def show_calls(stage: str, settings: Any, inputs: Mapping[str, Path], plan: Any, as_json: bool) -> None:
    """Print a language-model stage's settings, and the calls and tokens they would take; the server is not asked.

    Args:
        stage: Its name.
        settings: Settings with `server` and `store`.
        inputs: Name to input.
        plan: A `data_curation.llm_client.Plan`.
        as_json: Whether as JSON.
    """
    shown = {
        "stage": stage,
        "inputs": {name: str(path) for name, path in inputs.items()},
        "settings": settings.resolved(),
        "server": settings.server.base_url() if settings.server.url is not None else None,
        "cache": str(settings.store),
        "plan": asdict(plan),
    }
    emit(shown, as_json, yaml.safe_dump(shown, sort_keys=False, allow_unicode=True))


def plain(text: str) -> str:
    """Without control characters: a text must not steer the terminal."""
    return CONTROL.sub(" ", text)


def excerpt(text: str, most: int) -> str:
    """The beginning of a text on one line, for the terminal."""
    line = " ".join(plain(text).split())
    return line if len(line) <= most else f"{line[:most].rstrip()} \u2026"
