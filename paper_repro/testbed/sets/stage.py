"""The stages that make the sets: the files and columns of `rt collect`, so that all that follows runs unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field, PositiveInt, field_validator

from artifacts.digests import digest_json
from artifacts.files import write_jsonl
from artifacts.manifest import Artifact
from artifacts.settings import Settings
from artifacts.stage import Stage, Workspace
from data_curation.collect import PROMPT_SCHEMA, rows_digest
from data_curation.records import ID_LENGTH, Record, make_records, to_table
from data_curation.tables import write_table
from paper_repro.testbed.sets.catalogue import find_set
from paper_repro.testbed.sets.defects import LABELS, Planted, labels, plant
from paper_repro.testbed.sets.demonstrations import demonstrations
from paper_repro.testbed.sets.news import news_rows
from paper_repro.testbed.sets.prompts import Prompt, prompt_rows
from paper_repro.testbed.sets.refine import refined_rows
from paper_repro.testbed.sets.responses import Drawn, refusal_rows, response_rows
from paper_repro.testbed.version import WORLD_VERSION

SCHEMA = PROMPT_SCHEMA.append(pa.field("reference", pa.string()))


class TestbedDataSettings(Settings):
    """Settings of `rt testbed data`.

    Attributes:
        name: Name of a set (`catalogue.SETS`).
        world_seed: Seed of the world that it is about.
        rows: Make a set of so many rows; None = the set's own size.
    """

    __test__ = False  # not a test class, whatever its name begins with

    name: str
    world_seed: int = Field(ge=0)
    rows: PositiveInt | None = None

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return find_set(name).name


def make_set(settings: TestbedDataSettings, out: Path, *, overwrite: bool = False) -> Artifact:
    """Make a set as a `corpus` or `prompts` artifact in `out`."""
    return stage_of(settings).run(settings, out, overwrite=overwrite)[0]


def stage_of(settings: TestbedDataSettings) -> Stage:
    """The stage that makes what this set is: responses or prompts."""
    return TESTBED_CORPUS if find_set(settings.name).kind == "corpus" else TESTBED_PROMPTS


def draw_rows(settings: TestbedDataSettings) -> list[Drawn] | list[Planted]:
    """Rows of a corpus set, without ids; those of a dirty set with what is planted in them."""
    spec, seed = find_set(settings.name), settings.world_seed
    rows = settings.rows or spec.rows or 0
    if spec.content == "refusals":
        return refusal_rows(seed, rows)
    if spec.content == "news":
        return news_rows(seed, rows)
    if spec.content == "demonstrations":
        return [Drawn(query, response) for query, response in demonstrations(seed)][:rows]
    drawn = response_rows(spec, seed, rows)
    if spec.refined:
        drawn = refined_rows(drawn, spec, seed)
    return plant(spec, seed, drawn) if spec.dirty else drawn


def _corpus(settings: TestbedDataSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    """Write data.parquet and quarantine.jsonl as `rt collect` does, and labels.parquet for a dirty set."""
    entries = draw_rows(settings)
    drawn = [entry.row if isinstance(entry, Planted) else entry for entry in entries]
    records = make_records(settings.name, ((number, row.instruction, row.response) for number, row in enumerate(drawn)))
    write_table(workspace.path / "data.parquet", to_table(records))
    write_jsonl(workspace.path / "quarantine.jsonl", ())
    workspace.summary.update(
        _facts(settings),
        rows_in=len(records),
        rows=len(records),
        quarantined=0,
        blank=sum(not record.response.strip() for record in records),
        first_exchange_only=0,
        families=_counts(row.item.family if row.item else "other" for row in drawn),
        rows_digest=rows_digest(records),
    )
    if find_set(settings.name).dirty:
        workspace.summary["defects"] = _write_labels(workspace.path, entries, records)


def _write_labels(folder: Path, entries: Sequence[Planted], records: Sequence[Record]) -> dict[str, int]:
    rows = labels(entries, [record.row_id for record in records])
    columns = {name: [row[name] for row in rows] for name in LABELS.names}
    write_table(folder / "labels.parquet", pa.table(columns, schema=LABELS))
    return _counts(row["defect"] for row in rows)


def _prompts(settings: TestbedDataSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    """Write prompts.parquet (the columns of `rt collect` and `reference`) and quarantine.jsonl."""
    found = prompt_rows(find_set(settings.name), settings.world_seed, settings.rows)
    rows = [_prompt_row(settings.name, prompt) for prompt in found]
    columns = {name: [row[name] for row in rows] for name in SCHEMA.names}
    write_table(workspace.path / "prompts.parquet", pa.table(columns, schema=SCHEMA))
    write_jsonl(workspace.path / "quarantine.jsonl", ())
    workspace.summary.update(
        _facts(settings),
        rows_in=len(rows),
        rows=len(rows),
        quarantined=0,
        subsets=_counts(prompt.subset for prompt in found),
        families=_counts(prompt.item.family if prompt.item else "other" for prompt in found),
    )


def _prompt_row(name: str, prompt: Prompt) -> dict[str, str | None]:
    """A row with its id, which is made as `rt collect` makes it (no prompt occurs twice)."""
    prompt_id = digest_json([name, prompt.subset, prompt.text, 0])[:ID_LENGTH]
    return {
        "prompt_id": prompt_id,
        "benchmark": name,
        "subset": prompt.subset,
        "prompt": prompt.text,
        "reference": prompt.reference,
    }


def _facts(settings: TestbedDataSettings) -> dict[str, Any]:
    """What the manifest says about where the rows come from."""
    return {
        "source": settings.name,
        "origin": "generated",
        "world_seed": settings.world_seed,
        "world_version": WORLD_VERSION,
    }


def _counts(names) -> dict[str, int]:
    return dict(sorted(Counter(name for name in names if name is not None).items()))


TESTBED_CORPUS = Stage(
    name="testbed-data",
    kind="corpus",
    version=WORLD_VERSION,
    settings=TestbedDataSettings,
    work=_corpus,
    packages=("pyarrow",),
)
TESTBED_PROMPTS = Stage(
    name="testbed-data",
    kind="prompts",
    version=WORLD_VERSION,
    settings=TestbedDataSettings,
    work=_prompts,
    packages=("pyarrow",),
)
