"""A campaign at one moment as one file: what an export is made from. Everything in it is checked against itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from artifacts.errors import StageError
from artifacts.files import write_json
from paper_repro.annotate.assign import assign, rater_names
from paper_repro.annotate.campaign import Campaign
from paper_repro.annotate.settings import AnnotateSettings

SNAPSHOT = "snapshot.json"
ANSWER = ("first", "second", "preferred", "comment")
Row = dict[str, Any]


def write_snapshot(campaign: Campaign) -> Path:
    """Write the campaign's state beside its database; equal states give equal bytes.

    Raises:
        StageError: a campaign that contradicts itself (changed by hand, or a fault of ours).
    """
    with campaign.reading() as connection:
        items = [
            {"a": json.loads(row["a"]), "b": json.loads(row["b"]), "flagged": bool(row["flagged"])}
            for row in connection.execute("SELECT * FROM items ORDER BY id")
        ]
        turns = [dict(row) for row in connection.execute("SELECT * FROM turns ORDER BY rater, position")]
        events = [dict(row) for row in connection.execute("SELECT * FROM events ORDER BY id")]
    faults = _faults(campaign.plan, items, turns, events)
    if faults:
        shown = "\n  - ".join(faults[:10])
        raise StageError(f"{len(faults)} contradictions in the campaign:\n  - {shown}", where=str(campaign.folder))
    path = campaign.folder / SNAPSHOT
    write_json(path, {"plan": campaign.plan, "items": items, "turns": turns, "events": events})
    return path


def _faults(plan: Row, items: list[Row], turns: list[Row], events: list[Row]) -> list[str]:
    """Turns that were never assigned or are missing, and turns whose state is not that of their last event."""
    settings = AnnotateSettings(**plan["settings"])
    assigned = assign([item["a"]["prompt_id"] for item in items], settings)
    planned = {(turn.rater, turn.item + 1, turn.position, turn.swapped) for turn in assigned}
    found = {(turn["rater"], turn["item"], turn["position"], bool(turn["swapped"])) for turn in turns}
    names = rater_names(settings.raters)
    faults = [f"{names[key[0] - 1]}, turn {key[2]}: assigned, not there" for key in sorted(planned - found)]
    faults += [f"rater {key[0]}, turn {key[2]}: there, not assigned" for key in sorted(found - planned)]
    last: dict[int, Row] = {}
    count: dict[int, int] = {}
    for event in events:
        last[event["turn"]] = event
        count[event["turn"]] = count.get(event["turn"], 0) + 1
    for turn in turns:
        event = last.get(turn["id"])
        action = "undone" if event is None else event["action"]
        where = f"rater {turn['rater']}, turn {turn['position']}"
        if turn["state"] != ("open" if action == "undone" else action):
            faults.append(f"{where}: is {turn['state']}, but what happened last is {action}")
        elif turn["revision"] != count.get(turn["id"], 0):
            faults.append(f"{where}: revision {turn['revision']} after {count.get(turn['id'], 0)} acts")
        elif turn["state"] != "open" and json.loads(event["answer"]) != {name: turn[name] for name in ANSWER}:
            faults.append(f"{where}: its answer is not the one that was given last")
    return faults
