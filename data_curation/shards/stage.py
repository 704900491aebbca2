"""curate in shards: the phases of a recipe, one after the other, on what the one before has kept."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from artifacts.errors import StageError, UserError
from artifacts.files import read_json, write_json, write_jsonl
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.stage import Stage, Workspace
from data_curation.curate import CURATE, INPUT, curate_inputs, summary_of
from data_curation.decisions import Outcome, steps_table
from data_curation.filters.catalogue import catalogue
from data_curation.readers import Columns
from data_curation.recipe import Recipe, StepSettings
from data_curation.reference import REFERENCE
from data_curation.shards import exact, finish, near, rows, semantic
from data_curation.shards.executors import Task, runner
from data_curation.shards.reading import Read, ReadTask, find_source, gather
from data_curation.shards.settings import ShardedSettings
from data_curation.shards.store import Kept, has_scores
from data_curation.tables import write_table

PER_ROW, EXACT, NEAR, SEMANTIC = "rows", "exact_dedup", "near_dedup", "semantic_dedup"
log = logging.getLogger("rt")
Placed = tuple[int, StepSettings]  # place in the recipe, from 1, and the step's settings


def curate_shards(
    settings: ShardedSettings,
    out: Path,
    given: Path | str | None = None,
    *,
    reference: Path | str | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Curate a file, a folder of files or an artifact that may be larger than memory into `out`.

    As `curate.curate`, but `data.parquet` and `decisions.parquet` are folders of parts, one a shard. With more than one
    worker this starts processes, so a script that calls it needs `if __name__ == "__main__"`.
    """
    settings, inputs = sharded_inputs(settings, given, reference)
    return CURATE_SHARDS.run(settings, out, inputs, overwrite=overwrite)[0]


def sharded_inputs(
    settings: ShardedSettings, given: Path | str | None, reference: Path | str | None = None
) -> tuple[ShardedSettings, dict[str, Path]]:
    """Settings with source filled in, and the named inputs of the stage.

    Raises:
        UserError: an input that does not go in shards.
    """
    settings, inputs = curate_inputs(settings, given, reference)
    if settings.hub is not None:
        raise UserError("a hub data set is not read in shards", fix="download its files and give their folder")
    return settings, inputs


def plan(recipe: Recipe) -> list[tuple[str, list[Placed]]]:
    """Phases of a recipe: consecutive steps that look at one row at a time are one, each deduplication is one."""
    alone = {*catalogue(), "normalise", "decontaminate"}
    groups: list[tuple[str, list[Placed]]] = [(PER_ROW, [])]  # the first phase gives ids, whatever the steps are
    for position, step in enumerate(recipe.steps, 1):
        kind = PER_ROW if step.step in alone else step.step
        last, before = groups[-1]
        # a phase holds one decontamination at most: matches are told step by step
        if kind == last == PER_ROW and all(other.step != "decontaminate" for _, other in before):
            before.append((position, step))
        else:
            groups.append((kind, [(position, step)]))
    return groups


class _Run:
    """The phases of one run, each done by the executor; what is done already is not done again."""

    def __init__(self, settings: ShardedSettings, workspace: Workspace):
        self.settings, self.scratch = settings, workspace.scratch
        self.runner = runner(settings.executor)
        self.seconds: dict[str, float] = {}
        self.outcomes: list[Outcome] = []
        self.reference: Kept | None = None

    def phase(self, label: str, task: Task, ranks: int) -> None:
        """Do a task for every shard."""
        if not ranks:
            return
        log.info("curate: %s: %d shards", label, ranks)
        started = time.monotonic()
        self.runner.run(label, task, ranks, self.scratch / "phases" / label)
        self.seconds[label] = round(time.monotonic() - started, 3)

    def once(self, name: str, work: Callable[[], Any]) -> Any:
        """The JSON-ready result of work on all rows, kept until the run is done."""
        path = self.scratch / "once" / f"{name}.json"
        if not path.exists():
            started = time.monotonic()
            write_json(path, work())
            self.seconds[name] = round(time.monotonic() - started, 3)
        return read_json(path)

    def read(self, name: str, path: Path, source: str | None, columns: Columns) -> Read:
        """Read a set into shards."""
        found = find_source(path, source, columns)
        folder = self.scratch / name
        self.phase(f"{name}-read", ReadTask(folder, found, self.settings.shard_rows), len(found.files))
        return gather(folder, found)

    def rows(self, label: str, given: Read | Kept, kept: Kept, steps: list[Placed]) -> Kept:
        """Do consecutive steps that look at one row at a time."""
        self.phase(label, rows.RowsTask(given, kept, tuple(steps)), kept.shards)
        return kept

    def exact(self, position: int, step: StepSettings, phase: int, kept: Kept) -> Kept:
        """Do an exact deduplication."""
        name = f"{phase:02d}-{step.step}"
        log.info("curate: %s", name)
        own_scores = step.survivor == "quality" and not has_scores(kept)
        if own_scores:
            self.phase(f"{name}-quality", exact.QualityTask(kept, phase), kept.shards)
        work = exact.ExactShards(step, phase, kept, self.reference, own_scores)
        done = self.once(name, lambda: asdict(work.outcome(position)))
        self.outcomes.append(Outcome(**done))
        return kept.dropping(phase)

    def near(self, position: int, step: StepSettings, phase: int, kept: Kept) -> Kept:
        """Do a near deduplication."""
        name = f"{phase:02d}-{step.step}"
        sets = near.Sets(kept, self.reference, self.scratch / name)
        self.phase(f"{name}-keys", near.KeysTask(sets, step), sets.shards)
        counts = self.once(f"{name}-batches", lambda: near.make_batches(sets, step, self.settings.shard_rows))
        if counts["largest_group"] > self.settings.shard_rows:
            log.warning("curate: %s: %d rows may be alike; one worker holds them all", name, counts["largest_group"])
        self.phase(f"{name}-gather", near.GatherTask(sets), sets.shards)
        self.phase(f"{name}-resolve", near.ResolveTask(sets, step, has_scores(kept)), counts["batches"])
        done = self.once(name, lambda: asdict(near.collect(sets, step, position, phase, counts)))
        self.outcomes.append(Outcome(**done))
        return kept.dropping(phase)

    def semantic(self, position: int, step: StepSettings, phase: int, kept: Kept) -> Kept:
        """Do a semantic deduplication."""
        name = f"{phase:02d}-{step.step}"
        sets = near.Sets(kept, self.reference, self.scratch / name)
        done = semantic.outcome(self, name, sets, step, (position, phase), has_scores(kept))
        self.outcomes.append(Outcome(**done))
        return kept.dropping(phase)

    def steps(self, read: Read) -> Kept:
        """Do all phases of the recipe."""
        given: Read | Kept = read
        for phase, (kind, steps) in enumerate(plan(self.settings.recipe)):
            if kind == PER_ROW:
                kept = Kept(self.scratch / INPUT, len(read.shards), phase)
                given = self.rows(f"{phase:02d}-{PER_ROW}", given, kept, steps)
                self.outcomes += rows.outcomes(kept, tuple(steps))
            else:
                work = {EXACT: self.exact, NEAR: self.near, SEMANTIC: self.semantic}[kind]
                given = work(*steps[0], phase, given)
        return given


def _curate(settings: ShardedSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    """Write data.parquet and decisions.parquet in parts, steps.parquet and quarantine.jsonl."""
    run = _Run(settings, workspace)
    read = run.read(INPUT, inputs[INPUT], settings.source, settings.columns)
    if REFERENCE in inputs:
        workspace.summary[REFERENCE] = _read_reference(run, inputs[REFERENCE])
    kept = run.steps(read)
    for leftover in workspace.path.glob("*.parquet/.*.tmp"):  # of a run that was stopped here
        leftover.unlink()
    if not kept.shards:
        finish.write_empty(workspace.path, bool(read.facts["scored"]))
    run.phase("finish", finish.FinishTask(kept, workspace.path, bool(read.facts["scored"])), kept.shards)
    counts = finish.totals(kept)
    facts = read.facts
    if facts["rows_in"] != counts["kept"] + counts["dropped"] + facts["quarantined"]:
        raise StageError(f"rows in ({facts['rows_in']}) are not kept, dropped and quarantined ({counts})")
    write_table(workspace.path / "steps.parquet", steps_table(facts["rows"], facts["quarantined"], run.outcomes))
    write_jsonl(workspace.path / "quarantine.jsonl", read.quarantine())
    if any(step.step == "decontaminate" for step in settings.recipe.steps):
        _write_matches(workspace.path / "matches.jsonl", kept)
    known = {"rows_in": facts["rows_in"]} | counts | {"quarantined": facts["quarantined"]}
    ordered = {name: known[name] for name in ("rows_in", "kept", "dropped", "quarantined", "changed")}
    summary = summary_of(settings.recipe.name, facts["sources"], ordered, run.outcomes, _origin(inputs[INPUT], read))
    workspace.summary.update(summary | {"shards": max(1, kept.shards)})
    workspace.provenance["seconds_per_phase"] = run.seconds
    workspace.provenance["executor"] = settings.executor.model_dump(mode="json", include={"kind", "workers"})
    workspace.notes["changes"] = finish.Changes(kept)


def _read_reference(run: _Run, path: Path) -> dict[str, Any]:
    """Bring the reference into shards; facts about it."""
    read = run.read(REFERENCE, path, path.name, run.settings.reference_columns)
    kept = Kept(run.scratch / REFERENCE, len(read.shards))
    run.reference = run.rows(f"{REFERENCE}-rows", read, kept, [])
    if is_artifact(path):
        return {"response_set": read_manifest(path).summary.get("response_set"), "rows": read.facts["rows"]}
    if read.facts["quarantined"]:
        log.warning("curate: %d rows of the reference %s cannot be used", read.facts["quarantined"], path)
    return {"response_set": path.name} | {name: read.facts[name] for name in ("rows", "quarantined")}


def _origin(path: Path, read: Read) -> dict[str, Any]:
    if read.source.source is None:
        return dict(read_manifest(path).summary)
    layout = {"columns": asdict(read.source.layout), "first_exchange_only": read.facts["multi_turn"]}
    return {"file": read.source.source} | layout


def _write_matches(path: Path, kept: Kept) -> None:
    """What decontamination found, step by step and within a step in the rows' order; no file where it found nothing."""
    folders = sorted((kept.folder / "matches").glob("*"))

    def entries() -> Iterator[dict[str, Any]]:
        for folder in folders:
            for file in sorted(folder.glob("*.jsonl")):
                with open(file, encoding="utf-8", newline="\n") as lines:
                    yield from map(json.loads, lines)

    if any(True for _ in entries()):
        write_jsonl(path, entries())


def _describe(artifact: Artifact, inputs: Mapping[str, Path], notes: Mapping[str, Any]) -> None:
    """Write README.md and lineage.json, the records read from disk as they are needed."""
    from data_curation.card import write_card
    from data_curation.lineage import parts, write_lineage

    records = finish.StoredRecords(artifact.path / "data.parquet")
    changes = notes["changes"] if notes else None if artifact.summary["changed"] else {}
    chain = write_lineage(artifact, inputs, records, changes)
    write_card(artifact, records, parts(chain, records), pq.read_table(artifact.file("steps.parquet")).to_pylist())


CURATE_SHARDS = Stage(
    name=CURATE.name,
    kind=CURATE.kind,
    version=CURATE.version,
    settings=ShardedSettings,
    work=_curate,
    packages=(*CURATE.packages, "scipy"),
    threaded=CURATE.threaded,
    describe=_describe,
)
