"""Conflicts: base responses that do what the chosen refusals decline.

Trained on both, a model is told to comply with an act and to decline it. Where both rows have an instruction, the two
instructions are compared; else the base response with the act that is declined (the refusal's instruction, or the
refusal itself where there is none). A base response that is a refusal itself is no conflict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from artifacts.errors import StageError
from artifacts.settings import Settings
from data_curation.embeddings import EncoderSettings, embed_texts
from data_curation.records import Record
from data_curation.refusal_detector import DetectorSettings, detect

BLOCK = 1_024  # base rows compared together; bounds memory, decides nothing
Handling = Literal["ignore", "report", "drop"]


class ConflictSettings(Settings):
    """When a base row and a refusal are in conflict.

    Attributes:
        instruction_threshold: Least cosine of two instructions. Of 1,000 Alpaca rows against 500 refusals of the
            safety-tuned set one pair reached 0.7 (0.91), a conflict; the 13 between 0.6 and 0.7 shared a subject only.
        content_threshold: Least cosine of a base response with the declined act, where instructions are lacking. It
            finds a shared subject, not compliance: of 2,986 Alpaca responses the nearest 22 (0.54 and more) were read,
            and one was a conflict, at 0.55; none of the 6 from 0.6 on (benchmarks/results/conflicts.json). So report
            by it, and read conflicts.jsonl before dropping.
        detector: Tells base responses that are refusals themselves; its encoder is that of the mix.
    """

    instruction_threshold: float = Field(default=0.7, gt=0, le=1)
    content_threshold: float = Field(default=0.6, gt=0, le=1)
    detector: DetectorSettings = DetectorSettings()


@dataclass(frozen=True, slots=True)
class Conflict:
    """A base row and the refusal that it conflicts with most.

    Attributes:
        row_id: The base row.
        row: Its position in its source.
        refusal_row_id: The refusal nearest to it (ties: the earlier chosen one).
        side: What was compared: `instruction`, or `content` (the response with the declined act).
        score: Their cosine.
        refusals: How many of the chosen refusals are at or above the threshold.
        dropped: Whether the base row left.
    """

    row_id: str
    row: int
    refusal_row_id: str
    side: Literal["instruction", "content"]
    score: float
    refusals: int
    dropped: bool


@dataclass(frozen=True)
class Outcome:
    """Base rows that stay, the conflicts found, and how many base rows were refusals themselves."""

    kept: list[Record]
    conflicts: list[Conflict]
    base_refusals: int

    def summary(self, handling: Handling, base_rows: int) -> dict[str, Any]:
        """Facts for a manifest; base rows = kept + dropped, checked."""
        dropped = sum(conflict.dropped for conflict in self.conflicts)
        if base_rows != len(self.kept) + dropped:
            raise StageError(f"base rows ({base_rows}) are not kept ({len(self.kept)}) plus dropped ({dropped})")
        return {
            "handling": handling,
            "base_rows": base_rows,
            "base_refusals": self.base_refusals,
            "found": len(self.conflicts),
            "dropped": dropped,
            "kept": len(self.kept),
        }


def resolve(
    base: Sequence[Record],
    refusals: Sequence[Record],
    handling: Handling,
    settings: ConflictSettings,
    encoder: EncoderSettings,
    scratch: Path,
) -> Outcome:
    """Find the conflicts of a base sample with the chosen refusals; with `drop`, those base rows leave."""
    found = detect(base, settings.detector.model_copy(update={"encoder": encoder}), scratch)
    answers = [record for record, one in zip(base, found, strict=True) if one.refusal is not True]
    conflicts = []
    if answers and refusals:
        for side, rows in _sides(answers, refusals):
            threshold = settings.instruction_threshold if side == "instruction" else settings.content_threshold
            conflicts += _similar(rows, refusals, side, threshold, handling == "drop", encoder, scratch)
    place = {record.row_id: index for index, record in enumerate(base)}
    conflicts.sort(key=lambda conflict: place[conflict.row_id])
    gone = {conflict.row_id for conflict in conflicts if conflict.dropped}
    kept = [record for record in base if record.row_id not in gone]
    return Outcome(kept, conflicts, len(base) - len(answers))


def _sides(answers: Sequence[Record], refusals: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    """Base rows by what is compared. All refusals need an instruction for instructions to be comparable."""
    comparable = all(record.instruction for record in refusals)
    by_instruction = [record for record in answers if comparable and record.instruction]
    by_content = [record for record in answers if not (comparable and record.instruction)]
    return [(side, rows) for side, rows in (("instruction", by_instruction), ("content", by_content)) if rows]


def _similar(rows, refusals, side, threshold, drops, encoder, scratch) -> list[Conflict]:
    texts = [record.instruction if side == "instruction" else record.response for record in rows]
    acts = [record.instruction or record.response for record in refusals]
    # one thread: which rows leave must not hang on how a sum was split over threads
    vectors = embed_texts([*texts, *acts], encoder, scratch, threads=1).astype(np.float64)
    of_base, of_acts = vectors[: len(texts)], vectors[len(texts) :]
    conflicts = []
    for first in range(0, len(rows), BLOCK):
        table = np.round(np.einsum("bd,rd->br", of_base[first : first + BLOCK], of_acts), 6)
        for record, cosines in zip(rows[first : first + BLOCK], table, strict=True):
            best = int(np.argmax(cosines))
            if cosines[best] >= threshold:
                ids = record.row_id, record.row, refusals[best].row_id
                count = int((cosines >= threshold).sum())
                conflicts.append(Conflict(*ids, side, float(cosines[best]), count, drops))
    return conflicts
