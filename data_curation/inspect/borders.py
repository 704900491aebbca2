"""Records near a threshold: what a step only just dropped, and what it would have dropped next.

The second is found by running the step again, on the rows of the finished set, with the threshold moved: those that
leave then, with a score between the two thresholds, are the next ones. This needs to know nothing of a step but that
its thresholds are called `threshold`, `max_...` or `min_...`, so a filter that comes tomorrow is shown as well.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from artifacts.errors import ResponseTuningError
from data_curation.inspect.measures import sample
from data_curation.inspect.subject import Decision, Subject
from data_curation.recipe import StepSettings, build
from data_curation.records import Record
from data_curation.step import Drop

SHOWN = 10
FILTER_ROWS = 5_000  # rows that a step which looks at one text at a time is run on again
LOWER, HIGHER = (0.85, 0.6), (1.5, 3.0)  # how far a threshold is moved: first try, second try
log = logging.getLogger("rt")


@dataclass(frozen=True)
class Near:
    """A record near a threshold: its score, the row that it was compared with, if any, and both texts."""

    row_id: str
    score: float
    by: str | None
    text: str | None
    other: str | None


@dataclass(frozen=True)
class Border:
    """One threshold of one step.

    Attributes:
        step: Name of the step.
        setting: Name of the threshold; None if the score of the reason belongs to none that could be found.
        value: Its value.
        reason: Reason of the drops.
        dropped: Records just beyond it, nearest first.
        kept: Records just within it, nearest first.
        looked_at: Rows among which `kept` was sought; None if it was not (see `problem`).
        problem: Why `kept` was not sought.
    """

    step: str
    setting: str | None
    value: float | None
    reason: str
    dropped: tuple[Near, ...]
    kept: tuple[Near, ...]
    looked_at: int | None
    problem: str | None = None


def borders(subject: Subject, scratch: Path, with_encoder: bool = False) -> list[Border]:
    """Every threshold of every scored step of a curated set, in the recipe's order.

    Args:
        subject: The set.
        scratch: Folder that a step may keep costly parts in.
        with_encoder: Whether steps that embed texts are run again too, which costs as much as the first time.
    """
    found = []
    shares = _shares(subject)
    for position, settings in enumerate(subject.recipe):
        scored = shares[position]
        problem = "it embeds every text; ask for embeddings to have it run again"
        if not isinstance(settings.get("encoder"), Mapping) or with_encoder:
            log.info("inspect: near the thresholds of %s", settings["step"])
            folder = scratch / f"{position:02d}-{settings['step']}"
            folder.mkdir(parents=True, exist_ok=True)
            looked_at, nexts, problem = _next_to_leave(settings, subject, scored, folder)
        else:
            looked_at, nexts = None, {}
        found += _of_step(settings, scored, nexts, looked_at, problem, subject)
    return found


def _shares(subject: Subject) -> list[list[Decision]]:
    """The scored drops of each step of the recipe.

    A decision names its step, not the step's place. Where a step stands twice, a drop belongs to the first that would
    have made it, by its score.
    """
    shares: list[list[Decision]] = [[] for _ in subject.recipe]
    for drop in subject.dropped:
        places = [place for place, settings in enumerate(subject.recipe) if settings["step"] == drop.step]
        if drop.score is not None and places:
            makes = (place for place in places[:-1] if _setting_of(subject.recipe[place], [drop.score]))
            shares[next(makes, places[-1])].append(drop)
    return shares


def _of_step(settings, scored: Sequence[Decision], nexts, looked_at, problem, subject: Subject) -> Iterator[Border]:
    """One border for each pair of threshold and reason, and one for each reason that belongs to no threshold."""
    reasons: dict[str, list[Decision]] = {}
    for drop in scored:
        reasons.setdefault(drop.reason, []).append(drop)
    shown = set()
    texts = {record.row_id: record.response for record in subject.records}
    for (setting, reason), drops in nexts.items():
        shown.add(reason)
        yield _border(settings, setting, reason, reasons.get(reason, []), drops, looked_at, None, subject, texts)
    for reason, drops in reasons.items():
        if reason not in shown and len({drop.score for drop in drops} | {1.0}) > 1:
            setting = _setting_of(settings, [drop.score for drop in drops])
            yield _border(settings, setting, reason, drops, [], looked_at, problem, subject, texts)


def _border(settings, setting, reason, dropped, kept, looked_at, problem, subject: Subject, texts) -> Border:
    value = None if setting is None else settings[setting]

    def distance(drop) -> tuple:
        return abs(drop.score - value) if value is not None else drop.score, drop.row_id

    def near(drop: Decision | Drop) -> Near:
        text = drop.compared if isinstance(drop, Decision) else texts[drop.row_id]
        other = texts.get(drop.by) or subject.text_of(drop.by) if drop.by else None
        return Near(drop.row_id, drop.score, drop.by, text, other)

    first, second = (tuple(near(d) for d in sorted(drops, key=distance)[:SHOWN]) for drops in (dropped, kept))
    return Border(settings["step"], setting, value, reason, first, second, looked_at, problem)


def thresholds(settings: Mapping[str, Any]) -> dict[str, float]:
    """Settings of a step that are thresholds, by their name."""
    return {
        name: value
        for name, value in settings.items()
        if (name.endswith("threshold") or name.startswith(("max_", "min_")))
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    }


def _setting_of(settings: Mapping[str, Any], scores: Sequence[float]) -> str | None:
    """The threshold that these scores lie on one side of and come nearest to, relative to its size."""
    candidates = []
    for name, value in thresholds(settings).items():
        beyond = all(s < value for s in scores) if name.startswith("min_") else all(s >= value for s in scores)
        if beyond and value:
            candidates.append((min(abs(s - value) for s in scores) / abs(value), name))
    return min(candidates)[1] if candidates else None


def _next_to_leave(settings: Mapping[str, Any], subject: Subject, scored, folder: Path):
    """Rows looked at; `(setting, reason)` to the drops that a moved threshold adds; and why there is nothing."""
    pairwise = "survivor" in settings or any(drop.by for drop in scored)
    records = subject.records if pairwise else sample(subject.records, FILTER_ROWS)
    found: dict[tuple[str, str], list[Drop]] = {}
    problem = None
    for name in thresholds(settings):
        drops: list[Drop] = []
        for factor in HIGHER if name.startswith("min_") else LOWER:
            try:
                drops = _between(settings, name, factor, records, folder)
            except ValidationError:
                break  # the step knows no such threshold: what was found before is all there is
            except (ResponseTuningError, OSError) as error:
                problem = str(error)
                break
            if len(drops) >= SHOWN:
                break
        for drop in drops:
            found.setdefault((name, drop.reason), []).append(drop)
    return (None, {}, problem) if problem and not found else (len(records), found, None)


def _between(settings: Mapping[str, Any], name: str, factor: float, records: Sequence[Record], folder: Path):
    """Drops of the step with one threshold moved whose score lies between the new value and the old one."""
    old = settings[name]
    new = old * factor
    if isinstance(old, int):
        new = math.floor(new) if factor < 1 else math.ceil(new)
    moved = TypeAdapter(StepSettings).validate_python(dict(settings) | {name: new})
    low, high = sorted((old, new))
    drops = build(moved).apply(records, folder).drops
    return [drop for drop in drops if drop.score is not None and low <= drop.score <= high]
