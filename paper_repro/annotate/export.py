"""A campaign as artifacts: `annotations` (everything that happened) and, for each system, `verdicts`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from artifacts.digests import canonical_json, digest_text
from artifacts.errors import StageError
from artifacts.files import read_json, write_json, write_jsonl
from artifacts.manifest import Artifact, read_manifest
from artifacts.settings import Settings
from artifacts.stage import Stage, Workspace
from paper_repro.annotate.agreement import agreement
from paper_repro.annotate.assign import rater_names
from paper_repro.annotate.campaign import Campaign
from paper_repro.annotate.guideline import levels
from paper_repro.annotate.schema import (
    AGREEMENT,
    ASSIGNMENT_COLUMNS,
    ASSIGNMENTS,
    EVENTS,
    ITEM_COLUMNS,
    ITEMS,
    STATES,
)
from paper_repro.annotate.settings import AnnotateSettings
from paper_repro.annotate.snapshot import write_snapshot
from paper_repro.columns import read_rows, write_rows
from paper_repro.judge.schema import SCHEMA, VERDICTS, Opinion, verdict_row

Row = dict[str, Any]
ACCEPTABILITY, PREFERENCE = "human-acceptability", "human-preference"  # names of the judges
PREFERRED = ("a", "tie", "b")


class VerdictSettings(Settings):
    """Which system's verdicts: `a` is the one given first."""

    system: Literal["a", "b"]


def export(campaign: Campaign, out: Path, *, overwrite: bool = False) -> dict[str, Artifact]:
    """Write `annotations`, `a` and `b` into `out`; the server may be running meanwhile.

    Returns:
        The three artifacts, by name.

    Raises:
        StageError: a campaign that contradicts itself.
        UserError: `out` holds an earlier export of another state and `overwrite` is not set.
    """
    settings = AnnotateSettings(**campaign.plan["settings"])
    snapshot = write_snapshot(campaign)
    inputs = {"campaign": snapshot}
    made = {"annotations": ANNOTATIONS.run(settings, out / "annotations", inputs, overwrite=overwrite)[0]}
    inputs = {"annotations": out / "annotations"}
    for system in ("a", "b"):
        made[system] = HUMAN_VERDICTS.run(VerdictSettings(system=system), out / system, inputs, overwrite=overwrite)[0]
    return made


def _annotations(settings: AnnotateSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    snapshot = read_json(inputs["campaign"])
    items, names = snapshot["items"], rater_names(settings.raters)
    turns = {turn["id"]: turn for turn in snapshot["turns"]}
    events: dict[int, list[Row]] = {}
    for event in snapshot["events"]:
        events.setdefault(event["turn"], []).append(event)
    assignments = [
        _assignment(turn, names[turn["rater"] - 1], items[turn["item"] - 1], events.get(turn["id"], []))
        for turn in snapshot["turns"]
    ]
    states = Counter(row["state"] for row in assignments)
    if sum(states[state] for state in STATES) != len(assignments):
        raise StageError(f"{len(assignments)} assignments, but by state {dict(states)}", where=str(workspace.path))
    write_rows(workspace.path / ITEMS, [_item(item) for item in items], ITEM_COLUMNS)
    write_rows(workspace.path / ASSIGNMENTS, assignments, ASSIGNMENT_COLUMNS)
    write_jsonl(workspace.path / EVENTS, (_event(event, turns, items, names) for event in snapshot["events"]))
    found = agreements(assignments)
    write_json(workspace.path / AGREEMENT, found)
    workspace.summary.update(
        systems=snapshot["plan"]["systems"],
        left_out=snapshot["plan"]["left_out"],
        guideline=snapshot["plan"]["guideline"],
        items=len(items),
        flagged=sum(item["flagged"] for item in items),
        assignments=len(assignments),
        **{state: states[state] for state in STATES},
        raters={name: _by_state(assignments, name) for name in names},
        agreement=found,
    )


def _by_state(assignments: list[Row], rater: str) -> dict[str, int]:
    states = Counter(row["state"] for row in assignments if row["rater"] == rater)
    return {state: states[state] for state in STATES}


def _assignment(turn: Row, rater: str, item: Row, events: list[Row]) -> Row:
    """A turn in terms of the systems, not of the places on the page."""
    places = ("second", "first") if turn["swapped"] else ("first", "second")
    system_of = {places[0]: "a", places[1]: "b", "tie": "tie"}
    rated = turn["state"] == "rated"
    done = turn["state"] != "open"
    return {
        "rater": rater,
        "prompt_id": item["a"]["prompt_id"],
        "position": turn["position"],
        "shown_first": system_of["first"],
        "state": turn["state"],
        "acceptability_a": turn[places[0]] if rated else None,
        "acceptability_b": turn[places[1]] if rated else None,
        "preferred": system_of[turn["preferred"]] if rated else None,
        "comment": (turn["comment"] or None) if done else None,
        "undone": sum(event["action"] == "undone" for event in events),
        "source": events[-1]["source"] if done else None,
        "at": events[-1]["at"] if done else None,
    }


def _item(item: Row) -> Row:
    a, b = item["a"], item["b"]
    return {
        **{name: a[name] for name in ("prompt_id", "benchmark", "subset")},
        "flagged": item["flagged"],
        "prompt_digest": digest_text(a["prompt"]),
        "response_digest_a": digest_text(a["response"]),
        "response_digest_b": digest_text(b["response"]),
    }


def _event(event: Row, turns: Mapping[int, Row], items: list[Row], names: list[str]) -> Row:
    """An act as it happened; `answer` is by place on the page."""
    turn = turns[event["turn"]]
    named = {"rater": names[turn["rater"] - 1], "prompt_id": items[turn["item"] - 1]["a"]["prompt_id"]}
    return named | {name: event[name] for name in ("revision", "action", "answer", "source", "at")}


def agreements(assignments: list[Row]) -> dict[str, Any]:
    """Agreement on both questions: acceptability of each system and of both together, and preference."""
    rated = [row for row in assignments if row["state"] == "rated"]
    found = {}
    for systems in (("a",), ("b",), ("a", "b")):
        ratings: dict[str, dict[str, str]] = {}
        for row in rated:
            for system in systems:
                ratings.setdefault(f"{system}:{row['prompt_id']}", {})[row["rater"]] = row[f"acceptability_{system}"]
        found["acceptability_" + "_and_".join(systems)] = agreement(ratings, levels(), ordinal=True)
    preferred: dict[str, dict[str, str]] = {}
    for row in rated:
        preferred.setdefault(row["prompt_id"], {})[row["rater"]] = row["preferred"]
    return found | {"preference": agreement(preferred, PREFERRED, ordinal=False)}


def _verdicts(settings: VerdictSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    annotations = read_manifest(inputs["annotations"], kind="annotations")
    items = {row["prompt_id"]: row for row in read_rows(annotations.file(ITEMS), ITEM_COLUMNS)}
    assignments = read_rows(annotations.file(ASSIGNMENTS), ASSIGNMENT_COLUMNS)
    settled = _settled(assignments)
    rows = [row for one in settled for row in _verdict_rows(one, items[one["prompt_id"]], settings.system)]
    rows.sort(key=lambda row: (row["prompt_id"], row["judge"], row["rater"]))
    write_rows(workspace.path / VERDICTS, rows, SCHEMA)
    system, other = (annotations.summary["systems"][name] for name in _both(settings.system))
    workspace.summary.update(
        system=settings.system,
        condition=system["condition"],
        generations=system["generations"],
        against=other,
        judge="human",
        judge_version=annotations.summary["guideline"],
        verdicts=len(rows),
        open=annotations.summary["open"],
        agreement=annotations.summary["agreement"],
        statuses=dict(sorted(Counter(row["status"] for row in rows).items())),
        labels=dict(sorted(Counter(f"{row['judge']}:{row['label']}" for row in rows if row["label"]).items())),
    )


def _settled(assignments: list[Row]) -> list[Row]:
    """Rated turns, and skipped ones of prompts that somebody has rated or that nobody has still to see.

    Before that a prompt that was only skipped is not failed yet: it has no verdict, as one that nobody has seen.
    """
    states: dict[str, set[str]] = {}
    for one in assignments:
        states.setdefault(one["prompt_id"], set()).add(one["state"])
    waiting = {prompt for prompt, found in states.items() if "open" in found and "rated" not in found}
    return [one for one in assignments if one["state"] != "open" and one["prompt_id"] not in waiting]


def _both(system: str) -> tuple[str, str]:
    return ("a", "b") if system == "a" else ("b", "a")


def _verdict_rows(assignment: Row, item: Row, system: str) -> Iterator[Row]:
    """The two verdicts of one assignment on one system; a skipped one is `failed`.

    Length and ending of the reply stand in the verdicts of the other judges, once a prompt.
    """
    own, other = _both(system)
    labels = {ACCEPTABILITY: assignment[f"acceptability_{own}"], PREFERENCE: _outcome(assignment["preferred"], own)}
    facts = {"shown": "first" if assignment["shown_first"] == own else "second", "comment": assignment["comment"]}
    for judge, label in labels.items():
        if assignment["state"] == "rated":
            opinion = Opinion("ok", label=label, raw=canonical_json(facts))
        else:
            opinion = Opinion("failed", raw=canonical_json(facts | {"skipped": True}))
        generation = item | {"num_tokens": None, "finish_reason": None, "prompt": "", "response": ""}
        yield verdict_row(generation, judge, opinion) | {
            "prompt_digest": item["prompt_digest"],
            "response_digest": item[f"response_digest_{own}"],
            "against_digest": item[f"response_digest_{other}"],
            "rater": assignment["rater"],
        }


def _outcome(preferred: str | None, system: str) -> str | None:
    if preferred is None or preferred == "tie":
        return preferred
    return "win" if preferred == system else "loss"


ANNOTATIONS = Stage("annotate", "annotations", 1, AnnotateSettings, _annotations, packages=("nltk", "pyarrow"))
HUMAN_VERDICTS = Stage("annotate", "verdicts", 3, VerdictSettings, _verdicts, packages=("pyarrow",))
