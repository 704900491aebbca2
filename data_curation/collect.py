"""collect: a pinned source, read once into one table with ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import PositiveInt, model_validator

from artifacts.digests import digest_file, digest_json, digest_text
from artifacts.errors import InputError, StageError
from artifacts.files import write_jsonl
from artifacts.manifest import Artifact
from artifacts.pins import fetch, load_pin
from artifacts.settings import Settings
from artifacts.stage import Stage, Workspace
from data_curation.readers import Quarantined, read_file
from data_curation.readers.rows import is_utf8, quarantined
from data_curation.records import ID_LENGTH, Record, to_table
from data_curation.sources import LeftOut, Source, find_source, prompt_rows
from data_curation.tables import write_table

PROMPT_SCHEMA = pa.schema([(name, pa.string()) for name in ("prompt_id", "benchmark", "subset", "prompt")])
REFERENCE = pa.field("reference", pa.string())  # a further column, where a judge has to be told more than the prompt


class CollectSettings(Settings):
    """Settings of `rt collect`.

    Attributes:
        source: Name of a source (`data_curation.sources.SOURCES`).
        rows: Take the first so many rows, or `all`. None = the source's own, which is `all` but for LIMA, of which
            the paper uses the first 1,000 rows (1,000 to 1,029 hold several turns). Resolved when settings are made.
    """

    source: str
    rows: PositiveInt | Literal["all"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _own_rows(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("rows") is None and isinstance(data.get("source"), str):
            return data | {"rows": find_source(data["source"]).rows}
        return data

    @property
    def limit(self) -> int | None:
        """`rows` as a limit; None = no limit."""
        return None if self.rows == "all" else self.rows


def collect(settings: CollectSettings, out: Path, *, overwrite: bool = False) -> Artifact:
    """Fetch a pinned source and write it as a `corpus` or `prompts` artifact in `out`."""
    return stage_of(settings).run(settings, out, collect_inputs(settings), overwrite=overwrite)[0]


def stage_of(settings: CollectSettings) -> Stage:
    """The stage that makes what this source is: responses or prompts."""
    return COLLECT_CORPUS if find_source(settings.source).kind == "corpus" else COLLECT_PROMPTS


def collect_inputs(settings: CollectSettings) -> dict[str, Path]:
    """Fetch the pin; its file, under the name of the origin it came from (so that the manifest records it)."""
    fetched = fetch(find_source(settings.source).name)
    return {fetched.origin: fetched.paths[0]}


def _collect_corpus(settings: CollectSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    """Write data.parquet (`records.SCHEMA`) and quarantine.jsonl. Blank responses stay: curation drops them."""
    source = find_source(settings.source)
    ((origin, path),) = inputs.items()
    reading = read_file(path, source.name, source.columns, settings.limit)
    write_table(workspace.path / "data.parquet", to_table(reading.records))
    _write_quarantine(workspace.path, reading.quarantined)
    workspace.summary.update(
        _pin_facts(source, origin, path),
        rows_in=reading.rows_in,
        rows=len(reading.records),
        quarantined=len(reading.quarantined),
        blank=sum(not record.response.strip() for record in reading.records),
        first_exchange_only=reading.multi_turn,
        rows_digest=rows_digest(reading.records),
    )


def _collect_prompts(settings: CollectSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    """Write prompts.parquet (`PROMPT_SCHEMA`, and `REFERENCE` where the source has references) and quarantine.jsonl."""
    source = find_source(settings.source)
    ((origin, path),) = inputs.items()
    prompts = _read_prompts(source, path, settings.limit)
    left_out = sum(prompts.left_out.values())
    if prompts.rows_in != len(prompts.good) + len(prompts.bad) + left_out:
        raise StageError("rows in are not prompts plus quarantined plus left out", where=str(path))
    schema = PROMPT_SCHEMA.append(REFERENCE) if "reference" in prompts.good[0] else PROMPT_SCHEMA
    columns = {name: [prompt[name] for prompt in prompts.good] for name in schema.names}
    write_table(workspace.path / "prompts.parquet", pa.table(columns, schema=schema))
    _write_quarantine(workspace.path, prompts.bad)
    subsets = Counter(prompt["subset"] for prompt in prompts.good if prompt["subset"] is not None)
    workspace.summary.update(
        _pin_facts(source, origin, path),
        rows_in=prompts.rows_in,
        rows=len(prompts.good),
        quarantined=len(prompts.bad),
        subsets=dict(sorted(subsets.items())),
        **({"left_out": dict(sorted(prompts.left_out.items()))} if left_out else {}),
    )


@dataclass
class _Prompts:
    """What a prompt file gave: usable prompts, unusable rows, and rows left out on purpose by reason."""

    rows_in: int = 0
    good: list[dict[str, Any]] = field(default_factory=list)
    bad: list[Quarantined] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def _read_prompts(source: Source, path: Path, limit: int | None) -> _Prompts:
    """Prompts with their ids; the limit counts rows that belong to the benchmark."""
    found = _Prompts()
    seen: Counter[tuple[str | None, str]] = Counter()
    for raw in prompt_rows(source, path):
        if len(found.good) + len(found.bad) == limit:
            break
        found.rows_in += 1
        if isinstance(raw, LeftOut):
            found.left_out[raw.reason] += 1
            continue
        fault = raw.fault or _prompt_fault(raw.values, source)
        if fault:
            found.bad.append(quarantined(raw, fault, source.name))
            continue
        prompt, subset = raw.values["prompt"], raw.values.get("subset")
        prompt_id = digest_json([source.name, subset, prompt, seen[subset, prompt]])[:ID_LENGTH]
        seen[subset, prompt] += 1
        row = {"prompt_id": prompt_id, "benchmark": source.name, "subset": subset, "prompt": prompt}
        if "reference" in raw.values:
            row["reference"] = raw.values["reference"]
        found.good.append(row)
    if not found.good:
        first = f"; the first fault: {found.bad[0].reason}" if found.bad else ""
        raise InputError(f"no usable prompt in it{first}", where=str(path))
    return found


def _prompt_fault(values: Mapping[str, Any], source: Source) -> str | None:
    """Why this row is no prompt, or None."""
    if "reference" in values and values["reference"] is None:
        return "nothing to judge a reply by in it"
    for name in ("prompt", "subset") if source.subset else ("prompt",):
        value = values.get(name)
        if not isinstance(value, str) or not value.strip():
            return f"no text in column '{getattr(source, name) or name}'"
        if not is_utf8(value):
            return f"column '{getattr(source, name) or name}' is not valid text"
    return None


def _pin_facts(source: Source, origin: str, path: Path) -> dict[str, Any]:
    """What the manifest says about where the rows came from."""
    pin = load_pin(source.name)
    coverage = next((entry.coverage for entry in pin.origins if entry.kind == origin), None)
    return {
        "source": source.name,
        "pin": pin.name,
        "version": pin.version,
        "origin": origin,
        "coverage": coverage,
        "sha256": digest_file(path),
        "licence": pin.licence,
    }


def rows_digest(records: Iterable[Record]) -> str:
    """Digest of the rows whatever their order: two origins that hold the same rows share it."""
    rows = sorted(digest_json([record.instruction, record.response]) for record in records)
    return digest_text("\n".join(rows))


def _write_quarantine(folder: Path, entries: Iterable[Quarantined]) -> None:
    write_jsonl(folder / "quarantine.jsonl", map(asdict, entries))


COLLECT_CORPUS = Stage(
    name="collect", kind="corpus", version=1, settings=CollectSettings, work=_collect_corpus, packages=("pyarrow",)
)
COLLECT_PROMPTS = Stage(
    name="collect", kind="prompts", version=1, settings=CollectSettings, work=_collect_prompts, packages=("pyarrow",)
)
