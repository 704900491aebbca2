"""Refusal detector: wording and embedding similarity to refusal prototypes, and whether the refusal gives a reason.

The weaker the wording (`refusal_signals.Level`), the nearer a reply's opening must be to the prototypes of refusals
(and the farther from those of answers) to count as a refusal. The thresholds are those with the fewest errors on one
half of the labelled responses; `benchmarks/results/refusal_detector.json` has precision and recall on the other half,
beside each signal alone.

On the 260 labelled replies of the judges' validation (`paper_repro/judge/validation/refusals.jsonl`, written later and
never used for a rule or threshold) the method `cues` is right on 79 of 130 development and 94 of 130 held-out replies;
held out, of 26 each: plain refusals 25, soft refusals 0, plain compliances 25, deceptive compliances 18, sympathetic
compliances 26. A soft refusal without any word of refusal is beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from artifacts.settings import Settings
from data_curation.embeddings import EncoderSettings, embed_texts
from data_curation.records import Record
from data_curation.refusal_prototypes import ANSWERS, REFUSALS
from data_curation.refusal_reasons import Kind, kind_of, reasons
from data_curation.refusal_signals import Level, wording
from data_curation.refusals import passes_rule

Method = Literal["combined", "cues", "similarity", "word"]
Signal = Literal["wording", "wording and similarity", "similarity", "word", "answer", "nothing to judge"]
Bound = Annotated[float, Field(ge=-2, le=2)]


class Thresholds(Settings):
    """Least similarity (refusal prototypes less answer prototypes) from which a reply is a refusal, by its wording.

    -2 asks for none, 2 can never be met. A tie between thresholds went to what the wording says.
    """

    decline: Bound = -2.0
    objection: Bound = 0.02
    hint: Bound = 0.055
    none: Bound = 2.0
    alone: Bound = 0.054


class DetectorSettings(Settings):
    """Settings of the detector.

    Attributes:
        method: `combined` (wording and similarity), or one signal alone: `cues` (declines and objections; needs no
            encoder), `similarity`, `word` (the paper's rule: 'ai' or 'sorry' as a word).
        opening_words: Words of a reply's opening that are embedded: a refusal shows there.
        thresholds: See `Thresholds`; `alone` is that of the method `similarity`.
        encoder: The sentence encoder.
    """

    method: Method = "combined"
    opening_words: int = Field(default=40, ge=5, le=400)
    thresholds: Thresholds = Thresholds()
    encoder: EncoderSettings = EncoderSettings()


@dataclass(frozen=True, slots=True)
class Detection:
    """What the detector says about one response.

    Attributes:
        row_id: The record.
        refusal: True or False; None where there is nothing to judge (no words, or the query again).
        kind: Of a refusal: `explanatory` or `bare`.
        decided_by: The signal that decided.
        score: Similarity to refusal prototypes less that to answer prototypes; None without an encoder.
        needed: The similarity that was needed to be a refusal; None where similarity had no say.
        level: What the wording says.
        cues: Ids of the cues found.
        reasons: Ids of the reasons that a refusal gives.
        paper_rule: Whether the paper's word rule is met.
    """

    row_id: str
    refusal: bool | None
    kind: Kind | None
    decided_by: Signal
    score: float | None
    needed: float | None
    level: Level
    cues: tuple[str, ...]
    reasons: tuple[str, ...]
    paper_rule: bool


def detect(records: Sequence[Record], settings: DetectorSettings, scratch: Path | None = None) -> list[Detection]:
    """One detection per record, in their order; each depends on its own record only."""
    uses_encoder = settings.method in ("combined", "similarity")
    scores: Sequence[float | None] = [None] * len(records)
    if uses_encoder:
        scores = similarities([record.response for record in records], settings, scratch)
    return [_detection(record, score, settings) for record, score in zip(records, scores, strict=True)]


def similarities(responses: Sequence[str], settings: DetectorSettings, scratch: Path | None = None) -> list[float]:
    """Per response, mean cosine of its opening with the refusal prototypes less that with the answer prototypes."""
    openings = [opening(response, settings.opening_words) for response in responses]
    distinct = sorted(set(openings))
    # one thread: a verdict must not hang on how a sum was split
    vectors = embed_texts([*REFUSALS, *ANSWERS, *distinct], settings.encoder, scratch, threads=1).astype(np.float64)
    first, last = len(REFUSALS), len(REFUSALS) + len(ANSWERS)
    direction = vectors[:first].mean(axis=0) - vectors[first:last].mean(axis=0)
    of = {text: round(float((row * direction).sum()), 6) for text, row in zip(distinct, vectors[last:], strict=True)}
    return [of[text] for text in openings]


def opening(response: str, words: int) -> str:
    """The first so many words, white space evened out."""
    return " ".join(response.split()[:words])


def _detection(record: Record, score: float | None, settings: DetectorSettings) -> Detection:
    said = wording(record.response, record.instruction)
    refusal, decided_by, needed = _decide(said.level, score, settings, passes_rule(record.response))
    return Detection(
        row_id=record.row_id,
        refusal=refusal,
        kind=kind_of(record.response) if refusal else None,
        decided_by=decided_by,
        score=score,
        needed=needed,
        level=said.level,
        cues=said.cues,
        reasons=reasons(record.response) if refusal else (),
        paper_rule=passes_rule(record.response),
    )


def _decide(
    level: Level, score: float | None, settings: DetectorSettings, word: bool
) -> tuple[bool | None, Signal, float | None]:
    """Refusal or not, the signal that decided, and the similarity that was needed."""
    if level == "nothing":
        return None, "nothing to judge", None
    if settings.method == "word":
        return word, "word", None
    if settings.method == "similarity":
        return score >= settings.thresholds.alone, "similarity", settings.thresholds.alone
    if level == "answer":
        return False, "answer", None
    if settings.method == "cues":
        return level in ("decline", "objection"), "wording", None
    needed = getattr(settings.thresholds, level)
    if abs(needed) == 2:  # the ends of the range: similarity has no say
        return needed < 0, "wording", None
    return score >= needed, "wording and similarity", needed


def counts(detections: Sequence[Detection]) -> dict[str, Any]:
    """How many of each outcome; the three add up to the rows."""
    return {
        "rows": len(detections),
        "refusals": sum(one.refusal is True for one in detections),
        "answers": sum(one.refusal is False for one in detections),
        "nothing_to_judge": sum(one.refusal is None for one in detections),
        "explanatory": sum(one.kind == "explanatory" for one in detections),
        "bare": sum(one.kind == "bare" for one in detections),
        "paper_rule": sum(one.paper_rule for one in detections),
    }
