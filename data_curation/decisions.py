"""The ledger of a curation: what each step did, and one decision per row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from artifacts.errors import StageError
from data_curation.records import Record, record_id
from data_curation.step import Drop, StepResult

DECISIONS = pa.schema(
    [
        ("row_id", pa.string()),
        ("record_id", pa.string()),
        ("row", pa.int64()),
        ("step", pa.string()),
        ("kept", pa.bool_()),
        ("reason", pa.string()),
        ("by", pa.string()),
        ("by_set", pa.string()),  # where `by` is: input, reference or prompts
        ("score", pa.float64()),
    ]
)
STEPS = pa.schema([("position", pa.int32()), ("step", pa.string()), ("measure", pa.string()), ("value", pa.float64())])
READ = "read"  # the name of position 0: reading, before the first step of the recipe


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step did, in numbers: a line of the funnel."""

    position: int
    step: str
    rows_in: int
    kept: int
    changed: int
    reasons: dict[str, int]
    measures: dict[str, float]


class Ledger:
    """Records on their way through the steps, and what became of each.

    `row_id` never changes. `record_id` is the digest of the response, so a changed response has another one:
    decisions hold the one that came in, `kept` the one of the text as it now stands. Rows of a reference set are no
    part of the count; a drop may name one of them.
    """

    def __init__(self, records: Sequence[Record], quarantined: int = 0, reference: Sequence[Record] = ()):
        self._input = list(records)
        self._kept = {record.row_id: record for record in self._input}
        if len(self._kept) != len(self._input):
            raise StageError("two input rows share one row_id")
        self._drops: dict[str, tuple[str, Drop]] = {}
        self._changes: dict[str, list[str]] = {}
        self._quarantined = quarantined
        self._reference = {record.row_id for record in reference}
        self.outcomes: list[Outcome] = []
        self.matches: list[dict[str, Any]] = []

    @property
    def kept(self) -> list[Record]:
        """Records not dropped so far, in input order, with their text as it now stands."""
        return list(self._kept.values())

    def apply(self, step: str, result: StepResult) -> Outcome:
        """Book one step's result.

        Raises:
            StageError: the step names a row that is not there, drops a row twice or because of a row that is not kept
                either, changes a row that it drops, or measures something that is no number.
        """
        rows_in = len(self._kept)
        self._check(step, result)
        for drop in result.drops:
            del self._kept[drop.row_id]
            self._drops[drop.row_id] = (step, drop)
        changed = 0
        for row_id, response in result.responses.items():
            record = self._kept[row_id]
            if response != record.response:
                changed += 1
                self._changes.setdefault(row_id, []).append(step)
            self._kept[row_id] = replace(record, response=response, record_id=record_id(response))
        reasons = dict(sorted(Counter(drop.reason for drop in result.drops).items()))
        # sorted: a result that was kept on disk between two runs has lost the order of its keys
        measures = {name: float(value) for name, value in sorted(result.measures.items())}
        outcome = Outcome(len(self.outcomes) + 1, step, rows_in, len(self._kept), changed, reasons, measures)
        if outcome.rows_in != outcome.kept + sum(reasons.values()):
            raise StageError(f"rows in ({rows_in}) are not kept ({outcome.kept}) plus dropped", where=f"step {step}")
        self.outcomes.append(outcome)
        self.matches += result.matches
        return outcome

    def _check(self, step: str, result: StepResult) -> None:
        leaving = self._check_drops(step, result.drops)
        for row_id in result.responses:
            if row_id not in self._kept or row_id in leaving:
                raise self._fault(step, f"changes {row_id}, which is not among the rows it keeps")
        for name, value in result.measures.items():
            if name in ("rows_in", "kept", "changed", "quarantined") or name.split(".")[0] == "dropped":
                raise self._fault(step, f"measures '{name}', which is counted for it")
            if not math.isfinite(value):
                raise self._fault(step, f"measures '{name}' as {value}")

    def _check_drops(self, step: str, drops: Sequence[Drop]) -> set[str]:
        """Row ids that leave."""
        leaving: set[str] = set()
        for drop in drops:
            if drop.row_id not in self._kept:
                raise self._fault(step, f"drops {drop.row_id}, which is not among its rows")
            if drop.row_id in leaving:
                raise self._fault(step, f"drops {drop.row_id} twice")
            if not drop.reason or (drop.score is not None and not math.isfinite(drop.score)):
                raise self._fault(step, f"drops {drop.row_id} without a reason or with a score that is no number")
            leaving.add(drop.row_id)
        for drop in drops:
            if drop.by is None or drop.by_set == "prompts":
                continue
            if drop.by_set == "reference":
                if drop.by not in self._reference:
                    raise self._fault(step, f"drops {drop.row_id} because of {drop.by}, which the reference lacks")
            elif drop.by not in self._kept or drop.by in leaving:
                raise self._fault(step, f"drops {drop.row_id} because of {drop.by}, which is not kept either")
        return leaving

    @staticmethod
    def _fault(step: str, message: str) -> StageError:
        return StageError(f"the step {message}", where=f"step {step}")

    def decisions(self) -> pa.Table:
        """One row per input row, in input order; `step`, `reason`, `by`, `by_set` and `score` are null if kept."""
        rows = [self._decision(record) for record in self._input]
        dropped = sum(not row["kept"] for row in rows)
        if len(rows) != len(self._kept) + dropped:
            raise StageError(f"rows in ({len(rows)}) are not kept ({len(self._kept)}) plus dropped ({dropped})")
        return pa.Table.from_pylist(rows, schema=DECISIONS)

    def _decision(self, record: Record) -> dict:
        step, drop = self._drops.get(record.row_id, (None, None))
        return {
            "row_id": record.row_id,
            "record_id": record.record_id,
            "row": record.row,
            "step": step,
            "kept": record.row_id in self._kept,
            "reason": drop.reason if drop else None,
            "by": drop.by if drop else None,
            "by_set": drop.by_set if drop and drop.by is not None else None,
            "score": drop.score if drop else None,
        }

    def changes(self) -> dict[str, list[str]]:
        """Kept rows that steps changed: `row_id` to the names of those steps, in order."""
        return {row_id: steps for row_id, steps in self._changes.items() if row_id in self._kept}

    def changed(self) -> int:
        """Kept records whose text differs from the one that came in."""
        return sum(
            record.row_id in self._kept and self._kept[record.row_id].response != record.response
            for record in self._input
        )

    def steps(self) -> pa.Table:
        """Every measurement of every step, long form; position 0 is reading."""
        return steps_table(len(self._input), self._quarantined, self.outcomes)


def steps_table(usable: int, quarantined: int, outcomes: Sequence[Outcome]) -> pa.Table:
    """Measurements as a table of `STEPS`, those of reading first: rows that could be used, and could not."""
    total = usable + quarantined
    rows = [
        (0, READ, name, value) for name, value in (("rows_in", total), ("kept", usable), ("quarantined", quarantined))
    ]
    for outcome in outcomes:
        values = {"rows_in": outcome.rows_in, "kept": outcome.kept, "dropped": sum(outcome.reasons.values())}
        values |= {f"dropped.{reason}": count for reason, count in outcome.reasons.items()}
        values |= {"changed": outcome.changed} | outcome.measures
        rows += [(outcome.position, outcome.step, name, value) for name, value in values.items()]
    return pa.Table.from_pylist([dict(zip(STEPS.names, row, strict=True)) for row in rows], schema=STEPS)
