"""The numbers of an inspection: funnel, reasons, borders, lengths, clusters and the points of the map."""

from __future__ import annotations

import importlib.util
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from artifacts.pins import availability, pin_names
from artifacts.settings import Settings, validate_settings
from artifacts.store import rt_home
from data_curation.embeddings import EncoderSettings, held
from data_curation.inspect.borders import Border, Near, borders
from data_curation.inspect.measures import facts, lengths, sample, word_counts
from data_curation.inspect.subject import Decision, Subject, read_subject
from data_curation.inspect.topics import MapMethod, Topics, topics
from data_curation.records import Record

log = logging.getLogger("rt")
DROPPED_SHARE = 3  # at most one point in so many is a dropped row, if there are more than fit


class InspectSettings(Settings):
    """What an inspection looks at.

    Attributes:
        points: Most rows that are clustered, drawn and searched; more are sampled by row id.
        clusters: Number of clusters; None = by the number of points.
        map: How the map is made: `pca` or `tsne`.
        vectors: What clusters compare: `words`, `embeddings`, or `auto`: embeddings if the set's recipe used an
            encoder and the cache holds the vectors of all points, in 32 or in 16 bits; else words (which take a
            second where embedding takes minutes). With `embeddings` what is missing is embedded, and the steps that
            need the encoder are run again near their thresholds, too.
        encoder: The encoder, unless the set's own recipe names one.
        borders: Whether steps are run again to find what they would have dropped next.
        seed: Of clusters and map.
    """

    points: int = Field(default=3000, ge=3, le=50_000)
    clusters: int | None = Field(default=None, ge=2, le=50)
    map: MapMethod = "pca"
    vectors: Literal["auto", "words", "embeddings"] = "auto"
    encoder: EncoderSettings = EncoderSettings()
    borders: bool = True
    seed: int = Field(default=0, ge=0)


@dataclass(frozen=True, slots=True)
class Point:
    """A row on the map: a record of the set, or one that was dropped (`reason` says why)."""

    row_id: str
    source: str
    row: int
    instruction: str | None
    text: str
    step: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Inspection:
    """A set, looked at.

    Attributes:
        subject: The set.
        settings: What was asked for.
        borders: Records near thresholds.
        points: Rows on the map, in the order of `topics`.
        topics: Clusters and map; None if there was nothing to compare.
    """

    subject: Subject
    settings: InspectSettings
    borders: list[Border]
    points: list[Point]
    topics: Topics | None


def inspect_set(path: Path, settings: InspectSettings | None = None, given: Path | None = None) -> Inspection:
    """Look at a curated set, a corpus, a training set or a plain file.

    Args:
        path: Its folder, or the file.
        settings: What to look at.
        given: The input of a curated set, if it lies elsewhere now; without it the texts of dropped rows are missing.

    Raises:
        InputError: no set, or a given input that is not the recorded one.
    """
    settings = settings or InspectSettings()
    subject = read_subject(path, given)
    scratch = rt_home() / "inspect"
    near = []
    if settings.borders and subject.kind == "curated":
        near = borders(subject, scratch / f"steps-{subject.artifact.digest[:16]}", settings.vectors == "embeddings")
    points = draw_points(subject, settings.points)
    found = topics(
        [point.text for point in points],
        encoder=_encoder(subject, settings, [point.text for point in points]),
        scratch=_made(scratch / "embeddings"),
        clusters=settings.clusters,
        method=settings.map,
        seed=settings.seed,
    )
    return Inspection(subject, settings, near, points, found)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _encoder(subject: Subject, settings: InspectSettings, texts: Sequence[str]) -> EncoderSettings | None:
    """The encoder to compare by, None to compare by words."""
    if settings.vectors == "words":
        return None
    own = next((step["encoder"] for step in subject.recipe if isinstance(step.get("encoder"), dict)), None)
    encoder = settings.encoder if own is None else validate_settings(EncoderSettings, own, where="the set's recipe")
    if settings.vectors == "embeddings":
        return encoder
    if own is None or not _at_hand(encoder):
        return None
    # a step that looks for candidates in 16 bits first leaves most of its vectors in these
    for dtype in dict.fromkeys((encoder.dtype, "bfloat16")):
        one = encoder.model_copy(update={"dtype": dtype})
        there = held(texts, one)
        if there.all():
            return one
        log.info("inspect: the cache holds %d of %d vectors (%s)", there.sum(), len(there), dtype)
    return None


def _at_hand(encoder: EncoderSettings) -> bool:
    if importlib.util.find_spec("sentence_transformers") is None:
        return False
    if encoder.model in pin_names():
        return availability(encoder.model).startswith("here")
    return Path(encoder.model).expanduser().is_dir()


def draw_points(subject: Subject, most: int) -> list[Point]:
    """Rows for the map: of the set and of those dropped, drawn by row id where there are too many."""
    gone = [drop for drop in subject.dropped if drop.text is not None]
    room = min(len(gone), max(most - len(subject.records), most // DROPPED_SHARE))
    chosen = sorted(gone, key=lambda drop: drop.row_id)[:room]
    kept = sample(subject.records, most - room)
    return [_point(record) for record in kept] + [_dropped_point(drop) for drop in chosen]


def _point(record: Record) -> Point:
    return Point(record.row_id, record.source, record.row, record.instruction, record.response)


def _dropped_point(drop: Decision) -> Point:
    return Point(drop.row_id, drop.source or "", drop.row, drop.instruction, drop.text or "", drop.step, drop.reason)


def numbers(inspection: Inspection) -> dict[str, Any]:
    """Everything the page shows but the texts, JSON-ready; the same for the same set, settings and versions."""
    subject = inspection.subject
    gone = [drop.text for drop in subject.dropped if drop.text is not None]
    return {
        "name": subject.name,
        "kind": subject.kind,
        "digest": subject.artifact.digest if subject.artifact else None,
        "rows": len(subject.records),
        "sources": dict(sorted(Counter(record.source for record in subject.records).items())),
        "funnel": funnel(subject),
        "texts_of_dropped_rows": "missing: " + subject.missing if subject.missing else "at hand",
        **facts(subject.records),
        "words_dropped": asdict(lengths(word_counts(gone))),
        "borders": [border_numbers(border) for border in inspection.borders],
        "map": map_numbers(inspection),
        "clusters": cluster_numbers(inspection),
    }


def funnel(subject: Subject) -> list[dict[str, Any]]:
    """Lines of the funnel, reading first: `step`, `rows_in`, `changed`, `dropped`, `kept`, `reasons`."""
    summary = subject.summary
    if "funnel" in summary:
        bad = summary["quarantined"]
        reasons = {"quarantined": bad} if bad else {}
        kept = summary["rows_in"] - bad
        first = {"step": "read", "rows_in": summary["rows_in"], "changed": 0, "dropped": bad, "kept": kept}
        return [first | {"reasons": reasons}, *(dict(step) for step in summary["funnel"])]
    if subject.kind == "trainset":
        taken = {"step": "base", "rows_in": summary["base_rows"], "kept": summary["base_kept"]}
        pool = {"step": "refusals", "rows_in": summary["pool_rows"], "kept": summary["refusals"]}
        lines = [taken, pool] if summary["pool_rows"] else [taken]
        return [_without_conflicts(_line(line, "not drawn"), summary) for line in lines]
    total = len(subject.records) + len(subject.quarantined)
    return [_line({"step": "read", "rows_in": total, "kept": len(subject.records)}, "quarantined")]


def _line(line: dict[str, Any], reason: str) -> dict[str, Any]:
    dropped = line["rows_in"] - line["kept"]
    return line | {"changed": 0, "dropped": dropped, "reasons": {reason: dropped} if dropped else {}}


def _without_conflicts(line: dict[str, Any], summary: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a mix; base rows that left for a conflict with a refusal were drawn, and have a reason of their own."""
    left = summary.get("conflicts", {}).get("dropped", 0)
    if not left or line["step"] != "base":
        return line
    reasons = {"not drawn": line["dropped"] - left, "conflict": left}
    return line | {"reasons": {reason: rows for reason, rows in reasons.items() if rows}}


def border_numbers(border: Border) -> dict[str, Any]:
    """A border without its texts."""

    def near(items: Sequence[Near]) -> list[dict[str, Any]]:
        return [{"row_id": item.row_id, "by": item.by, "score": item.score} for item in items]

    plain = {name: getattr(border, name) for name in ("step", "setting", "value", "reason", "looked_at", "problem")}
    return plain | {"dropped": near(border.dropped), "kept": near(border.kept)}


def map_numbers(inspection: Inspection) -> dict[str, Any] | None:
    """How the map was made, and of how many rows."""
    found = inspection.topics
    if found is None:
        return None
    gone = sum(point.reason is not None for point in inspection.points)
    return {
        "vectors": found.vectors,
        "method": found.method,
        "kept_points": len(inspection.points) - gone,
        "kept_rows": len(inspection.subject.records),
        "dropped_points": gone,
        "dropped_rows": len(inspection.subject.dropped),
    }


def cluster_numbers(inspection: Inspection) -> list[dict[str, Any]]:
    """Size, share of dropped rows and words of each cluster, the largest first."""
    found = inspection.topics
    if found is None:
        return []
    rows = []
    for cluster, terms in enumerate(found.terms):
        members = [point for point, label in zip(inspection.points, found.labels, strict=True) if label == cluster]
        gone = sum(point.reason is not None for point in members)
        rows.append({"points": len(members), "dropped": gone, "terms": list(terms)})
    return rows
