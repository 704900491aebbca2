"""Which refusals of a pool enter a training set: who may be taken at all, and in which order.

Candidates pass the rule, are of the wanted kind, and are no near duplicates of each other; a strategy then puts them
into an order of which the first k are taken. No step looks at k, so the selection of 100 lies in that of 200.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from artifacts.errors import UserError
from artifacts.settings import Settings
from data_curation.embeddings import EncoderSettings, embed_texts
from data_curation.near_dedup import NearDedup, NearDedupSettings
from data_curation.records import Record
from data_curation.refusal_detector import DetectorSettings, detect
from data_curation.refusal_orders import facility_location, nearest_with_quotas
from data_curation.refusal_reasons import kind_of
from data_curation.refusals import Rule, Strategy, farthest_points, passes_rule, select, shuffled


class Topic(Settings):
    """What refusals of a targeted selection are about.

    Attributes:
        name: Its name in the results.
        texts: Policies, subjects or typical requests; a refusal is as near as to the nearest of them.
        quota: How many of every so many (the sum of all quotas) go to this topic.
    """

    name: str = Field(min_length=1)
    texts: tuple[str, ...] = Field(min_length=1)
    quota: int = Field(default=1, ge=1)

    @field_validator("texts")
    @classmethod
    def _not_blank(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        if not all(text.strip() for text in texts):
            raise ValueError("a text of the topic is blank")
        return texts


class SelectionSettings(Settings):
    """Settings of a selection beyond its strategy, rule and seed.

    Attributes:
        kind: Take only refusals that give a reason (`explanatory`), or only those that give none (`bare`).
        near_duplicates: Whether near duplicates are removed first. None: with `paper` and with farthest points they
            stay, as the paper and our earlier sets had it; with every other strategy they are removed.
        near_dedup: How near duplicates are found.
        objective: Of `diverse`: `k-centre` (farthest points) or `facility` (facility location).
        topics: Of `targeted`.
        detector: Of the rule `detector`.
    """

    kind: Literal["any", "explanatory", "bare"] = "any"
    near_duplicates: Literal["remove", "keep"] | None = None
    near_dedup: NearDedupSettings = NearDedupSettings()
    objective: Literal["k-centre", "facility"] = "k-centre"
    topics: tuple[Topic, ...] = ()
    detector: DetectorSettings = DetectorSettings()

    @field_validator("topics")
    @classmethod
    def _named_once(cls, topics: tuple[Topic, ...]) -> tuple[Topic, ...]:
        names = [topic.name for topic in topics]
        if len(set(names)) != len(names):
            raise ValueError("two topics bear one name")
        return topics

    def removes_near_duplicates(self, strategy: Strategy) -> bool:
        """Whether near duplicates are removed first under this strategy."""
        if self.near_duplicates is not None:
            return self.near_duplicates == "remove"
        return strategy in ("random", "targeted") or (strategy == "diverse" and self.objective == "facility")


@dataclass
class Selection:
    """What was chosen.

    Attributes:
        records: The chosen refusals, in order.
        details: Per chosen refusal what the strategy says of it (topic and cosine of `targeted`), else empty.
        counts: How many of the pool passed, were of the kind, and stayed after near deduplication.
    """

    records: list[Record]
    details: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """One row per chosen refusal for a file: its place, row, kind, and what the strategy says of it."""
        details = self.details or [{} for _ in self.records]
        return [
            {"place": place, "row_id": record.row_id, "row": record.row, "kind": kind_of(record.response)} | detail
            for place, (record, detail) in enumerate(zip(self.records, details, strict=True))
        ]


def choose(
    pool: Sequence[Record],
    count: int,
    *,
    strategy: Strategy,
    rule: Rule,
    seed: int,
    settings: SelectionSettings,
    encoder: EncoderSettings,
    scratch: Path,
) -> Selection:
    """Take `count` refusals of the pool.

    Raises:
        UserError: fewer candidates than asked for (with the number after each filter), or no topics to aim at.
    """
    if strategy == "targeted" and not settings.topics:
        raise UserError(
            "the strategy 'targeted' needs topics", where="selection.topics", fix="give each a name and texts"
        )
    if is_plain(strategy, rule, settings):
        chosen = select(pool, count, strategy=strategy, rule=rule, seed=seed, encoder=encoder, scratch=scratch)
        return Selection(chosen)
    candidates, counts = _candidates(pool, rule, strategy, settings, scratch)
    if count > len(candidates):
        raise UserError(
            f"{count} refusals are asked for, but {len(candidates)} of the pool's {len(pool)} rows are left ("
            + ", ".join(f"{name}: {number}" for name, number in counts.items())
            + ")",
            where="num_refusals",
            fix=f"ask for at most {len(candidates)}, or loosen rule, kind or near_duplicates",
        )
    return _ordered(candidates, count, strategy, seed, settings, encoder, scratch, counts)


def is_plain(strategy: Strategy, rule: Rule, settings: SelectionSettings) -> bool:
    """Whether this is a selection as `refusals.select` makes it."""
    filters = settings.kind != "any" or settings.removes_near_duplicates(strategy) or rule == "detector"
    return not filters and (strategy == "paper" or (strategy == "diverse" and settings.objective == "k-centre"))


def _candidates(
    pool: Sequence[Record], rule: Rule, strategy: Strategy, settings: SelectionSettings, scratch: Path
) -> tuple[list[Record], dict[str, int]]:
    """Refusals that may be taken, in the order of the pool, and how many were left after each filter."""
    if rule == "detector":
        found = detect(pool, settings.detector, scratch)
        left = [record for record, one in zip(pool, found, strict=True) if one.refusal]
    else:
        left = [record for record in pool if passes_rule(record.response, rule)]
    counts = {"rule": len(left)}
    if settings.kind != "any":
        left = [record for record in left if kind_of(record.response) == settings.kind]
        counts["kind"] = len(left)
    if settings.removes_near_duplicates(strategy):
        gone = {drop.row_id for drop in NearDedup(settings.near_dedup).apply(left, scratch).drops}
        left = [record for record in left if record.row_id not in gone]
        counts["no_near_duplicate"] = len(left)
    return left, counts


def _ordered(candidates, count, strategy, seed, settings, encoder, scratch, counts) -> Selection:
    if strategy == "paper":
        return Selection([candidates[index] for index in shuffled(len(candidates), seed)[:count]], counts=counts)
    # by row_id: the order of the pool must not matter
    candidates = sorted(candidates, key=lambda record: record.row_id)
    if strategy == "random":
        random.Random(seed).shuffle(candidates)  # noqa: S311 (a reproducible sample, no secret)
        return Selection(candidates[:count], counts=counts)
    if not count:
        return Selection([], counts=counts)
    if strategy == "targeted":
        return _targeted(candidates, count, settings.topics, encoder, scratch, counts)
    # one thread: the choice must not hang on how a sum was split over threads
    vectors = embed_texts([record.response for record in candidates], encoder, scratch, threads=1)
    order = facility_location if settings.objective == "facility" else farthest_points
    return Selection([candidates[index] for index in order(vectors, count)], counts=counts)


def _targeted(candidates, count, topics, encoder, scratch, counts) -> Selection:
    """Nearest to the topics by what was asked; by the response where no instruction is known."""
    texts = [record.instruction or record.response for record in candidates]
    about = [text for topic in topics for text in topic.texts]
    vectors = embed_texts([*texts, *about], encoder, scratch, threads=1)
    ends = [len(texts)]
    for topic in topics:
        ends.append(ends[-1] + len(topic.texts))
    targets = [vectors[start:stop] for start, stop in pairwise(ends)]
    order = nearest_with_quotas(vectors[: len(texts)], targets, [topic.quota for topic in topics], count)
    details = [{"topic": topics[topic].name, "similarity": score} for _, topic, score in order]
    return Selection([candidates[row] for row, _, _ in order], details, counts)
