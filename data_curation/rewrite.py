"""rewrite: a language model behind an OpenAI-compatible server rewrites every response; what it cannot do stays.

Refinement is the paper's appendix G, news passages as responses its appendix F. The result is a `curated` artifact.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from artifacts.digests import digest_json
from artifacts.errors import InputError, StageError
from artifacts.files import write_jsonl
from artifacts.manifest import Artifact
from artifacts.settings import Settings
from artifacts.stage import Stage, Workspace
from data_curation.curate import CURATE, main_input, read_main, set_summary
from data_curation.decisions import Ledger
from data_curation.llm_client import (
    AnswerStore,
    Batch,
    Counts,
    Decoding,
    ModelSettings,
    Outcome,
    Plan,
    Request,
    ServerSettings,
    complete,
    default_store,
    plan,
)
from data_curation.readers import Columns
from data_curation.records import Record, to_table
from data_curation.rewrite_prompts import Kind, Prompt, PromptField
from data_curation.rewrite_replies import Rewrite, read_rewrite
from data_curation.step import Drop, StepResult
from data_curation.tables import write_table

STEP = "rewrite"
REWRITES = "rewrites.parquet"
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("row_id", "outcome", "reason", "detail", "request", "finish_reason", "model")]
    + [(name, pa.int64()) for name in ("prompt_tokens", "completion_tokens")]
    + [(name, pa.string()) for name in ("messages", "reply")]
)
log = logging.getLogger("rt")


class RewriteDecoding(Decoding):
    """Decoding of the rewriting model; greedy and at most 8,192 tokens as in the paper."""

    max_tokens: int | None = Field(default=8192, ge=1)


class RewriteModel(ModelSettings):
    """The rewriting model."""

    decoding: RewriteDecoding = RewriteDecoding()


class RewriteSettings(Settings):
    """Settings of `rt rewrite`.

    Attributes:
        kind: `refine` (responses) or `news` (passages).
        prompt: Name or path of a prompt, or the prompt itself; None = the kind's own. Resolved when settings are made.
        model: The model, by its name on the server, and its decoding.
        failed: What becomes of a row whose request failed: `keep` its original, or `drop` it.
        most_failed: Largest share of requests that may fail; with more the stage stops, and a later run goes on.
        take_cut: Take a text that was cut at the limit of tokens, instead of keeping the original.
        source: Name that the records of a plain file bear; None = the file's name.
        hub: `owner/name@<40-hex revision>` of a data set of the hub, instead of a file.
        split: Split of the hub data set.
        columns: Columns of a plain file or hub data set; what is None is recognised.
        server: The server. Not part of the result's identity: the same model on another one gives the same set.
        cache: File of the kept answers; None = the one that all runs share. Not part of the identity.
    """

    kind: Kind = "refine"
    prompt: PromptField
    model: RewriteModel
    failed: Literal["keep", "drop"] = "keep"
    most_failed: float = Field(default=0.02, ge=0, le=1)
    take_cut: bool = False
    source: str | None = None
    hub: str | None = None
    split: str = "train"
    columns: Columns = Columns()
    server: ServerSettings = Field(default=ServerSettings(), exclude=True)
    cache: Path | None = Field(default=None, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _own_prompt(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("prompt") is None:
            return data | {"prompt": data.get("kind", "refine")}
        return data

    @model_validator(mode="after")
    def _of_its_kind(self) -> RewriteSettings:
        if self.prompt.kind != self.kind:
            raise ValueError(f"prompt: '{self.prompt.name}' is one of kind '{self.prompt.kind}', not '{self.kind}'")
        return self

    @property
    def store(self) -> Path:
        """File of the kept answers."""
        return self.cache or default_store()


def rewrite(
    settings: RewriteSettings, out: Path, given: Path | str | None = None, *, overwrite: bool = False
) -> Artifact:
    """Rewrite a `corpus` or `curated` artifact, a plain file or `hub:owner/name@revision` into `out`."""
    settings, inputs = main_input(settings, given)
    return REWRITE.run(settings, out, inputs, overwrite=overwrite)[0]


def rewrite_plan(settings: RewriteSettings, inputs: Mapping[str, Path]) -> Plan:
    """Calls and tokens that a rewriting would take; nothing is sent, and nothing written."""
    records = read_main(settings, inputs)[0].records
    asked = _asked(records, settings.prompt)
    lengths = {record.row_id: len(record.response.encode()) for record in records}
    return plan(list(asked.values()), settings.model, settings.store, [lengths[row_id] for row_id in asked])


def _asked(records: Sequence[Record], prompt: Prompt) -> dict[str, Request]:
    """The request of each row that has a response, by row id."""
    asked = [record for record in records if record.response.strip()]
    without = [record for record in asked if not (record.instruction or "").strip()]
    if prompt.needs_instruction and without:
        raise InputError(
            f"{len(without)} rows have no instruction, the first is row {without[0].row}; the prompt "
            f"'{prompt.name}' needs one",
            where=without[0].source,
            fix="use the prompt refine, which does not",
        )
    return {record.row_id: prompt.request_for(record) for record in asked}


def _rewrite(settings: RewriteSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    """Write data.parquet, decisions.parquet, steps.parquet, quarantine.jsonl and rewrites.parquet."""
    if settings.server.url is not None:  # faults of the settings now, not after reading a large file
        settings.server.base_url(), settings.server.key()
    reading, origin = read_main(settings, inputs)
    requests = _asked(reading.records, settings.prompt)
    with AnswerStore(settings.store) as store:
        batch = complete(list(requests.values()), settings.model, settings.server, store, STEP)
    _check_failures(batch, settings)
    outcomes = dict(zip(requests, batch.outcomes, strict=True))
    rewrites = {record.row_id: _read(record, outcomes, settings) for record in reading.records}
    ledger = Ledger(reading.records, len(reading.quarantined))
    ledger.apply(STEP, _result(rewrites, settings.failed))
    write_table(workspace.path / "data.parquet", to_table(ledger.kept))
    write_table(workspace.path / "decisions.parquet", ledger.decisions())
    write_table(workspace.path / "steps.parquet", ledger.steps())
    write_jsonl(workspace.path / "quarantine.jsonl", map(asdict, reading.quarantined))
    write_table(workspace.path / REWRITES, _table(rewrites, requests, outcomes))
    recipe = "+".join(filter(None, [origin.get("recipe"), settings.prompt.name]))
    workspace.summary.update(set_summary(recipe, reading, ledger, origin))
    workspace.summary["rewrite"] = _facts(rewrites, batch, settings)
    workspace.provenance.update(_cost(batch.counts, settings.server))
    workspace.notes.update(records=ledger.kept, changes=ledger.changes())


def _read(record: Record, outcomes: Mapping[str, Outcome], settings: RewriteSettings) -> Rewrite:
    outcome = outcomes.get(record.row_id)
    return read_rewrite(outcome, settings.prompt.marker, record.response, settings.take_cut)


def _check_failures(batch: Batch, settings: RewriteSettings) -> None:
    """Refuse to finish with more failures than allowed: they would look like rows that need no rewriting."""
    failed, total = sum(batch.failures.values()), len(batch.outcomes)
    if failed > settings.most_failed * total:
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in sorted(batch.failures.items()))
        raise StageError(
            f"{failed:,} of {total:,} requests failed ({reasons}); allowed are {settings.most_failed:.1%}",
            where=STEP,
            fix="run again: what was answered is kept, only the rest is asked; or allow more (most_failed)",
        )


def _result(rewrites: Mapping[str, Rewrite], failed: str) -> StepResult:
    """The rewriting as a step of a curation."""
    result = StepResult()
    for row_id, rewritten in rewrites.items():
        if rewritten.text is not None:
            result.responses[row_id] = rewritten.text
        elif rewritten.outcome == "failed" and failed == "drop":
            result.drops.append(Drop(row_id, f"failed_{rewritten.reason}"))
    names = Counter(".".join(filter(None, ["outcome", r.outcome, r.reason])) for r in rewrites.values())
    result.measures.update({name: float(count) for name, count in names.items()})
    return result


def _table(
    rewrites: Mapping[str, Rewrite], requests: Mapping[str, Request], outcomes: Mapping[str, Outcome]
) -> pa.Table:
    """One row an input row: what was asked, what came back, what was made of it."""
    rows = []
    for row_id, rewritten in rewrites.items():
        row = {"row_id": row_id, "outcome": rewritten.outcome, "reason": rewritten.reason}
        outcome = outcomes.get(row_id)
        if outcome is not None:
            messages = [list(message) for message in requests[row_id].messages]
            row |= {"request": outcome.key, "messages": json.dumps(messages, ensure_ascii=False)}
            row |= {"detail": outcome.failure.detail} if outcome.failure else {}
            answer = asdict(outcome.answer) if outcome.answer else {}
            row |= {"reply" if name == "text" else name: value for name, value in answer.items()}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _facts(rewrites: Mapping[str, Rewrite], batch: Batch, settings: RewriteSettings) -> dict[str, Any]:
    """How far the rewriting succeeded: the same whether answers were new or kept."""
    outcomes = Counter(rewritten.outcome for rewritten in rewrites.values())
    extracted = sum(rewritten.extracted for rewritten in rewrites.values())
    asked = len(batch.outcomes)

    def reasons(outcome: str) -> dict[str, int]:
        found = Counter(r.reason for r in rewrites.values() if r.outcome == outcome and r.reason is not None)
        return dict(sorted(found.items()))

    return {
        "kind": settings.kind,
        "prompt": settings.prompt.name,
        "prompt_version": settings.prompt.version,
        "prompt_digest": digest_json(settings.prompt.resolved()),
        "model": settings.model.name,
        "models_reported": sorted({o.answer.model for o in batch.outcomes if o.answer and o.answer.model}),
        "asked": asked,
        "extracted": extracted,
        "rewritten": outcomes["rewritten"],
        "unchanged": outcomes["unchanged"],
        "original_kept": reasons("original"),
        "failed": reasons("failed"),
        "success_rate": round(extracted / asked, 6) if asked else None,
    }


def _cost(counts: Counts, server: ServerSettings) -> dict[str, Any]:
    """What this run sent, for the manifest's provenance."""
    return {
        "server": None if server.url is None else server.base_url(),
        "answers_kept_before": counts.kept,
        "answers_new": counts.answered,
        "calls": counts.calls,
        "call_faults": dict(sorted(counts.faults.items())),
    }


def rewrite_text(summary: Mapping[str, Any]) -> str:
    """The outcome of a rewriting in words."""
    facts = summary["rewrite"]
    rate = "" if facts["success_rate"] is None else f" ({facts['success_rate']:.1%})"
    lines = [
        f"  rows in {summary['rows_in']:,}, kept {summary['kept']:,}, dropped {summary['dropped']:,}, "
        f"quarantined {summary['quarantined']:,}",
        f"  asked {facts['asked']:,}, extracted {facts['extracted']:,}{rate}, "
        f"of these rewritten {facts['rewritten']:,}, unchanged {facts['unchanged']:,}",
    ]
    for name, words in (("original_kept", "original kept"), ("failed", "failed")):
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in facts[name].items())
        lines.append(f"  {words} {sum(facts[name].values()):,}" + (f" ({reasons})" if reasons else ""))
    return "\n".join(lines)


REWRITE = Stage(
    name="rewrite",
    kind="curated",
    version=1,
    settings=RewriteSettings,
    work=_rewrite,
    packages=("pyarrow",),
    describe=CURATE.describe,
)
