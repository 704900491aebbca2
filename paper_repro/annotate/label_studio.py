"""Label Studio: the turns of a campaign as its tasks (JSON), the labelling page for them, and ratings back from them.

Source: Label Studio's documentation of its task format (`data`, `annotations`, `result`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from artifacts.digests import digest_json
from artifacts.errors import InputError
from artifacts.files import read_json, write_json
from paper_repro.annotate import ratings
from paper_repro.annotate.campaign import Campaign, Rater
from paper_repro.annotate.guideline import guideline
from paper_repro.annotate.ratings import Answer, Shown

SOURCE = "label-studio"
Row = dict[str, Any]
# our name of an answer: the control that holds it, and the text on the page the control belongs to
CONTROLS = {
    "first": ("response_1", "response_1_text"),
    "second": ("response_2", "response_2_text"),
    "preferred": ("preferred", "instruction"),
}
COMMENT = ("comment", "instruction")


@dataclass
class Imported:
    """What an import did: turns by outcome."""

    rated: int = 0
    skipped: int = 0
    already: int = 0
    without_annotation: int = 0


@dataclass
class _Plan:
    """Acts that an import will do, and what speaks against doing any."""

    acts: list[tuple[Rater, Shown, Answer | None]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    counts: Imported = field(default_factory=Imported)


def write_tasks(campaign: Campaign, path: Path) -> int:
    """Write one task a turn, in the order its rater has, with what was rated so far; returns their number.

    The two responses stand in the order of the turn, and no system is named, so a task can be shown as it is.
    """
    tasks = [_task(campaign, rater, turn) for rater, turn in _all_turns(campaign)]
    for number, task in enumerate(tasks, start=1):
        task["id"] = number
    write_json(path, tasks)
    return len(tasks)


def labelling_page() -> str:
    """The labelling configuration (XML) that shows such a task and asks what our own page asks."""
    given = guideline()
    levels = [(level.label, level.title) for level in given.acceptability.levels]
    choices = [(choice.label, choice.short) for choice in given.preference.choices]
    lines = ["<View>", '  <Header value="$warning"/>', '  <Text name="instruction" value="$instruction"/>']
    for number in (1, 2):
        lines.append(f'  <Header value="Response {number}"/>')
        lines.append(f'  <Text name="response_{number}_text" value="$response_{number}"/>')
        lines += _choices(f"response_{number}", f"response_{number}_text", given.acceptability.question, levels)
    lines += _choices("preferred", "instruction", given.preference.question, choices)
    lines += ['  <TextArea name="comment" toName="instruction" placeholder="Comment" maxSubmissions="1"/>', "</View>"]
    return "\n".join(lines) + "\n"


def import_tasks(campaign: Campaign, path: Path) -> Imported:
    """Take over the ratings of a Label Studio export (JSON) of this campaign's tasks; all of them, or none.

    A cancelled annotation is a skipped turn, a task without annotation stays open, and a turn that already has the same
    answer is left alone.

    Raises:
        InputError: not such an export, a task of another campaign, an answer that is missing or unknown, or a turn that
            has another answer already; every fault is named by task and key, up to ten.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise InputError("expected a list of tasks", where=str(path), fix="export from Label Studio as JSON")
    plan, seen = _Plan(), set()
    for number, task in enumerate(tasks, start=1):
        where = f"task {number} (id {task.get('id')})"
        try:
            _plan_task(campaign, task, plan, seen)
        except InputError as error:
            plan.faults.append(f"{where}: {error.message}")
    if plan.faults:
        more = f"\n  - and {len(plan.faults) - 10} more" if len(plan.faults) > 10 else ""
        raise InputError("nothing was taken over:\n  - " + "\n  - ".join(plan.faults[:10]) + more, where=str(path))
    for rater, turn, answer in plan.acts:
        if answer is None:
            outcome = ratings.skip(campaign, rater, turn.position, turn.revision, source=SOURCE)
        else:
            outcome = ratings.rate(campaign, rater, turn.position, turn.revision, answer, source=SOURCE)
        if outcome != "saved":
            raise InputError("was rated on the page meanwhile", where=f"{rater.name}, turn {turn.position}")
    return plan.counts


def _plan_task(campaign: Campaign, task: Row, plan: _Plan, seen: set[str]) -> None:
    rater, turn = _turn_of(campaign, task)
    name = f"{rater.name}:{turn.position}"
    if name in seen:
        raise InputError(f"data.turn: '{name}' occurs twice")
    seen.add(name)
    annotations = task.get("annotations")
    if not isinstance(annotations, list):
        raise InputError("annotations: no such key, or no list; export as JSON, not as JSON-MIN or CSV")
    if not annotations:
        plan.counts.without_annotation += 1
        return
    if len(annotations) > 1:
        raise InputError(f"annotations: {len(annotations)} of one turn; keep the one that counts")
    skipped = bool(annotations[0].get("was_cancelled"))
    answer = None if skipped else _answer_of(annotations[0])
    if turn.state == "open":
        plan.acts.append((rater, turn, answer))
        plan.counts.skipped += skipped
        plan.counts.rated += not skipped
    elif (turn.state == "skipped") == skipped and (skipped or turn.answer == answer):
        plan.counts.already += 1
    else:
        raise InputError(f"turn {name} is {turn.state} already, with another answer")


def _turn_of(campaign: Campaign, task: Row) -> tuple[Rater, Shown]:
    data = task.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("turn"), str):
        raise InputError("data.turn: no such key; not a task that rt annotate tasks wrote")
    if data.get("campaign") != _name(campaign):
        raise InputError(f"data.campaign: {data.get('campaign')}, this one is {_name(campaign)}")
    rater_name, _, position = data["turn"].partition(":")
    names = campaign.raters()
    if rater_name not in names or not position.isdecimal():
        raise InputError(f"data.turn: no turn '{data['turn']}'")
    rater = Rater(names.index(rater_name) + 1, rater_name)
    turn = ratings.turn_at(campaign, rater, int(position))
    if turn is None:
        raise InputError(f"data.turn: no turn '{data['turn']}'")
    return rater, turn


def _answer_of(annotation: Row) -> Answer:
    values: dict[str, str] = {}
    for number, result in enumerate(annotation.get("result") or []):
        if not isinstance(result, dict) or not isinstance(result.get("value"), dict):
            raise InputError(f"annotations.result {number}: no value")
        given = result["value"].get("choices" if result.get("type") == "choices" else "text")
        given = [given] if isinstance(given, str) else given
        if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], str):
            raise InputError(f"annotations.result {number}: expected one value of '{result.get('from_name')}'")
        values[str(result.get("from_name"))] = given[0]
    names = {ours: values.get(control) for ours, (control, _) in CONTROLS.items()}
    answer = Answer(**names, comment=values.get(COMMENT[0], "").strip())
    if faults := answer.faults():
        raise InputError(f"annotations.result: {'; '.join(faults)}")
    return answer


def _task(campaign: Campaign, rater: Rater, turn: Shown) -> Row:
    data = {
        "campaign": _name(campaign),
        "turn": f"{rater.name}:{turn.position}",
        "rater": rater.name,
        "instruction": turn.prompt,
        "response_1": turn.responses[0],
        "response_2": turn.responses[1],
        "warning": "From a set of harmful requests; you may skip it." if turn.flagged else "Instruction",
    }
    return {"data": data, "annotations": [] if turn.state == "open" else [_annotation(turn)]}


def _annotation(turn: Shown) -> Row:
    if turn.state == "skipped":
        return {"was_cancelled": True, "result": []}
    result = [
        {
            "id": f"{turn.position}-{ours}",
            "from_name": control,
            "to_name": text,
            "type": "choices",
            "value": {"choices": [getattr(turn.answer, ours)]},
        }
        for ours, (control, text) in CONTROLS.items()
    ]
    if turn.answer.comment:
        value = {"text": [turn.answer.comment]}
        named = {"id": f"{turn.position}-comment", "from_name": COMMENT[0], "to_name": COMMENT[1]}
        result.append(named | {"type": "textarea", "value": value})
    return {"was_cancelled": False, "result": result}


def _choices(name: str, of: str, question: str, options: list[tuple[str, str]]) -> list[str]:
    lines = [f"  <Header value={quoteattr(question)}/>"]
    lines.append(f'  <Choices name="{name}" toName="{of}" choice="single-radio" required="true">')
    lines += [f"    <Choice value={quoteattr(shown)} alias={quoteattr(label)}/>" for label, shown in options]
    return [*lines, "  </Choices>"]


def _all_turns(campaign: Campaign) -> list[tuple[Rater, Shown]]:
    found = []
    for number, name in enumerate(campaign.raters(), start=1):
        rater = Rater(number, name)
        for position in range(1, ratings.progress(campaign, rater).assigned + 1):
            turn = ratings.turn_at(campaign, rater, position)
            if turn is not None:
                found.append((rater, turn))
    return found


def _name(campaign: Campaign) -> str:
    return digest_json(campaign.plan)[:16]
