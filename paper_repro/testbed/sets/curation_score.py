"""How much of what was planted a curation has found, defect by defect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.manifest import read_manifest
from data_curation.decisions import DECISIONS
from data_curation.records import SCHEMA
from paper_repro.columns import read_rows
from paper_repro.testbed.sets.defects import DEFECTS, LABELS, Defect

# the reasons for which a row with a defect should leave; nothing looks for wrong answers
REASONS: dict[Defect, frozenset[str]] = {
    "exact-duplicate": frozenset({"exact_duplicate"}),
    "near-duplicate": frozenset({"near_duplicate", "semantic_duplicate"}),
    "template-leak": frozenset({"special_mark", "end_mark", "role_heading"}),
    "wrong-answer": frozenset(),
    "truncated": frozenset({"mid_code", "dangling_mark", "dangling_word", "half_year", "unfinished"}),
    "blank": frozenset({"blank", "few_words", "few_characters"}),
}


@dataclass(frozen=True, slots=True)
class DefectScore:
    """What became of one defect's rows.

    Attributes:
        defect: Its name.
        planted: Rows with it.
        dropped: Of them, those that left for a reason that fits; of two copies either one may leave.
        repaired: Of them, those that stayed with the defect taken out.
        otherwise: Of them, those that left for another reason: luck, not counted as found.
        dropped_clean: Rows that left for a reason that fits and have no such defect. Natural duplicates are among them.
    """

    defect: Defect
    planted: int
    dropped: int
    repaired: int
    otherwise: int
    dropped_clean: int

    @property
    def recall(self) -> float | None:
        """Found (dropped or repaired) over planted; None where nothing was planted."""
        return (self.dropped + self.repaired) / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        """Rows dropped for a fitting reason that were planted, over all so dropped; None where none was."""
        dropped = self.dropped + self.dropped_clean
        return self.dropped / dropped if dropped else None


def score_curation(curated: Path, labels: Path) -> list[DefectScore]:
    """Score a `curated` artifact against the `labels.parquet` of the dirty set it was made from, defect by defect.

    Raises:
        InputError: the labels speak of rows that the curation never saw, or a file lacks its columns.
    """
    artifact = read_manifest(curated, kind="curated")
    decisions = {row["row_id"]: row for row in read_rows(artifact.file("decisions.parquet"), DECISIONS)}
    kept = {row["row_id"]: row["response"] for row in read_rows(artifact.file("data.parquet"), SCHEMA)}
    planted = read_rows(labels, LABELS)
    unknown = [row for row in planted if row["row_id"] not in decisions]
    if unknown:
        raise InputError(f"{len(unknown)} labelled rows are not in the curated set", where=str(labels))
    return [_score(defect, planted, decisions, kept) for defect in DEFECTS]


def _score(
    defect: Defect, planted: Sequence[Mapping[str, Any]], decisions: Mapping[str, Any], kept: Mapping[str, str]
) -> DefectScore:
    mine = [row for row in planted if row["defect"] == defect]
    fates = Counter(_fate(row, decisions, kept, REASONS[defect]) for row in mine)
    own = {row["row_id"] for row in mine} | {row["of"] for row in mine}
    fitting = [row for row in decisions.values() if row["reason"] in REASONS[defect]]
    clean = sum(row["row_id"] not in own for row in fitting)
    return DefectScore(defect, len(mine), fates["dropped"], fates["repaired"], fates["otherwise"], clean)


def _fate(
    row: Mapping[str, Any], decisions: Mapping[str, Any], kept: Mapping[str, str], reasons: frozenset[str]
) -> str:
    """`dropped` (for a fitting reason), `repaired`, `otherwise` (dropped for another reason) or `kept`."""
    decision = decisions[row["row_id"]]
    original = decisions.get(row["of"]) if row["of"] is not None else None
    if decision["reason"] in reasons or (original is not None and original["reason"] in reasons):
        return "dropped"
    if not decision["kept"]:
        return "otherwise"
    # a copy is no better for being changed; any other defect is gone where the text is what it would be without it
    return "repaired" if row["of"] is None and kept[row["row_id"]] == row["clean"] else "kept"
