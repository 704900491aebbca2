"""One verdict schema for every judge."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from artifacts.digests import canonical_json, digest_text
from artifacts.errors import InputError, StageError
from paper_repro.columns import optional, read_rows

VERDICTS = "verdicts.parquet"
STATUSES = ("ok", "unclassified", "failed")
SCHEMA = pa.schema(
    [
        pa.field("prompt_id", pa.string(), nullable=False),
        pa.field("benchmark", pa.string(), nullable=False),
        pa.field("subset", pa.string()),
        pa.field("judge", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),  # ok, unclassified (no readable verdict), failed (not judged)
        pa.field("label", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("raw", pa.string(), nullable=False),  # what the judge said, as text
        pa.field("prompt_digest", pa.string(), nullable=False),
        pa.field("response_digest", pa.string(), nullable=False),
        pa.field("num_tokens", pa.int64()),  # of the generation, where known
        pa.field("finish_reason", pa.string()),
        optional("aspects", pa.string()),  # JSON: the facts behind the verdict, name to number (a fact is 0 or 1)
        optional("rater", pa.string()),  # pseudonym, where people judge: several verdicts of a judge on one reply
        optional("against_digest", pa.string()),  # of the response it was compared with, where two were shown
    ]
)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge says of one reply.

    Attributes:
        status: `ok`, `unclassified` (it said nothing readable) or `failed` (it could not be asked).
        label: Its label, where it gives labels.
        score: Its score, where it gives scores.
        raw: What it said, as text: enough to see why.
        aspects: The facts behind the verdict, where there are several: name to number, a fact being 0 or 1.
    """

    status: Literal["ok", "unclassified", "failed"]
    label: str | None = None
    score: float | None = None
    raw: str = ""
    aspects: dict[str, float] | None = None

    def __post_init__(self) -> None:
        if (self.status == "ok") == (self.label is None and self.score is None):
            raise StageError("a verdict is ok if and only if it has a label or a score", where=self.raw)


def verdict_row(generation: dict[str, Any], judge: str, opinion: Opinion) -> dict[str, Any]:
    """One row of `verdicts.parquet` from a row of generations (with `against`, if compared) and the judge's opinion."""
    return {
        **{name: generation[name] for name in ("prompt_id", "benchmark", "subset", "num_tokens", "finish_reason")},
        "judge": judge,
        **asdict(opinion),
        "aspects": None if opinion.aspects is None else canonical_json(opinion.aspects),
        "prompt_digest": digest_text(generation["prompt"]),
        "response_digest": digest_text(generation["response"]),
        "against_digest": digest_text(generation["against"]) if "against" in generation else None,
    }


def read_verdicts(folder: Path) -> list[dict[str, Any]]:
    """Rows of a verdicts artifact; statuses are checked."""
    path = folder / VERDICTS
    rows = read_rows(path, SCHEMA)
    unknown = sorted({row["status"] for row in rows} - set(STATUSES))
    if unknown:
        raise InputError(f"unknown status: {', '.join(unknown)}", where=str(path), fix=f"known: {', '.join(STATUSES)}")
    return rows
