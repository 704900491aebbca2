"""The validate stage: a refusal judge and replies labelled by hand in, its agreement with the labels out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator

from artifacts.digests import digest_file, digest_json
from artifacts.errors import InputError, StageError
from artifacts.files import write_jsonl
from artifacts.manifest import Artifact
from artifacts.stage import Stage, Workspace
from data_curation.llm_client import Plan
from paper_repro.judge.registry import judge_names, load_judge
from paper_repro.judge.stage import JudgeSettings, opinions_of
from paper_repro.judge.validation.agreement import Judged, measure
from paper_repro.judge.validation.labelled import LABELS, SHIPPED, SPLITS, Labelled, read_labelled
from paper_repro.judge.validation.measured import KIND, identity_of

JUDGED = "judged.jsonl"


def refusal_judges() -> list[str]:
    """Names of the judges that can be validated: they say refusal or compliance of a reply to any query."""
    fitting = (load_judge(name) for name in judge_names())
    return [card.name for card in fitting if card.labels == LABELS and not card.name.startswith("testbed-")]


class ValidateSettings(JudgeSettings):
    """Which judge, with its parameters, on which half of the replies.

    Attributes:
        split: `development`, `held-out`, or `both`: each half by itself, and all.
    """

    split: Literal["development", "held-out", "both"] = "both"

    @field_validator("judge")
    @classmethod
    def _of_refusals(cls, name: str) -> str:
        if name not in refusal_judges():
            known = ", ".join(refusal_judges())
            raise ValueError(f"'{name}' does not say refusal or compliance of replies to any query; known: {known}")
        return name


def validate(settings: ValidateSettings, out: Path, labelled: Path = SHIPPED, *, overwrite: bool = False) -> Artifact:
    """Judge labelled replies and measure the agreement; `judged.jsonl` and the measures (`summary`) are in `out`."""
    return VALIDATE.run(settings, out, {"labelled": labelled}, overwrite=overwrite)[0]


def validation_plan(settings: ValidateSettings, inputs: Mapping[str, Path]) -> Plan | None:
    """Calls and tokens that a language-model judge would take; nothing is sent. None for a judge that asks none."""
    card = load_judge(settings.judge)
    if card.kind != "llm":
        return None
    from paper_repro.judge.llm import plan_rows

    rows = [reply.generation for reply in _replies(settings, inputs)]
    return plan_rows(card.code, rows, card.resolve(settings.parameters), settings.store)


def _replies(settings: ValidateSettings, inputs: Mapping[str, Path]) -> list[Labelled]:
    path = inputs["labelled"]
    replies = [reply for reply in read_labelled(path) if settings.split in (reply.split, "both")]
    if not replies:
        raise InputError(f"no reply belongs to '{settings.split}'", where=str(path))
    return replies


def _work(settings: ValidateSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    replies = _replies(settings, inputs)
    card = load_judge(settings.judge)
    opinions = opinions_of(card, [reply.generation for reply in replies], settings, workspace)
    if len(opinions) != len(replies):
        raise StageError(f"{len(replies)} replies, but {len(opinions)} verdicts", where=settings.judge)
    judged = [Judged(reply, opinion) for reply, opinion in zip(replies, opinions, strict=True)]
    rows = [one.as_row() for one in sorted(judged, key=lambda one: one.reply.id)]
    write_jsonl(workspace.path / JUDGED, rows)
    workspace.summary.update(
        judge=card.name,
        judge_version=card.version,
        judge_digest=digest_json(identity_of(settings.resolved())),
        labelled={"file": inputs["labelled"].name, "sha256": digest_file(inputs["labelled"]), "n": len(replies)},
        splits=_measures(judged),
        disagreements=[_differing(row) for row in rows if row["said"] != row["label"]],
    )


def _differing(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("id", "kind", "status", "said")}


def _measures(judged: list[Judged]) -> dict[str, Any]:
    """Measures of each split there is, and of all replies where there are both."""
    parts = {split: [one for one in judged if one.reply.split == split] for split in SPLITS}
    measures = {split: measure(part) for split, part in parts.items() if part}
    return measures | ({"all": measure(judged)} if len(measures) > 1 else {})


VALIDATE = Stage(name="validate", kind=KIND, version=1, settings=ValidateSettings, work=_work)
