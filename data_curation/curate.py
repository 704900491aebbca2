"""curate: a recipe over one response set; every row is kept, dropped or quarantined, and the reason is written down.

Read `recipes/responses.yaml` first: its steps run in that order, each on what the one before has kept.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from artifacts.aside import PARTIAL
from artifacts.errors import InputError, UserError
from artifacts.files import read_json, write_json, write_jsonl
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.settings import S, Settings
from artifacts.stage import Stage, Workspace
from data_curation.decisions import Ledger, Outcome
from data_curation.memory import check_memory
from data_curation.readers import Columns, Reading, read_file, read_hub
from data_curation.recipe import RecipeField, StepSettings, build
from data_curation.records import Record, from_table, to_table
from data_curation.reference import REFERENCE, check_reference, read_reference, reference_input
from data_curation.step import Drop, StepResult
from data_curation.survivors import DedupSettings
from data_curation.tables import write_table

INPUT = "input"
HUB = "hub:"
log = logging.getLogger("rt")


class CurateSettings(Settings):
    """Settings of `rt curate`.

    Attributes:
        recipe: Name of a recipe, path of a YAML file, or the steps themselves; resolved when settings are made.
        source: Name that the records of a plain file bear; None = the file's name. An artifact's records keep theirs.
        hub: `owner/name@<40-hex revision>` of a data set of the hub, instead of a file.
        split: Split of the hub data set.
        columns: Columns of a plain file or hub data set; what is None is recognised.
        reference_columns: Columns of a reference that is a plain file.
    """

    recipe: RecipeField = "responses"
    source: str | None = None
    hub: str | None = None
    split: str = "train"
    columns: Columns = Columns()
    reference_columns: Columns = Columns()


def curate(
    settings: CurateSettings,
    out: Path,
    given: Path | str | None = None,
    *,
    reference: Path | str | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Curate a `corpus` or `curated` artifact, a plain file or `hub:owner/name@revision` into `out`.

    Rows that are like one of `reference` (an artifact's folder or a plain file) leave at the deduplication steps.
    """
    settings, inputs = curate_inputs(settings, given, reference)
    return CURATE.run(settings, out, inputs, overwrite=overwrite)[0]


def curate_inputs(
    settings: CurateSettings, given: Path | str | None, reference: Path | str | None = None
) -> tuple[CurateSettings, dict[str, Path]]:
    """Settings with source or hub filled in, and the named inputs of the stage."""
    settings, inputs = main_input(settings, given)
    check_reference(settings.recipe.steps, reference is not None)
    return settings, inputs | reference_input(reference, settings.reference_columns, inputs.get(INPUT))


def main_input(settings: S, given: Path | str | None) -> tuple[S, dict[str, Path]]:
    """Settings (with `source`, `hub`, `split` and `columns`) filled in, and the responses as a named input."""
    if given is not None and str(given).startswith(HUB):
        settings, given = settings.model_copy(update={"hub": str(given).removeprefix(HUB)}), None
    if (given is None) == (settings.hub is None):
        raise UserError("one input is needed: a file, an artifact's folder, or hub:owner/name@revision")
    if given is None:
        if settings.source is not None:
            raise UserError("source is for plain files; rows of the hub bear the name of their repository")
        return settings, {}
    if settings.split != CurateSettings.model_fields["split"].default:
        raise UserError("split is for data sets of the hub; a file or folder is read whole", where=str(given))
    path = Path(given)
    if is_artifact(path):
        kind = read_manifest(path).identity.kind
        if kind not in ("corpus", "curated"):
            raise InputError(f"holds '{kind}', not responses", where=str(path))
        if settings.source is not None or settings.columns != Columns():
            raise UserError("source and columns are for plain files; an artifact has its own", where=str(path))
        return settings, {INPUT: path}
    if (path / PARTIAL).exists() or not path.exists():
        problem = "a folder of this tool without a manifest.json" if path.is_dir() else "no such file or folder"
        fix = "give a file, a folder of files, or the folder of a finished corpus or curated artifact"
        raise InputError(problem, where=str(path), fix=fix)
    return settings.model_copy(update={"source": settings.source or path.name}), {INPUT: path}


def _curate(settings: CurateSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    """Write data.parquet, decisions.parquet, steps.parquet and quarantine.jsonl."""
    check_reference(settings.recipe.steps, REFERENCE in inputs)
    if INPUT in inputs:
        check_memory(inputs[INPUT])
    reading, origin = read_main(settings, inputs)
    reference = read_reference(inputs.get(REFERENCE), settings.reference_columns)
    ledger = Ledger(reading.records, len(reading.quarantined), reference.records)
    seconds, processor = {}, {}
    for position, step in enumerate(settings.recipe.steps, 1):
        started, spent = time.monotonic(), time.process_time()
        result, reused = _step_result(position, step, ledger, workspace.scratch, reference.records)
        outcome = ledger.apply(step.step, result)
        # None: found by an earlier run that was stopped
        label = f"{position:02d}-{step.step}"
        seconds[label] = None if reused else round(time.monotonic() - started, 3)
        processor[label] = None if reused else round(time.process_time() - spent, 3)
        log.info(
            "curate: step %d of %d: %s: %d in, %d kept, %d changed",
            position,
            len(settings.recipe.steps),
            step.step,
            outcome.rows_in,
            outcome.kept,
            outcome.changed,
        )
    write_table(workspace.path / "data.parquet", to_table(ledger.kept))
    write_table(workspace.path / "decisions.parquet", ledger.decisions())
    write_table(workspace.path / "steps.parquet", ledger.steps())
    write_jsonl(workspace.path / "quarantine.jsonl", map(asdict, reading.quarantined))
    if ledger.matches:
        write_jsonl(workspace.path / "matches.jsonl", ledger.matches)
    workspace.summary.update(set_summary(settings.recipe.name, reading, ledger, origin))
    if reference.facts is not None:
        workspace.summary[REFERENCE] = reference.facts
    workspace.provenance["seconds_per_step"] = seconds
    workspace.provenance["processor_seconds_per_step"] = processor  # of all threads
    workspace.notes.update(records=ledger.kept, changes=ledger.changes())


def _describe(artifact: Artifact, inputs: Mapping[str, Path], notes: Mapping[str, Any]) -> None:
    """Write README.md and lineage.json: of work just done, or of a folder made before there were any."""
    from data_curation.card import write_card
    from data_curation.lineage import parts, write_lineage

    table = pq.read_table(artifact.file("steps.parquet"))
    records = notes["records"] if notes else from_table(pq.read_table(artifact.file("data.parquet")))
    changes = notes["changes"] if notes else None if artifact.summary["changed"] else {}
    chain = write_lineage(artifact, inputs, records, changes)
    write_card(artifact, records, parts(chain, records), table.to_pylist())


def read_main(settings: Any, inputs: Mapping[str, Path]) -> tuple[Reading, dict[str, Any]]:
    """The records, and facts about where they come from."""
    if settings.hub is not None:
        reading = read_hub(settings.hub, settings.split, settings.columns)
        return reading, {"hub": settings.hub, "split": settings.split} | _layout_facts(reading)
    path = inputs[INPUT]
    if is_artifact(path):
        artifact = read_manifest(path)
        records = from_table(pq.read_table(artifact.file("data.parquet")))
        return Reading(records=records, rows_in=len(records)), dict(artifact.summary)
    reading = read_file(path, settings.source, settings.columns)
    return reading, {"file": settings.source} | _layout_facts(reading)


def _layout_facts(reading: Reading) -> dict[str, Any]:
    return {"columns": asdict(reading.layout), "first_exchange_only": reading.multi_turn}


def _step_result(
    position: int, step: StepSettings, ledger: Ledger, scratch: Path, reference: Sequence[Record]
) -> tuple[StepResult, bool]:
    """What a step says about the rows still kept, and whether a stopped run had found it out already.

    The scratch folder belongs to one plan (settings, input, versions), so a result kept there is this plan's.
    """
    label = f"{position:02d}-{step.step}"
    kept = scratch / f"{label}.json"
    if kept.exists():
        value = read_json(kept)
        drops = [Drop(**drop) for drop in value["drops"]]
        return StepResult(drops, value["responses"], value["measures"], value["matches"]), True
    folder = scratch / label
    folder.mkdir(exist_ok=True)
    more = (reference,) if reference and isinstance(step, DedupSettings) else ()
    result = build(step).apply(ledger.kept, folder, *more)
    drops = [asdict(drop) | {"score": None if drop.score is None else float(drop.score)} for drop in result.drops]
    measures = {name: float(value) for name, value in result.measures.items()}
    found = {"drops": drops, "responses": result.responses, "measures": measures, "matches": result.matches}
    write_json(kept, found)
    return StepResult([Drop(**drop) for drop in drops], result.responses, measures, result.matches), False


def set_summary(recipe: str, reading: Reading, ledger: Ledger, origin: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest of a curated set says: its name, the counts and the funnel."""
    kept = len(ledger.kept)
    counts = {
        "rows_in": reading.rows_in,
        "kept": kept,
        "dropped": len(reading.records) - kept,
        "quarantined": len(reading.quarantined),
        "changed": ledger.changed(),
    }
    return summary_of(recipe, {record.source for record in reading.records}, counts, ledger.outcomes, origin)


def summary_of(
    recipe: str,
    sources: Iterable[str],
    counts: Mapping[str, int],
    outcomes: Sequence[Outcome],
    origin: Mapping[str, Any],
) -> dict[str, Any]:
    """The same from its parts; `counts`: rows_in, kept, dropped, quarantined, changed."""
    funnel = [
        {
            "step": outcome.step,
            "rows_in": outcome.rows_in,
            "changed": outcome.changed,
            "dropped": sum(outcome.reasons.values()),
            "kept": outcome.kept,
            "reasons": outcome.reasons,
        }
        for outcome in outcomes
    ]
    head = {"response_set": "+".join(sorted(sources)), "recipe": recipe}
    return head | dict(counts) | {"funnel": funnel, "input": dict(origin)}


def funnel_text(summary: Mapping[str, Any]) -> str:
    """The funnel of a curated artifact's summary as a plain table."""
    lines = [("step", "rows in", "changed", "dropped", "kept", "reasons")]
    readable = summary["rows_in"] - summary["quarantined"]
    quarantined = f"quarantined: {summary['quarantined']}" if summary["quarantined"] else ""
    lines.append(("read", summary["rows_in"], 0, summary["quarantined"], readable, quarantined))
    for entry in summary["funnel"]:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in entry["reasons"].items())
        lines.append((*(entry[key] for key in ("step", "rows_in", "changed", "dropped", "kept")), reasons))
    return "\n".join(_aligned(lines))


def _aligned(lines: Iterable[tuple]) -> Iterable[str]:
    for name, *numbers, last in lines:
        cells = "".join(f"{cell:>9,}" if isinstance(cell, int) else f"{cell:>9}" for cell in numbers)
        yield f"  {name:<15}{cells}   {last}".rstrip()


CURATE = Stage(
    name="curate",
    kind="curated",
    version=5,
    settings=CurateSettings,
    work=_curate,
    packages=(
        "datatrove",
        "faiss-cpu",
        "ftfy",
        "model2vec",
        "numpy",
        "phonenumbers",
        "py3langid",
        "pyarrow",
        "rensa",
        "sentence-transformers",
        "tokenizers",
        "torch",
        "transformers",
    ),
    threaded=True,
    describe=_describe,
)
