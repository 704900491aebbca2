"""What raters do: rate, skip, undo. Each act applies to the turn as it was shown, or not at all."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from artifacts.digests import canonical_json
from artifacts.errors import UserError
from paper_repro.annotate.campaign import Campaign, Rater
from paper_repro.annotate.guideline import choices, levels

LONGEST_COMMENT = 4000
Outcome = Literal["saved", "stale", "unknown"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A rating, by place on the page.

    Attributes:
        first: Acceptability of the response shown first.
        second: Acceptability of the one shown second.
        preferred: `first`, `second` or `tie`.
        comment: Anything the rater wants to say.
    """

    first: str | None = None
    second: str | None = None
    preferred: str | None = None
    comment: str = ""

    def faults(self) -> list[str]:
        """What is missing or unknown, in words for the rater."""
        found = [
            f"{name} is not rated yet"
            for name, value in (("Response 1", self.first), ("Response 2", self.second))
            if value not in levels()
        ]
        if self.preferred not in choices():
            found.append("the more helpful response is not chosen yet")
        if len(self.comment) > LONGEST_COMMENT:
            found.append(f"the comment has {len(self.comment):,} characters, at most {LONGEST_COMMENT:,} are kept")
        return found


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn as a rater sees it: nothing in it says which system a response is of.

    Attributes:
        position: Place among the rater's turns, from 1.
        revision: Acts on this turn so far; a form carries it back, so that an old form changes nothing.
        state: `open`, `rated` or `skipped`.
        flagged: Whether the prompt is of an unsafe set.
        prompt: The instruction.
        responses: The two responses in the order shown.
        answer: What was chosen so far (after an undo: what was undone).
    """

    position: int
    revision: int
    state: str
    flagged: bool
    prompt: str
    responses: tuple[str, str]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Progress:
    """A rater's turns by state; they sum up to all that was assigned."""

    assigned: int
    rated: int
    skipped: int
    open: int


_TURN = """
SELECT turns.*, items.flagged, items.a, items.b
FROM turns JOIN items ON items.id = turns.item WHERE turns.rater = ?
"""


def next_turn(campaign: Campaign, rater: Rater) -> Shown | None:
    """The rater's first open turn, or None when all is done."""
    with campaign.reading() as connection:
        query = _TURN + "AND turns.state = 'open' ORDER BY turns.position LIMIT 1"
        return _shown(connection.execute(query, (rater.id,)).fetchone())


def last_done(campaign: Campaign, rater: Rater) -> Shown | None:
    """The turn the rater rated or skipped last: what undo would open again."""
    with campaign.reading() as connection:
        query = _TURN + "AND turns.event IS NOT NULL ORDER BY turns.event DESC LIMIT 1"
        return _shown(connection.execute(query, (rater.id,)).fetchone())


def turn_at(campaign: Campaign, rater: Rater, position: int) -> Shown | None:
    """One of the rater's turns by its place."""
    with campaign.reading() as connection:
        return _shown(connection.execute(_TURN + "AND turns.position = ?", (rater.id, position)).fetchone())


def progress(campaign: Campaign, rater: Rater) -> Progress:
    """How far a rater is."""
    with campaign.reading() as connection:
        rows = connection.execute("SELECT state, count(*) FROM turns WHERE rater = ? GROUP BY state", (rater.id,))
        found = dict(tuple(row) for row in rows)
    counts = {state: found.get(state, 0) for state in ("rated", "skipped", "open")}
    return Progress(assigned=sum(found.values()), **counts)


def all_progress(campaign: Campaign) -> dict[str, Progress]:
    """Every rater's progress, by pseudonym."""
    with campaign.reading() as connection:
        raters = [Rater(*row) for row in connection.execute("SELECT id, name FROM raters ORDER BY id")]
    return {rater.name: progress(campaign, rater) for rater in raters}


def rate(
    campaign: Campaign, rater: Rater, position: int, revision: int, answer: Answer, source: str = "page"
) -> Outcome:
    """Save a rating of an open turn.

    Returns:
        `saved`; `stale` if the turn has changed since it was shown (it is left as it is); `unknown`: no such turn.

    Raises:
        UserError: an answer that is not complete.
    """
    if faults := answer.faults():
        raise UserError("; ".join(faults), where=f"{rater.name}, turn {position}")
    return _act(campaign, rater, position, revision, "rated", answer, source)


def skip(
    campaign: Campaign, rater: Rater, position: int, revision: int, comment: str = "", source: str = "page"
) -> Outcome:
    """Leave an open turn out; it is counted and reported. Outcomes as in `rate`."""
    return _act(campaign, rater, position, revision, "skipped", Answer(comment=comment[:LONGEST_COMMENT]), source)


def undo(campaign: Campaign, rater: Rater, position: int, revision: int) -> Outcome:
    """Open a rated or skipped turn again, its answer kept as a draft. Outcomes as in `rate`."""
    return _act(campaign, rater, position, revision, "open", None, "page")


def _act(
    campaign: Campaign, rater: Rater, position: int, revision: int, state: str, answer: Answer | None, source: str
) -> Outcome:
    with campaign.writing() as connection:
        query = "SELECT id, state, revision FROM turns WHERE rater = ? AND position = ?"
        turn = connection.execute(query, (rater.id, position)).fetchone()
        if turn is None:
            return "unknown"
        # only open turns are rated or skipped, only done ones opened; a form that was sent before is of an old revision
        if turn["revision"] != revision or (turn["state"] == "open") == (state == "open"):
            return "stale"
        event = _log(connection, turn["id"], revision + 1, state, answer, source)
        connection.execute(
            "UPDATE turns SET state = ?, revision = revision + 1, event = ? WHERE id = ?",
            (state, None if state == "open" else event, turn["id"]),
        )
        if answer is not None:
            connection.execute(
                "UPDATE turns SET first = ?, second = ?, preferred = ?, comment = ? WHERE id = ?",
                (answer.first, answer.second, answer.preferred, answer.comment, turn["id"]),
            )
    return "saved"


def _log(
    connection: sqlite3.Connection, turn: int, revision: int, state: str, answer: Answer | None, source: str
) -> int:
    action = "undone" if state == "open" else state
    text = None if answer is None else canonical_json(asdict(answer))
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    query = "INSERT INTO events (turn, revision, action, answer, source, at) VALUES (?, ?, ?, ?, ?, ?)"
    return int(connection.execute(query, (turn, revision, action, text, source, at)).lastrowid or 0)


def _shown(row: Any) -> Shown | None:
    if row is None:
        return None
    a, b = json.loads(row["a"]), json.loads(row["b"])  # not by SQLite, which ends a text at a NUL
    responses = (a["response"], b["response"])
    return Shown(
        position=row["position"],
        revision=row["revision"],
        state=row["state"],
        flagged=bool(row["flagged"]),
        prompt=a["prompt"],
        responses=responses[::-1] if row["swapped"] else responses,
        answer=Answer(row["first"], row["second"], row["preferred"], row["comment"] or ""),
    )
