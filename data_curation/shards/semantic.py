"""Semantic deduplication over all shards: sieved shard by shard, what is left decided on as in memory.

A row leaves only because of one that is near it by the full encoder. So rows that have no near one need not be there
when it is decided: shards are embedded and sieved by workers (`semantic_sieves`), and the rows with a near one, mostly
few, are given together to the same `SemanticDedup` as in memory, whose vectors are in the cache by then. What is held
of all rows are ids, lengths and numbers, some 100 bytes a row; vectors are on disk, 2 to 8 kB a row that takes part,
and 3 kB more for each window after its first.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from data_curation import semantic_candidates
from data_curation.decisions import Ledger, Outcome
from data_curation.quality import quality
from data_curation.records import SCORED, Record, from_table, normalise_for_id
from data_curation.semantic_dedup import SemanticDedup, SemanticDedupSettings, sieve_of
from data_curation.shards import semantic_sieves as sieves
from data_curation.shards.executors import Task
from data_curation.shards.near import Sets
from data_curation.shards.semantic_sieves import EmbedTask
from data_curation.shards.store import ids, policy_columns, save_array, write_drops
from data_curation.shingles import words

FULL = "full"
FEW = 1_000  # so many rows the leading process embeds itself: workers would load the encoder for longer
log = logging.getLogger("rt")


class Run(Protocol):
    """What does the work: see `stage._Run`."""

    def phase(self, label: str, task: Task, ranks: int) -> None:
        """Do a task for every rank."""

    def once(self, name: str, work: Callable[[], Any]) -> Any:
        """The JSON-ready result of work on all rows."""


@dataclass(frozen=True)
class KeysTask:
    """Of a shard's rows: whether they are long enough to take part, their lengths, and their texts' scores."""

    sets: Sets
    settings: SemanticDedupSettings
    own_scores: bool

    def __call__(self, rank: int) -> dict[str, int]:
        """Do shard `rank`."""
        texts = self.sets.load(rank, ["response"])["response"].to_pylist()
        long = np.array([len(words(text)) >= self.settings.min_words for text in texts], dtype=bool)
        save_array(self.sets.file("long", rank, "npy"), long)
        sizes = np.array([len(normalise_for_id(text)) for text in texts], dtype=np.int64)
        save_array(self.sets.file("sizes", rank, "npy"), sizes)
        if self.own_scores and rank >= self.sets.given:
            scores = np.array([quality(text).score for text in texts], dtype=np.float64)
            save_array(self.sets.file("scores", rank, "npy"), scores)
        return {"rows": len(texts), "compared": int(long.sum())}


def deduplicate(run: Run, name: str, sets: Sets, settings: SemanticDedupSettings, scored: bool) -> dict[str, Any]:
    """Do the step, less the writing of what leaves; `decide` comes next, with the counts that this returns."""
    own_scores = settings.survivor == "quality" and not scored
    run.phase(f"{name}-keys", KeysTask(sets, settings, own_scores), sets.shards)
    counts = run.once(f"{name}-order", lambda: number(sets, settings, own_scores))
    count, given = counts["lined_up"], counts["given"]
    if counts["sieve"]:
        run.phase(f"{name}-static", EmbedTask(sets, settings, sieves.LINED_UP, sieves.STATIC), sets.shards)
        run.once(f"{name}-whiten", lambda: sieves.whiten(sets, count))
        task = sieves.SiftTask(sets, settings, sieve_of(settings), given)
        run.phase(f"{name}-sieve", task, sieves.parts(count))
    found = run.once(
        f"{name}-passed",
        lambda: _thin(
            sets, sieves.LINED_UP, sieves.PASSED, given, sieves.passed(sets, count) if counts["sieve"] else _all(count)
        ),
    )
    passed, of_reference = found["stay"], found["given"]
    if counts["half"]:
        run.phase(f"{name}-half", EmbedTask(sets, settings, sieves.PASSED, sieves.HALF), sets.shards)
        run.once(f"{name}-gather", lambda: sieves.gather_halves(sets, passed))
        task = sieves.AlikeTask(sets, settings, of_reference)
        run.phase(f"{name}-alike", task, sieves.parts(passed, of_reference))
    near = run.once(
        f"{name}-near",
        lambda: _thin(
            sets,
            sieves.PASSED,
            sieves.NEAR,
            of_reference,
            sieves.near(sets, passed, of_reference) if counts["half"] else _all(passed),
        ),
    )
    log.info("curate: %s: %d of %d rows have one that may be near", name, near["stay"], count)
    if near["stay"] > FEW:
        run.phase(f"{name}-full", EmbedTask(sets, settings, sieves.NEAR, FULL), sets.shards)
    return counts | {"read": passed - of_reference}


def _all(count: int) -> np.ndarray:
    return np.ones(count, dtype=bool)


def _thin(sets: Sets, kind: str, into: str, given: int, stays: np.ndarray) -> dict[str, int]:
    return {"stay": sieves.thinned(sets, kind, into, stays), "given": int(stays[:given].sum())}


def number(sets: Sets, settings: SemanticDedupSettings, own_scores: bool) -> dict[str, Any]:
    """Number the rows that take part as `line_up` orders them, and say what is ahead.

    Returns:
        `lined_up` rows that take part, of which `given` of the reference, of `rows_in`; whether the first and the
        second sieve are used (`sieve`, `half`).
    """
    shards = range(sets.shards)
    long, sizes = (
        np.concatenate([np.empty(0, dtype=kind), *(np.load(sets.file(name, shard, "npy")) for shard in shards)])
        for name, kind in (("long", bool), ("sizes", np.int64))
    )
    tables = [sets.load(shard, ["record_id"]) for shard in shards]
    rows, texts = (
        np.concatenate([np.empty((0, 2), dtype=np.uint64), *(ids(table[name]) for table in tables)])
        for name in ("row_id", "record_id")
    )
    first_own = sum(table.num_rows for table in tables[: sets.given])
    policy = _policy(sets, settings, own_scores, sizes[first_own:], texts[first_own:])
    order = first_own + np.lexsort((rows[first_own:, 1], rows[first_own:, 0], *reversed(policy)))
    by_row = np.lexsort((rows[:first_own, 1], rows[:first_own, 0]))
    different = by_row[np.sort(np.unique(texts[by_row], axis=0, return_index=True)[1])]
    lined_up = np.concatenate([different[long[different]], order[long[order]]])
    numbers = np.full(len(rows), -1, dtype=np.int64)
    numbers[lined_up] = np.arange(len(lined_up))
    sieves.numbered(sets, sieves.LINED_UP, numbers)
    save_array(sets.folder / "sizes.npy", sizes[lined_up])
    enough = len(lined_up) >= semantic_candidates.LEAST_TEXTS and sieve_of(settings) is not None
    return {
        "lined_up": len(lined_up),
        "given": int(long[different].sum()),
        "rows_in": len(rows) - first_own,
        "sieve": bool(enough and not settings.exhaustive),
        "half": bool(len(lined_up) > FEW and semantic_candidates.halves(settings.encoder) and not settings.exhaustive),
    }


def _policy(
    sets: Sets, settings: SemanticDedupSettings, own_scores: bool, sizes: np.ndarray, texts: np.ndarray
) -> list[np.ndarray]:
    """Columns that order the set's rows before the row_id does, the most important first; see `survivors`."""
    own = range(sets.given, sets.shards)
    scores = [np.load(sets.file("scores", shard, "npy")) for shard in own] if own_scores else None
    columns = policy_columns(sets.kept, settings.survivor, scores)
    if settings.survivor == "quality":
        return [*columns, -sizes, texts[:, 0], texts[:, 1]]
    return [-sizes] if settings.survivor == "longest" else columns


def decide(
    sets: Sets, settings: SemanticDedupSettings, position: int, phase: int, counts: dict[str, Any], scored: bool
) -> Outcome:
    """Decide on the rows that have a near one, write what leaves each shard; the outcome of the step."""
    reference, records, shard_of = _near_records(sets)
    if scored and all(record.quality is None for record in records):
        # rows without a score are equals where others have one; alone, their texts would be scored
        records = [replace(record, quality=0.0) for record in records]
    more = (reference,) if reference else ()
    alone = settings.model_copy(update={"exhaustive": True})  # they have been sieved
    result = SemanticDedup(alone).apply(records, sets.folder, *more)
    ledger = Ledger(records, reference=reference)  # checks what it books
    ledger.apply(settings.step, result)
    dropped = [row for row in ledger.decisions().to_pylist() if not row["kept"]]
    for shard in range(sets.kept.shards):
        write_drops(sets.kept, phase, shard, [row for row in dropped if shard_of[row["row_id"]] == shard])
    compared = counts["lined_up"] - counts["given"]
    measures = result.measures | {
        "compared": compared,
        "too_short": counts["rows_in"] - compared,
        "read_by_encoder": counts["read"],
    }
    ordered = {name: float(value) for name, value in sorted(measures.items())}
    reasons = dict(sorted(Counter(row["reason"] for row in dropped).items()))
    return Outcome(position, settings.step, counts["rows_in"], counts["rows_in"] - len(dropped), 0, reasons, ordered)


def _near_records(sets: Sets) -> tuple[list[Record], list[Record], dict[str, int]]:
    """Rows with a near one, of the reference and of the set, and the shard of each of the latter."""
    reference: list[Record] = []
    records: list[Record] = []
    shard_of: dict[str, int] = {}
    for shard in range(sets.shards):
        numbers = np.load(sets.file(sieves.NEAR, shard, "npy"))
        found = from_table(sets.load(shard, SCORED.names).select(SCORED.names).filter(pa.array(numbers >= 0)))
        if shard < sets.given:
            reference += found
        else:
            records += found
            shard_of |= dict.fromkeys((record.row_id for record in found), shard - sets.given)
    return reference, records, shard_of


def outcome(run: Run, name: str, sets: Sets, settings: SemanticDedupSettings, at: tuple[int, int], scored: bool) -> Any:
    """Do the whole step; `at`: its place in the recipe and the number of its phase. The outcome, JSON-ready."""
    counts = deduplicate(run, name, sets, settings, scored)
    return run.once(name, lambda: asdict(decide(sets, settings, *at, counts, scored)))
