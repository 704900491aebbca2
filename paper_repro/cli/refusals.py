"""`rt refusals classify`: what the refusal detector says about each response of a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from artifacts.settings import load_settings
from paper_repro.cli.common import (
    AsJson,
    Debug,
    InstructionColumn,
    Overrides,
    ResponseColumn,
    SettingsFile,
    emit,
    excerpt,
)

_HELP = """Say of each response whether it is a refusal, how sure, by which signal, and whether it gives a reason.

FILE is the folder of rt collect or rt curate, or a file of your own (JSONL, CSV, Parquet) with a response and, if you
have it, an instruction. A response is a refusal by its wording; the weaker the wording, the nearer its opening must be
to prototypes of refusals (embeddings). '--method cues' does without an encoder, '--method word' is the paper's rule.

Example: rt refusals classify my.jsonl --json
"""
_SHOWN = 72  # characters of a response in the plain output


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Refusals: classify the responses of a file.")
    group.callback()(_group)
    group.command("classify", help=_HELP)(classify)
    app.add_typer(group, name="refusals")


def _group() -> None:
    """A group of one command keeps its name only with a callback."""


def classify(
    given: Annotated[Path, typer.Argument(metavar="FILE", help="Artifact folder or file.", show_default=False)],
    method: Annotated[
        str | None,
        typer.Option(help="combined, cues, similarity or word. Default: combined.", show_default=False),
    ] = None,
    response_column: ResponseColumn = None,
    instruction_column: InstructionColumn = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read the file, run the detector, print one line (or one object) per response and the counts."""
    from data_curation.readers import Columns
    from data_curation.refusal_detector import DetectorSettings, counts, detect

    resolved = load_settings(DetectorSettings, settings, overrides or (), method=method)
    reading = _read(given, Columns(response=response_column, instruction=instruction_column))
    detections = detect(reading.records, resolved)
    summary = counts(detections) | {"quarantined": len(reading.quarantined)}
    responses = [{"row": record.row} | asdict(one) for record, one in zip(reading.records, detections, strict=True)]
    value = {"settings": resolved.resolved(), "summary": summary, "responses": responses}
    lines = [_line(record, one) for record, one in zip(reading.records, detections, strict=True)]
    emit(value, as_json, "\n".join([*lines, ", ".join(f"{name}: {number}" for name, number in summary.items())]))


def _read(path: Path, columns: Any):
    """The records of a file or artifact; the same rules as for the pool of a mix."""
    from artifacts.errors import InputError
    from artifacts.manifest import is_artifact
    from data_curation.mix import read_responses

    if not (is_artifact(path) or path.is_file()):
        problem = "a folder without a manifest.json" if path.is_dir() else "no such file"
        fix = "give a file, or the folder of a corpus or curated artifact"
        raise InputError(problem, where=str(path), fix=fix)
    return read_responses(path, columns)


def _line(record: Any, one: Any) -> str:
    called = {True: "refusal", False: "answer", None: "nothing"}[one.refusal] + (f" ({one.kind})" if one.kind else "")
    score = "" if one.score is None else f"{one.score:+.3f}"
    shown = excerpt(record.response, _SHOWN)
    return f"{record.row:>6}  {called:<21}{score:>7}  {one.decided_by:<23}{shown}".rstrip()
