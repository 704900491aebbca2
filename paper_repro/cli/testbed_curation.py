"""`rt testbed curation`: how much of what was planted in a dirty set its curation has found."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artifacts.errors import InputError
from artifacts.manifest import is_artifact, read_manifest
from paper_repro.cli.common import AsJson, Debug, emit

if TYPE_CHECKING:
    from paper_repro.testbed.sets.curation_score import DefectScore

_HELP = """Score a curation of one of the testbed's dirty sets, defect by defect.

DIR is the folder of rt curate. Which rows were planted is known from labels.parquet of the set that was curated, which
the manifest names; if it lies elsewhere by now, give it with --corpus. Found: dropped for a reason that fits the
defect, or repaired. Precision: of the rows dropped for such a reason, the share that was planted; the others are
defects that were there by nature (duplicates mostly), and mistakes.

Example: rt testbed curation runs/structured-curated
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application `rt testbed`."""
    app.command("curation", help=_HELP)(curation)


def curation(
    curated: Annotated[Path, typer.Argument(metavar="DIR", help="Folder made by rt curate.", show_default=False)],
    corpus: Annotated[
        Path | None, typer.Option(help="The dirty set, made by rt testbed data.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Find the labels, score, print."""
    from paper_repro.testbed.sets.curation_score import score_curation

    labels = _labels(curated, corpus)
    scores = score_curation(curated, labels)
    found = [asdict(score) | {"recall": score.recall, "precision": score.precision} for score in scores]
    emit({"labels": str(labels), "defects": found}, as_json, _text(scores))


def _labels(curated: Path, corpus: Path | None) -> Path:
    """The labels of the set that was curated; raises InputError if it is not at hand or has none."""
    from data_curation.inspect.subject import recorded_inputs

    artifact = read_manifest(curated, kind="curated")
    found, missing = recorded_inputs(artifact, {} if corpus is None else {"input": corpus})
    if "input" not in found:
        raise InputError(missing or "was curated from the hub", where=str(curated), fix="give the set with --corpus")
    place = found["input"]
    if not is_artifact(place) or "labels.parquet" not in read_manifest(place).identity.outputs:
        raise InputError(
            "nothing was planted in it", where=str(place), fix="sets whose names end in -dirty have labels"
        )
    return read_manifest(place).file("labels.parquet")


def _text(scores: list[DefectScore]) -> str:
    head = ("defect", "planted", "dropped", "repaired", "otherwise", "recall", "precision")
    lines = ["{:<16}{:>9}{:>9}{:>10}{:>11}{:>8}{:>11}".format(*head)]
    for one in scores:
        shares = (f"{share:.2f}" if share is not None else "-" for share in (one.recall, one.precision))
        counts = (one.planted, one.dropped, one.repaired, one.otherwise)
        lines.append("{:<16}{:>9,}{:>9,}{:>10,}{:>11,}{:>8}{:>11}".format(one.defect, *counts, *shares))
    lines.append("otherwise: dropped for a reason that has nothing to do with the defect, and not counted as found")
    return "\n".join(lines)
