"""What is left of the planted faults in the rows that a model was tuned on, as verdicts on those rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from artifacts.errors import InputError
from artifacts.manifest import Artifact, read_manifest
from artifacts.settings import Settings
from artifacts.stage import Stage, Workspace
from data_curation.records import SCHEMA as RECORDS
from paper_repro.columns import read_rows, write_rows
from paper_repro.judge.schema import SCHEMA, VERDICTS, Opinion, verdict_row
from paper_repro.testbed.sets.catalogue import SETS
from paper_repro.testbed.sets.defects import DEFECTS, LABELS, Defect

JUDGE = "planted-faults"
BENCHMARK = "testbed-training-rows"
FAULTY, GOOD = "faulty", "good"
COPIES: tuple[Defect, ...] = ("exact-duplicate", "near-duplicate")
Row = dict[str, Any]


class FaultsSettings(Settings):
    """Settings of `rt testbed faults`: there is nothing to choose."""


def fault_inputs(model: Path, trainset: Path, corpus: Path) -> dict[str, Path]:
    """The stage's named inputs."""
    return {"model": model, "trainset": trainset, "corpus": corpus}


def find_faults(rows: Sequence[Row], labels: Sequence[Mapping[str, Any]]) -> list[Defect | None]:
    """The fault of each training row, or None.

    A row that was planted as a copy is a fault only beside the row it copies: curation may drop either of the two. Any
    other fault is gone where the text is what it would be without it.

    Args:
        rows: `row_id` and `response` of what is trained on.
        labels: Rows of `labels.parquet`.
    """
    planted = {label["row_id"]: label for label in labels}
    present = {row["row_id"] for row in rows}
    return [_fault(row, planted.get(row["row_id"]), present) for row in rows]


def _fault(row: Row, label: Mapping[str, Any] | None, present: set[str]) -> Defect | None:
    if label is None:
        return None
    still = label["of"] in present if label["defect"] in COPIES else row["response"] != label["clean"]
    return label["defect"] if still else None


def _work(settings: FaultsSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    model = read_manifest(inputs["model"], kind="model")
    trainset = read_manifest(inputs["trainset"], kind="trainset")
    if model.identity.inputs.get("trainset") != trainset.digest:
        fix = "give the training set that the model was tuned on"
        raise InputError("another training set than the model's", where=str(trainset.path), fix=fix)
    rows = _training_rows(trainset)
    faults = find_faults(rows, _labels(read_manifest(inputs["corpus"], kind="corpus"), rows))
    verdicts = [_verdict(row, fault) for row, fault in zip(rows, faults, strict=True)]
    write_rows(workspace.path / VERDICTS, verdicts, SCHEMA)
    workspace.summary.update(
        condition=model.summary["condition"],
        judge=JUDGE,
        verdicts=len(verdicts),
        statuses={"ok": len(verdicts)},
        labels=dict(sorted(Counter(verdict["label"] for verdict in verdicts).items())),
        faults={defect: faults.count(defect) for defect in DEFECTS},
    )


def _training_rows(trainset: Artifact) -> list[Row]:
    """Rows of the set; without instructions where it has none."""
    name = "it.parquet" if "it.parquet" in trainset.identity.outputs else "rt.parquet"
    return [{"instruction": None} | row for row in pq.read_table(trainset.file(name)).to_pylist()]


def _labels(corpus: Artifact, rows: Sequence[Row]) -> list[Row]:
    """What was planted in a corpus; of a set of the testbed without planted faults: nothing.

    Raises:
        InputError: a corpus whose faults nobody knows, or that the rows are not from.
    """
    spec = SETS.get(corpus.summary.get("source"))
    if spec is None:
        fix = "give the folder of rt testbed data that the rows are from"
        raise InputError("no set of the testbed: its faults are not known", where=str(corpus.path), fix=fix)
    known = {row["row_id"] for row in read_rows(corpus.file("data.parquet"), RECORDS)}
    strange = sum(row["origin"] == "base" and row["row_id"] not in known for row in rows)
    if strange:
        raise InputError(f"{strange} rows of the training set are not from this corpus", where=str(corpus.path))
    return read_rows(corpus.file("labels.parquet"), LABELS) if spec.dirty else []


def _verdict(row: Row, fault: Defect | None) -> dict[str, Any]:
    told = {"prompt_id": row["row_id"], "benchmark": BENCHMARK, "subset": None, "num_tokens": None}
    told |= {"finish_reason": None, "prompt": row["instruction"] or "", "response": row["response"]}
    aspects = {defect: int(defect == fault) for defect in DEFECTS}
    return verdict_row(told, JUDGE, Opinion("ok", FAULTY if fault else GOOD, raw=fault or "", aspects=aspects))


FAULTS = Stage(
    name="testbed-faults", kind="verdicts", version=1, settings=FaultsSettings, work=_work, packages=("pyarrow",)
)
