"""mix: a base sample with refusals after it, as an RT set and an IT set of the same rows in the same order."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from artifacts.errors import InputError, UserError
from artifacts.files import write_jsonl
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.settings import Settings
from artifacts.stage import Stage, Workspace
from data_curation.conflicts import ConflictSettings, Handling, resolve
from data_curation.embeddings import EncoderSettings
from data_curation.readers import Columns, Reading, read_file
from data_curation.records import Record, from_table
from data_curation.refusal_selection import SelectionSettings, choose, is_plain
from data_curation.refusals import Rule, Strategy, passes_rule, shuffled
from data_curation.tables import write_table

SCHEMA = pa.schema([(name, pa.string()) for name in ("row_id", "record_id", "origin", "instruction", "response")])
UNTOUCHED = "paper"  # the recipe's name where nothing was curated: the paper did not
LATER = ("selection", "conflicts", "conflict_search")  # settings that the first version did not have
log = logging.getLogger("rt")


class MixSettings(Settings):
    """Settings of `rt mix`.

    Attributes:
        response_set: Name of the base set in results; None = the name of its source.
        base_size: Rows of the base set: the first so many of its shuffled rows; None, or no fewer than there are =
            all rows in their own order. The paper cuts to 1,000.
        num_refusals: Refusals taken from the pool and put after the base set.
        strategy: `paper` (shuffle, take the first), `random` (the same, of any order of the pool), `diverse` (farthest
            points, or facility location, in embedding space), `targeted` (nearest to given topics, with quotas).
        seed: Seed of the shuffles; the paper's is 0.
        refusal_rule: Which rows of the pool count as refusals: `paper` ('ai' or 'sorry' as a word), `detector` (the
            refusal detector) or `none` (all).
        base_columns: Columns of a plain base file; what is None is recognised.
        pool_columns: Columns of a plain pool file; what is None is recognised.
        encoder: Encoder of `diverse` and `targeted`, and of the search for conflicts.
        selection: What else decides which refusals are chosen: kind, near duplicates, topics.
        conflicts: Base responses that comply with what the refusals decline: `ignore` (not looked for), `report`
            (listed in conflicts.jsonl), `drop` (listed, and left out of the base sample).
        conflict_search: When a base row and a refusal are in conflict.
    """

    response_set: str | None = None
    base_size: int | None = Field(default=1000, ge=1)
    num_refusals: int = Field(default=0, ge=0)
    strategy: Strategy = "paper"
    seed: int = Field(default=0, ge=0)
    refusal_rule: Rule = "paper"
    base_columns: Columns = Columns()
    pool_columns: Columns = Columns()
    encoder: EncoderSettings = EncoderSettings()
    selection: SelectionSettings = SelectionSettings()
    conflicts: Handling = "ignore"
    conflict_search: ConflictSettings = ConflictSettings()

    def resolved(self) -> dict[str, Any]:
        """As ever, but settings added later stand in it only where they are used: older sets keep their digests."""
        values = super().resolved()
        for name in LATER:
            if getattr(self, name) == type(self).model_fields[name].default:
                del values[name]
        return values


def mix(settings: MixSettings, out: Path, base: Path, pool: Path | None = None, *, overwrite: bool = False) -> Artifact:
    """Mix a base set (a `corpus` or `curated` artifact, or a plain file) with refusals of a pool into `out`."""
    return MIX.run(settings, out, mix_inputs(settings, base, pool), overwrite=overwrite)[0]


def mix_inputs(settings: MixSettings, base: Path, pool: Path | None) -> dict[str, Path]:
    """The stage's named inputs, checked: a pool is needed as soon as there are refusals to take."""
    if settings.num_refusals and pool is None:
        raise UserError(f"{settings.num_refusals} refusals are asked for, but no pool is given", fix="give --pool")
    inputs = {"base": base} if pool is None else {"base": base, "pool": pool}
    for name, path in inputs.items():
        if not (is_artifact(path) or path.is_file()):
            problem = "a folder without a manifest.json" if path.is_dir() else "no such file"
            fix = "give a file, or the folder of a corpus or curated artifact"
            raise InputError(f"--{name}: {problem}", where=str(path), fix=fix)
    return inputs


def _mix(settings: MixSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    """Write rt.parquet and, where every row has an instruction, it.parquet."""
    base = read_responses(inputs["base"], settings.base_columns)
    pool = read_responses(inputs["pool"], settings.pool_columns) if "pool" in inputs else Reading()
    if not base.records:
        raise InputError("there are no rows in it", where=str(inputs["base"]))
    sample = _cut(base.records, settings.base_size, settings.seed)
    refusals, chosen_of = _chosen(settings, pool.records, workspace)
    _check_distinct(sample, refusals)
    sample, conflicts = _without_conflicts(settings, sample, refusals, workspace)
    table = _table([("base", record) for record in sample] + [("refusal", record) for record in refusals])
    without = table["instruction"].null_count
    write_table(workspace.path / "rt.parquet", table.drop_columns(["instruction"]))
    if not without:
        write_table(workspace.path / "it.parquet", table)
    unusable = [asdict(row) for reading in (base, pool) for row in reading.quarantined]
    if unusable:
        log.warning("mix: %d rows of the input cannot be used; see quarantine.jsonl", len(unusable))
        write_jsonl(workspace.path / "quarantine.jsonl", unusable)
    workspace.summary.update(
        condition=_condition(settings, inputs["base"], base.records),
        rows=len(table),
        base_rows=len(base.records),
        base_kept=len(sample),
        pool_rows=len(pool.records),
        pool_passing=chosen_of["rule"],
        refusals=len(refusals),
        quarantined=len(unusable),
        without_instruction=without,
        methods=["RT"] if without else ["RT", "IT"],
        **({} if is_plain(settings.strategy, settings.refusal_rule, settings.selection) else {"pool_left": chosen_of}),
        **conflicts,
    )
    workspace.notes["records"] = [*sample, *refusals]


def _chosen(settings: MixSettings, pool: Sequence[Record], workspace: Workspace) -> tuple[list[Record], dict[str, int]]:
    """The refusals, and how many of the pool were left after each filter; selection.jsonl where more was asked."""
    rule, strategy = settings.refusal_rule, settings.strategy
    selection = choose(
        pool,
        settings.num_refusals,
        strategy=strategy,
        rule=rule,
        seed=settings.seed,
        settings=settings.selection,
        encoder=settings.encoder,
        scratch=workspace.scratch,
    )
    if is_plain(strategy, rule, settings.selection):
        return selection.records, {"rule": sum(passes_rule(record.response, rule) for record in pool)}
    write_jsonl(workspace.path / "selection.jsonl", selection.rows())
    return selection.records, selection.counts


def _without_conflicts(
    settings: MixSettings, sample: list[Record], refusals: Sequence[Record], workspace: Workspace
) -> tuple[list[Record], dict[str, Any]]:
    """The base sample, and what the summary says of conflicts: nothing unless they are looked for."""
    if settings.conflicts == "ignore":
        return sample, {}
    handling, search = settings.conflicts, settings.conflict_search
    outcome = resolve(sample, refusals, handling, search, settings.encoder, workspace.scratch)
    write_jsonl(workspace.path / "conflicts.jsonl", map(asdict, outcome.conflicts))
    summary = {"conflicts": outcome.summary(handling, len(sample))}
    if not outcome.kept:
        raise UserError("every base row is in conflict with a refusal", where="conflicts", fix="raise the thresholds")
    return outcome.kept, summary


def _describe(artifact: Artifact, inputs: Mapping[str, Path], notes: Mapping[str, Any]) -> None:
    """Write README.md and lineage.json: of work just done, or of a folder made before there were any."""
    from data_curation.card import write_card
    from data_curation.lineage import parts, write_lineage

    records = notes["records"] if notes else _records_again(artifact, inputs)
    chain = write_lineage(artifact, inputs, records, {})
    write_card(artifact, records, parts(chain, records), ())


def _records_again(artifact: Artifact, inputs: Mapping[str, Path]) -> list[Record]:
    """The records of a finished set, found in its inputs."""
    settings = artifact.identity.settings
    readings = [read_responses(path, Columns(**settings[f"{name}_columns"])) for name, path in inputs.items()]
    known = {record.row_id: record for reading in readings for record in reading.records}
    return [known[row_id] for row_id in pq.read_table(artifact.file("rt.parquet"))["row_id"].to_pylist()]


def read_responses(path: Path, columns: Columns) -> Reading:
    """The records of an artifact or of a plain file."""
    if not is_artifact(path):
        return read_file(path, path.name, columns)
    artifact = read_manifest(path)
    if artifact.identity.kind not in ("corpus", "curated"):
        raise InputError(f"holds '{artifact.identity.kind}', not responses", where=str(path))
    if columns != Columns():
        raise UserError("columns are for plain files; an artifact has its own", where=str(path))
    records = from_table(pq.read_table(artifact.file("data.parquet")))
    return Reading(records=records, rows_in=len(records))


def _cut(records: Sequence[Record], size: int | None, seed: int) -> list[Record]:
    """The base sample: shuffled and cut if there are more than `size`, else all rows as they stand."""
    if size is None or len(records) <= size:
        return list(records)
    return [records[index] for index in shuffled(len(records), seed)[:size]]


def _check_distinct(sample: Sequence[Record], refusals: Sequence[Record]) -> None:
    """Refuse a row that would be trained twice because base and pool share it, whatever their files are called."""
    known = {(record.instruction, record.record_id) for record in sample}
    shared = [record for record in refusals if (record.instruction, record.record_id) in known]
    if shared:
        raise UserError(
            f"{len(shared)} of the refusals are in the base sample too, the first in row {shared[0].row}",
            where=shared[0].source,
            fix="give a pool that is not the base set",
        )


def _table(rows: Sequence[tuple[str, Record]]) -> pa.Table:
    columns = {
        "row_id": [record.row_id for _, record in rows],
        "record_id": [record.record_id for _, record in rows],
        "origin": [origin for origin, _ in rows],
        "instruction": [record.instruction for _, record in rows],
        "response": [record.response for _, record in rows],
    }
    return pa.table(columns, schema=SCHEMA)


def _condition(settings: MixSettings, base: Path, records: Sequence[Record]) -> dict[str, Any]:
    """What later stages and the results table call this training set."""
    recipe = UNTOUCHED
    if is_artifact(base):
        recipe = read_manifest(base).summary.get("recipe", UNTOUCHED)
    return {
        "response_set": settings.response_set or "+".join(sorted({record.source for record in records})),
        "recipe": recipe,
        "num_refusals": settings.num_refusals,
        "strategy": settings.strategy if settings.num_refusals else None,
    }


class _MixStage(Stage):
    """The stage; what only later settings use enters the plan with them."""

    def key(self, settings: MixSettings, inputs: Mapping[str, str]) -> dict[str, Any]:
        """As of any stage; near deduplication adds its package."""
        finds_near = settings.num_refusals and settings.selection.removes_near_duplicates(settings.strategy)
        stage = replace(self, packages=(*self.packages, "rensa")) if finds_near else self
        return Stage.key(stage, settings, inputs)


MIX = _MixStage(
    name="mix",
    kind="trainset",
    version=1,
    settings=MixSettings,
    work=_mix,
    packages=("numpy", "pyarrow", "sentence-transformers", "tokenizers", "torch", "transformers"),
    describe=_describe,
)
