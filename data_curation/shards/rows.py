"""Steps that look at one row at a time: normalising, filters, decontamination. Each shard for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from artifacts.digests import digest_text
from artifacts.files import read_json, write_json, write_jsonl
from data_curation.decisions import Ledger, Outcome
from data_curation.recipe import StepSettings, build
from data_curation.records import ID_LENGTH, QUALITY, SCHEMA, SCORED, Record, from_table
from data_curation.shards.reading import Read
from data_curation.shards.store import BASE, CHANGED, ORIGINAL, ROWS, Kept, write_drops
from data_curation.tables import write_table

SAME_IN_EVERY_SHARD = ("prompts",)  # measures that say what was looked for; all others are counts and add up
Steps = tuple[tuple[int, StepSettings], ...]  # places in the recipe, from 1, and settings


@dataclass
class _Held:
    """A shard's rows, with what earlier phases did to them."""

    records: list[Record]
    changed: dict[str, list[str]]
    original: dict[str, str]


@dataclass(frozen=True)
class RowsTask:
    """Does consecutive steps on a shard: the same steps, built the same way, as in memory.

    Attributes:
        given: The set as read (first phase), or as earlier phases left it.
        kept: Where the results go.
        steps: None of them in the first phase of a set that is only compared with.
    """

    given: Read | Kept
    kept: Kept
    steps: Steps

    def __call__(self, rank: int) -> dict[str, int]:
        """Do shard `rank`; the outcome is written last."""
        held = self._held(rank)
        ledger = Ledger(held.records)
        scratch = self.kept.file("scratch", self.kept.phase, rank, "d")
        scratch.mkdir(parents=True, exist_ok=True)
        for _, step in self.steps:
            ledger.apply(step.step, build(step).apply(ledger.kept, scratch))
        self._write(rank, held, ledger)
        counts = Counter({"rows": len(held.records)})
        for outcome in ledger.outcomes:
            counts.update({f"{outcome.step}: {reason}": count for reason, count in outcome.reasons.items()})
        return dict(counts)

    def _held(self, rank: int) -> _Held:
        if isinstance(self.given, Read):
            return _Held(self.given.records(rank), {}, {})
        table = self.given.load(rank)
        past = table.select(["row_id", CHANGED, ORIGINAL]).to_pylist()
        changed = {row["row_id"]: row[CHANGED] for row in past if row[CHANGED]}
        original = {row["row_id"]: row[ORIGINAL] for row in past if row[ORIGINAL] is not None}
        return _Held(from_table(table.select(SCORED.names)), changed, original)

    def _write(self, rank: int, held: _Held, ledger: Ledger) -> None:
        phase = self.kept.phase
        decisions = ledger.decisions()
        if isinstance(self.given, Read):
            write_table(self.kept.file("base", 0, rank), decisions.select(BASE.names))
        rows = decisions.to_pylist()
        write_drops(self.kept, phase, rank, [row for row in rows if not row["kept"]])
        before = {record.row_id: record.response for record in held.records}
        changes = ledger.changes()
        for row_id in changes:
            held.original.setdefault(row_id, text_digest(before[row_id]))
        write_table(self.kept.file("rows", phase, rank), _rows_table(ledger.kept, held, changes))
        write_jsonl(self.kept.file("matches", phase, rank, "jsonl"), ledger.matches)
        write_json(self.kept.file("outcomes", phase, rank, "json"), [asdict(outcome) for outcome in ledger.outcomes])


def text_digest(text: str) -> str:
    """What tells a text that came in from the one that goes out."""
    return digest_text(text)[:ID_LENGTH]


def _rows_table(kept: Sequence[Record], held: _Held, changes: dict[str, list[str]]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [getattr(record, name) for record in kept] for name in SCHEMA.names}
    columns[QUALITY] = [record.quality for record in kept]
    ids = columns["row_id"]
    columns[CHANGED] = [[*held.changed.get(row_id, ()), *changes.get(row_id, ())] for row_id in ids]
    columns[ORIGINAL] = [held.original.get(row_id) for row_id in ids]
    return pa.table(columns, schema=ROWS)


def outcomes(kept: Kept, steps: Steps) -> list[Outcome]:
    """What a phase did in all shards together, step by step."""
    parts = [read_json(kept.file("outcomes", kept.phase, shard, "json")) for shard in range(kept.shards)]
    return [_sum(position, step.step, [part[at] for part in parts]) for at, (position, step) in enumerate(steps)]


def _sum(position: int, step: str, parts: Iterable[dict[str, Any]]) -> Outcome:
    totals: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    measures: dict[str, float] = {}
    for part in parts:
        totals.update({name: part[name] for name in ("rows_in", "kept", "changed")})
        reasons.update(part["reasons"])
        for name, value in part["measures"].items():
            measures[name] = value if name in SAME_IN_EVERY_SHARD else measures.get(name, 0.0) + value
    ordered = {name: float(value) for name, value in sorted(measures.items())}
    counts = (totals["rows_in"], totals["kept"], totals["changed"])
    return Outcome(position, step, *counts, dict(sorted(reasons.items())), ordered)
