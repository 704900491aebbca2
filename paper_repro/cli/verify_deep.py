"""`rt artifacts verify --deep`: artifacts are made again, one after another, and compared with what is recorded."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from artifacts.chain import artifacts_below
from artifacts.errors import ResponseTuningError, UserError
from artifacts.manifest import read_manifest
from artifacts.store import rt_home
from paper_repro.cli.common import emit
from paper_repro.rederive import Outcome, rederive

log = logging.getLogger("rt")
WORDS = {"same": "same   ", "within tolerance": "near   ", "differs": "DIFFERS", "not re-derived": "UNKNOWN"}
MOST = 10  # reasons of one artifact to show; --json has all


def verify_deep(folders: Sequence[Path], as_json: bool) -> None:
    """Make the artifacts in `folders` again and print what became of each; exit status 1 unless all are confirmed."""
    if not folders:
        fix = "name folders of artifacts; bases that are shipped: rt testbed rebuild"
        raise UserError("--deep makes artifacts again, and none is named", fix=fix)
    places = _places([*(folder.resolve().parent for folder in folders), rt_home()])
    outcomes = []
    for number, folder in enumerate(folders, 1):
        started = time.monotonic()
        outcomes.append(rederive(folder, places))
        log.info("[%d/%d] %s: %s, %.1f s", number, len(folders), folder, outcomes[-1].state, time.monotonic() - started)
    emit([_row(one) for one in outcomes] if as_json else None, as_json, "" if as_json else _text(outcomes))
    if not all(one.ok for one in outcomes):
        raise typer.Exit(1)


def _places(homes: Iterable[Path]) -> dict[str, Path]:
    """Digest to folder of all artifacts below some folders; a damaged one is nobody's input."""
    found: dict[str, Path] = {}
    for home in dict.fromkeys(homes):
        for folder in artifacts_below(home):
            try:
                found.setdefault(read_manifest(folder).digest, folder)
            except (ResponseTuningError, OSError):
                continue
    return found


def _row(one: Outcome) -> dict:
    value = asdict(one) | {"name": str(one.folder), "ok": one.ok}
    del value["folder"]
    return value


def _text(outcomes: Sequence[Outcome]) -> str:
    lines = [line for one in outcomes for line in _lines(one)]
    counts = {state: sum(one.state == state for one in outcomes) for state in WORDS}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return "\n".join([*lines, f"{sum(one.ok for one in outcomes)} of {len(outcomes)} are confirmed ({told})"])


def _lines(one: Outcome) -> list[str]:
    rule = f": {one.rule}" if one.rule else ""
    more = [f"  and {len(one.reasons) - MOST} more (--json has all)"] if len(one.reasons) > MOST else []
    reasons = [f"  - {reason}" for reason in one.reasons[:MOST]]
    return [f"{WORDS[one.state]} {one.folder} ({one.kind or 'no artifact'}){rule}", *reasons, *more]
