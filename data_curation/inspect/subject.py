"""What is inspected or compared: a curated set, a corpus, a training set or a plain file, read once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from artifacts.aside import PARTIAL
from artifacts.errors import InputError, ResponseTuningError
from artifacts.files import read_jsonl
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.publication import name_of
from artifacts.stage import input_digest
from data_curation.decontaminate import prompt_name
from data_curation.evaluation_prompts import PromptSet, read_prompts
from data_curation.lineage import read_lineage
from data_curation.readers import Columns, read_file
from data_curation.records import Record, from_table

KINDS = ("curated", "corpus", "trainset")
log = logging.getLogger("rt")


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of an input row that left: a row of decisions.parquet, and its text where the input is at hand."""

    row_id: str
    row: int
    step: str
    reason: str
    by: str | None
    score: float | None
    text: str | None
    instruction: str | None
    source: str | None

    @property
    def compared(self) -> str | None:
        """The text beside what made the row leave: the response; against evaluation prompts both sides."""
        if self.step == "decontaminate" and self.instruction and self.text is not None:
            return f"{self.instruction}\n\n{self.text}"
        return self.text


@dataclass(frozen=True)
class Subject:
    """A set with everything known about it.

    Attributes:
        path: Folder or file.
        name: What pages call it.
        kind: `curated`, `corpus`, `trainset` or `file`.
        artifact: Its manifest; None for a plain file.
        records: Its rows, in order.
        origins: `row_id` to `base` or `refusal`, of a training set.
        dropped: Rows of the input that left, in input order; of a curated set only.
        measures: Rows of `steps.parquet`.
        before: `row_id` to the record as it came in; empty where the input is not at hand.
        others: Id to text of rows of a reference set and of evaluation prompts, which `by` may name.
        missing: Why the input is not at hand; None if it is, or if there is none.
        quarantined: Rows that could not be read: `file`, `line`, `row`, `reason`, `raw`.
    """

    path: Path
    name: str
    kind: str
    artifact: Artifact | None
    records: list[Record]
    origins: dict[str, str] = field(default_factory=dict)
    dropped: list[Decision] = field(default_factory=list)
    measures: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, Record] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    missing: str | None = None
    quarantined: list[dict[str, Any]] = field(default_factory=list)

    @property
    def summary(self) -> Mapping[str, Any]:
        """The stage's facts; empty for a plain file."""
        return self.artifact.summary if self.artifact else {}

    @property
    def recipe(self) -> list[dict[str, Any]]:
        """Settings of each step of the recipe, in order; empty where there was none."""
        settings = self.artifact.identity.settings if self.artifact else {}
        return list((settings.get("recipe") or {}).get("steps") or ())

    def text_of(self, row_id: str | None) -> str | None:
        """The response of a row as it came in (or of a row of another input), None if it is not at hand."""
        if row_id in self.before:
            return self.before[row_id].response
        return self.others.get(row_id) if row_id is not None else None


def read_subject(path: Path, given: Path | None = None) -> Subject:
    """Read a set, and the input of a curated one from where it was when it was curated.

    Args:
        path: Folder of a curated, corpus or trainset artifact, or a plain file of rows, or a folder of such files.
        given: The input of a curated set, if it lies elsewhere now.

    Raises:
        InputError: another kind of artifact, a folder that is none, or a given input that is not the recorded one.
    """
    if not is_artifact(path):
        if path.exists() and not (path / PARTIAL).exists():
            return file_subject(path)
        problem = "a folder of this tool without a manifest.json" if path.exists() else "no such file or folder"
        fix = "give a file, a folder of files, or the folder of a finished curate, collect or mix"
        raise InputError(problem, where=str(path), fix=fix)
    artifact = read_manifest(path)
    kind = artifact.identity.kind
    if kind not in KINDS:
        raise InputError(f"holds '{kind}', not responses", where=str(path), fix=f"kinds of sets: {', '.join(KINDS)}")
    name = name_of(path.resolve())
    if kind == "trainset":
        records, origins = _trainset(artifact)
        return Subject(path, name, kind, artifact, records, origins, quarantined=_quarantine(artifact))
    records = from_table(pq.read_table(artifact.file("data.parquet")))
    if kind == "corpus":
        return Subject(path, name, kind, artifact, records, quarantined=_quarantine(artifact))
    return _curated(artifact, name, records, given)


def file_subject(path: Path, artifact: Artifact | None = None) -> Subject:
    """A plain file or folder of files; `artifact`: read with the name and columns of this set's curation."""
    settings = artifact.identity.settings if artifact else {}
    reading = read_file(path, settings.get("source") or path.name, Columns(**(settings.get("columns") or {})))
    bad = [vars(row) if hasattr(row, "__dict__") else _slots(row) for row in reading.quarantined]
    return Subject(path, path.name, "file", None, reading.records, quarantined=bad)


def _slots(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__slots__}


def _curated(artifact: Artifact, name: str, records: list[Record], given: Path | None) -> Subject:
    inputs, missing = recorded_inputs(artifact, {"input": given} if given else {})
    before = {record.row_id: record for record in input_records(artifact, inputs.get("input"))}
    others: dict[str, str] = {}
    for key, path in inputs.items():
        if key != "input":
            others |= _texts_of(path, artifact.identity.settings.get(f"{key}_columns"))
    others |= _prompt_texts(artifact)
    return Subject(
        artifact.path,
        name,
        "curated",
        artifact,
        records,
        dropped=[_decision(row, before) for row in _dropped_rows(artifact)],
        measures=pq.read_table(artifact.file("steps.parquet")).to_pylist(),
        before=before,
        others=others,
        missing=None if before else missing or "the input is a data set of the hub, which is not read again",
        quarantined=_quarantine(artifact),
    )


def recorded_inputs(artifact: Artifact, given: Mapping[str, Path] = {}) -> tuple[dict[str, Path], str | None]:
    """The inputs of an artifact that still are where they were, and are the same; and what is the matter with others.

    Raises:
        InputError: a given input is not the recorded one.
    """
    found, faults = {}, []
    places = artifact.places
    for name, digest in artifact.identity.inputs.items():
        path = given.get(name) or (Path(places[name]) if name in places else None)
        problem = _problem(path, digest)
        if problem and name in given:
            raise InputError(problem, where=str(given[name]), fix=f"give the input that has the digest {digest}")
        if problem or path is None:
            faults.append(f"{name}: {problem}")
        else:
            found[name] = path
    return found, "; ".join(faults) or None


def _problem(path: Path | None, digest: str) -> str | None:
    """Why `path` is not the input of this digest, or None if it is."""
    if path is None:
        return "the manifest does not say where it was"
    if not path.exists():
        return f"{path} is gone"
    try:
        return None if input_digest(path) == digest else f"{path} is another version by now"
    except ResponseTuningError as error:
        return str(error)


def input_records(artifact: Artifact, path: Path | None) -> list[Record]:
    """Records of a curated set's input, with the ids they had when it was curated."""
    if path is None:
        return []
    if is_artifact(path):
        return from_table(pq.read_table(read_manifest(path).file("data.parquet")))
    return file_subject(path, artifact).records


def _texts_of(path: Path, columns: Mapping[str, Any] | None) -> dict[str, str]:
    """Id to text of any other input: a response set, a set of prompts, a plain file; empty if it is none of these."""
    try:
        if not is_artifact(path):
            found = read_file(path, path.name, Columns(**(columns or {}))).records
            return {record.row_id: record.response for record in found}
        artifact = read_manifest(path)
        if "prompts.parquet" in artifact.identity.outputs:
            table = pq.read_table(artifact.file("prompts.parquet"))
            return dict(zip(table["prompt_id"].to_pylist(), table["prompt"].to_pylist(), strict=True))
        return {record.row_id: record.response for record in read_subject(path).records}
    except ResponseTuningError as error:
        log.warning("inspect: texts of %s are not shown: %s", path, error)
        return {}


def _prompt_texts(artifact: Artifact) -> dict[str, str]:
    """Text of each evaluation prompt that a step `decontaminate` looked for, by the name that decisions give it."""
    texts: dict[str, str] = {}
    for step in (artifact.identity.settings.get("recipe") or {}).get("steps") or ():
        for one in step.get("prompts") or () if step["step"] == "decontaminate" else ():
            try:
                texts |= {prompt_name(prompt): prompt.text for prompt in read_prompts(PromptSet(**one).pinned())}
            except (ResponseTuningError, OSError, ValueError) as error:
                log.warning("inspect: prompts of '%s' are not shown: %s", one.get("name"), error)
    return texts


def _dropped_rows(artifact: Artifact) -> list[dict[str, Any]]:
    table = pq.read_table(artifact.file("decisions.parquet"))
    return [row for row in table.to_pylist() if not row["kept"]]


def conflict_drops(artifact: Artifact) -> dict[str, dict[str, Any]]:
    """`row_id` to why a base row of a training set left for a conflict, in the words of a decision."""
    if "conflicts.jsonl" not in artifact.identity.outputs:
        return {}
    return {
        row["row_id"]: {"step": "mix", "reason": "conflict", "by": row["refusal_row_id"], "score": row["score"]}
        for row in read_jsonl(artifact.file("conflicts.jsonl"))
        if row["dropped"]
    }


def _decision(row: Mapping[str, Any], before: Mapping[str, Record]) -> Decision:
    record = before.get(row["row_id"])
    text, instruction, source = (record.response, record.instruction, record.source) if record else (None, None, None)
    kept = {name: row[name] for name in ("row_id", "row", "step", "reason", "by", "score")}
    return Decision(**kept, text=text, instruction=instruction, source=source)


def _trainset(artifact: Artifact) -> tuple[list[Record], dict[str, str]]:
    """Rows of a training set, with instructions where they are known and sources as the lineage tells."""
    rows = pq.read_table(artifact.file("rt.parquet")).to_pylist()
    paired = "it.parquet" in artifact.identity.outputs
    instructions = (
        pq.read_table(artifact.file("it.parquet"))["instruction"].to_pylist() if paired else [None] * len(rows)
    )
    lineage = read_lineage(artifact)
    known = lineage["rows"] if lineage else {}
    records = []
    for position, (row, instruction) in enumerate(zip(rows, instructions, strict=True)):
        place = known.get(row["row_id"], {"source": row["origin"], "row": position})
        ids = row["row_id"], row["record_id"]
        records.append(Record(*ids, place["source"], place["row"], instruction, row["response"]))
    return records, {row["row_id"]: row["origin"] for row in rows}


def _quarantine(artifact: Artifact) -> list[dict[str, Any]]:
    if "quarantine.jsonl" not in artifact.identity.outputs:
        return []
    return read_jsonl(artifact.file("quarantine.jsonl"))
