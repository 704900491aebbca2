"""compare: what entered, left or changed between two response sets, and why, as far as their decisions tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from artifacts.differences import differences
from artifacts.errors import ResponseTuningError
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.publication import name_of
from artifacts.stage import input_digest
from data_curation.inspect.measures import facts
from data_curation.inspect.subject import Subject, conflict_drops, file_subject, read_subject, recorded_inputs
from data_curation.lineage import CAME_IN, read_lineage
from data_curation.records import Record

Match = Literal["row_id", "text", "instruction"]


@dataclass(frozen=True)
class Change:
    """A row that is in only one of the sets, or has another text in each.

    Attributes:
        kind: `left` (only in A), `entered` (only in B) or `changed`.
        record: The row, of A if it is there.
        after: The row in B, if its text changed.
        reason: Why, in words that can be counted.
        by: The row that a duplicate was dropped for, if a decision names one.
        score: The score of the decision, if there is one.
        other: The text of `by`, where it is at hand.
    """

    kind: Literal["left", "entered", "changed"]
    record: Record
    after: Record | None
    reason: str
    by: str | None = None
    score: float | None = None
    other: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Two sets side by side.

    Attributes:
        a: The first set.
        b: The second.
        matched: How rows that are in both were recognised: number of rows by `row_id`, by equal text, by instruction.
        changes: All differences: left, entered, changed; each in the order of its set.
        notes: What the reasons could not be found out from.
    """

    a: Subject
    b: Subject
    matched: dict[Match, int]
    changes: list[Change]
    notes: list[str]

    def of(self, kind: str) -> list[Change]:
        """The differences of one kind."""
        return [change for change in self.changes if change.kind == kind]


@dataclass(frozen=True)
class _Past:
    """What a set's making says about rows that are not in it.

    Attributes:
        name: The set.
        dropped: `row_id` to the decision that dropped it, the set's own or an ancestor's.
        seen: Rows that came in somewhere on the way.
        whole: Whether everything that came in is known: whatever is not in `seen` was never there.
        added: Rows that mixing added, which are no part of the base set.
    """

    name: str
    dropped: Mapping[str, Mapping[str, Any]]
    seen: frozenset[str]
    whole: bool
    added: frozenset[str]


def compare(a: Path, b: Path) -> Comparison:
    """Compare two curated sets, corpora, training sets or plain files, in any combination.

    Rows are matched by `row_id`; those left over by equal instruction and text, which finds rows of two files with
    different names; then by an instruction that is unique on both sides, which finds rewritten responses. A plain file
    that the other set was curated from is read with the name and columns it had there, so its rows have the same ids.

    Raises:
        InputError: a path that is no response set.
    """
    one, other = _subject(a, b), _subject(b, a)
    pairs, matched = _match(one.records, other.records)
    in_b = {record.row_id for record in pairs.values()}
    notes: list[str] = []
    past_a, past_b = _past(one, notes), _past(other, notes)
    texts = {record.row_id: record.response for record in (*one.records, *other.records)}
    texts |= {row_id: record.response for subject in (one, other) for row_id, record in subject.before.items()}
    texts |= one.others | other.others
    left = [_missing("left", r, past_b, past_a, texts) for r in one.records if r.row_id not in pairs]
    entered = [_missing("entered", r, past_a, past_b, texts) for r in other.records if r.row_id not in in_b]
    steps = _steps_of(one), _steps_of(other)
    changed = [
        Change("changed", record, after, _why_changed(record, after, *steps))
        for record in one.records
        if (after := pairs.get(record.row_id)) is not None and after.response != record.response
    ]
    return Comparison(one, other, matched, [*left, *entered, *changed], sorted(set(notes)))


def _subject(path: Path, beside: Path) -> Subject:
    """A set; a plain file as it was read where `beside`, or a set that was made from, was curated from it."""
    for artifact in _chain(read_manifest(beside)) if path.is_file() and is_artifact(beside) else ():
        if artifact.identity.kind == "curated" and artifact.identity.inputs.get("input") == input_digest(path):
            return file_subject(path, artifact)
    return read_subject(path)


def _chain(artifact: Artifact) -> Iterator[Artifact]:
    """A set and the sets it was made from, as far as these are where they were."""
    yield artifact
    for name, path in recorded_inputs(artifact)[0].items():
        if name in CAME_IN and is_artifact(path):
            yield from _chain(read_manifest(path))


def _match(one: Iterable[Record], other: Iterable[Record]) -> tuple[dict[str, Record], dict[Match, int]]:
    """`row_id` in A to the same row in B, and how many rows each way of matching found."""
    by_id = {record.row_id: record for record in other}
    pairs = {record.row_id: by_id[record.row_id] for record in one if record.row_id in by_id}
    matched: dict[Match, int] = {"row_id": len(pairs)}
    taken = {record.row_id for record in pairs.values()}
    rest_a = [record for record in one if record.row_id not in pairs]
    rest_b = [record for record in by_id.values() if record.row_id not in taken]
    keys = {
        "text": lambda record: (record.instruction, record.record_id),
        "instruction": lambda record: record.instruction,
    }
    for name, key in keys.items():
        found = _pair(rest_a, rest_b, key, unique=name == "instruction")
        matched[name] = len(found)
        pairs |= found
        taken = {record.row_id for record in found.values()}
        rest_a = [record for record in rest_a if record.row_id not in found]
        rest_b = [record for record in rest_b if record.row_id not in taken]
    return pairs, matched


def _pair(one: list[Record], other: list[Record], key, unique: bool) -> dict[str, Record]:
    """Rows with equal keys, the first with the first; with `unique` only keys that stand for one row on each side."""
    groups: tuple[defaultdict, defaultdict] = defaultdict(list), defaultdict(list)
    for group, records in zip(groups, (one, other), strict=True):
        for record in records:
            if key(record) is not None:
                group[key(record)].append(record)
    found = {}
    for value, lefts in groups[0].items():
        rights = groups[1].get(value, [])
        if not unique or len(lefts) == len(rights) == 1:
            found |= {left.row_id: right for left, right in zip(lefts, rights, strict=False)}
    return found


def _missing(kind, record: Record, past: _Past, own: _Past, texts: Mapping[str, str]) -> Change:
    """A row that the set of `past` does not have, and why."""
    decision = past.dropped.get(record.row_id)
    if decision is not None:
        reason = f"dropped by {past.name}: {decision['step']}, {decision['reason']}"
        return Change(kind, record, None, reason, decision["by"], decision["score"], texts.get(decision["by"]))
    if record.row_id in own.added:
        return Change(kind, record, None, f"a refusal that {own.name} took from its pool")
    if record.row_id in past.seen:
        return Change(kind, record, None, f"not drawn by {past.name}")
    if past.whole:
        return Change(kind, record, None, f"never came into {past.name}")
    return Change(kind, record, None, "not recorded")


def _steps_of(subject: Subject) -> dict[str, list[str]]:
    """`row_id` to the steps that changed the row's text on its way into a set, as its lineage tells."""
    lineage = read_lineage(subject.artifact) if subject.artifact else None
    rows = lineage["rows"] if lineage else {}
    return {row_id: row["changed_by"] for row_id, row in rows.items() if row["changed_by"]}


def _why_changed(before: Record, after: Record, *steps: Mapping[str, list[str]]) -> str:
    by = [", ".join(found) for found in (steps[0].get(before.row_id), steps[1].get(after.row_id)) if found]
    reason = f"changed by {' and '.join(by)}" if by else "not recorded"
    return f"{reason} (white space only)" if before.response.split() == after.response.split() else reason


def _past(subject: Subject, notes: list[str]) -> _Past:
    """Decisions of a set and of the sets it was made from, as far as these are where they were."""
    dropped: dict[str, Mapping[str, Any]] = {}
    seen: set[str] = {record.row_id for record in subject.records}
    whole = subject.artifact is not None and _collect(subject.artifact, dropped, seen, notes)
    added = frozenset(row_id for row_id, origin in subject.origins.items() if origin == "refusal")
    return _Past(subject.name, dropped, frozenset(seen), whole, added)


def _collect(artifact: Artifact, dropped: dict, seen: set[str], notes: list[str]) -> bool:
    """Gather decisions up the chain; returns whether a row that is not in `seen` now can never have come in."""
    kind = artifact.identity.kind
    if kind == "corpus":
        seen.update(pq.read_table(artifact.file("data.parquet"), columns=["row_id"])["row_id"].to_pylist())
        return True
    if kind == "curated":
        for row in pq.read_table(artifact.file("decisions.parquet")).to_pylist():
            seen.add(row["row_id"])
            if not row["kept"]:
                dropped.setdefault(row["row_id"], row)
    for row_id, row in conflict_drops(artifact).items():
        dropped.setdefault(row_id, row)
    inputs, problem = recorded_inputs(artifact)
    came_in = [path for name, path in inputs.items() if name in CAME_IN]
    if kind == "curated":  # of a plain file, which may have had another name there, its own decisions name every row
        came_in = [path for path in came_in if is_artifact(path)]
    wholes = [_input_whole(path, dropped, seen, notes) for path in came_in]
    if kind == "curated":  # its decisions name every row of its input, wherever that is now
        return True
    if problem:
        notes.append(f"{name_of(artifact.path)} was made from inputs that are not at hand: {problem}")
    return all(wholes) and not problem


def _input_whole(path: Path, dropped: dict, seen: set[str], notes: list[str]) -> bool:
    if is_artifact(path):
        return _collect(read_manifest(path), dropped, seen, notes)
    try:
        seen.update(record.row_id for record in read_subject(path).records)
        return True
    except ResponseTuningError as error:
        notes.append(str(error))
        return False


def numbers(comparison: Comparison) -> dict[str, Any]:
    """Counts of a comparison, JSON-ready."""
    sides = {}
    for name, subject in (("a", comparison.a), ("b", comparison.b)):
        digest = subject.artifact.digest if subject.artifact else None
        sides[name] = {"name": subject.name, "kind": subject.kind, "digest": digest, "rows": len(subject.records)}
        sides[name] |= facts(subject.records)
    return sides | {
        "in_both": sum(comparison.matched.values()),
        "matched_by": dict(comparison.matched),
        "counts": {kind: len(comparison.of(kind)) for kind in ("left", "entered", "changed")},
        "by_source": by_source(comparison),
        "by_reason": [
            {"kind": kind, "reason": reason, "rows": rows} for (kind, reason), rows in by_reason(comparison).items()
        ],
        "notes": comparison.notes,
    }


def making(comparison: Comparison) -> list[dict[str, Any]]:
    """Where settings, inputs and code of two sets of one kind differ, JSON-ready; empty where no stage made them."""
    one, other = comparison.a.artifact, comparison.b.artifact
    if one is None or other is None or one.identity.kind != other.identity.kind:
        return []
    found = differences(one.identity, other.identity)
    return [asdict(difference) for difference in found if difference.part in ("code", "settings", "data")]


def by_source(comparison: Comparison) -> dict[str, dict[str, int]]:
    """For each source: rows in A and B, and of these left, entered and changed."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, subject in (("a", comparison.a), ("b", comparison.b)):
        for record in subject.records:
            counts[record.source][name] += 1
    for change in comparison.changes:
        counts[change.record.source][change.kind] += 1
    columns = ("a", "b", "left", "entered", "changed")
    return {source: {column: counts[source][column] for column in columns} for source in sorted(counts)}


def by_reason(comparison: Comparison) -> dict[tuple[str, str], int]:
    """`(kind, reason)` to rows, the kinds in order, the commonest reason of each first."""
    counts = Counter((change.kind, change.reason) for change in comparison.changes)
    kinds = ("left", "entered", "changed")
    return dict(sorted(counts.items(), key=lambda item: (kinds.index(item[0][0]), -item[1], item[0][1])))


def rows_of(comparison: Comparison) -> list[dict[str, Any]]:
    """The differences without their texts: ids, source, row, kind, reason, by, score."""
    return [
        {"row_id": change.record.row_id, "source": change.record.source, "row": change.record.row}
        | {name: getattr(change, name) for name in ("kind", "reason", "by", "score")}
        for change in comparison.changes
    ]
