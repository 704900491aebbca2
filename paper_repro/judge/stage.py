"""The judge stage: one verdict a reply."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from artifacts.errors import InputError, SettingsError, StageError, UserError
from artifacts.manifest import Artifact, read_manifest
from artifacts.settings import Settings
from artifacts.stage import Stage, Workspace
from data_curation.llm_client import Plan, ServerSettings, default_store
from paper_repro.columns import write_rows
from paper_repro.generate.schema import GENERATIONS, read_generations
from paper_repro.judge.registry import JudgeCard, load_judge
from paper_repro.judge.schema import SCHEMA, VERDICTS, Opinion, verdict_row


class JudgeSettings(Settings):
    """Which judge, and its parameters.

    Attributes:
        judge: Name of a judge.
        version: Version of the judge; filled in, and refused if it is not the one at hand.
        parameters: Parameters of that judge; those not given take the judge's defaults.
        subsets: Only replies to these subsets of their benchmarks are judged; None: all. Not kept where it is None.
        most_failed: Language-model judges: largest share of calls that may fail; with more the stage stops, and a later
            run goes on. Like the two below no part of the identity: it decides no verdict.
        server: Language-model judges: the server; the same model on another one gives the same verdicts.
        cache: Language-model judges: file of the kept answers; None = the one that all runs share.
    """

    judge: str = "refusal-rules"
    version: int = Field(default=0, ge=0)
    parameters: dict[str, Any] = Field(default_factory=dict)
    subsets: tuple[str, ...] | None = Field(default=None, exclude_if=lambda subsets: subsets is None)
    most_failed: float = Field(default=0.02, ge=0, le=1, exclude=True)
    server: ServerSettings = Field(default=ServerSettings(), exclude=True)
    cache: Path | None = Field(default=None, exclude=True)

    @property
    def store(self) -> Path:
        """File of the kept answers."""
        return self.cache or default_store()

    @field_validator("judge")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return load_judge(name).name
        except UserError as error:
            raise ValueError(f"{error.message}; {error.fix}") from None

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, data: Any) -> Any:
        """Put the judge's version and all its parameters in, so that settings are saved resolved."""
        if not isinstance(data, dict):
            return data
        try:
            card = load_judge(str(data.get("judge", "refusal-rules")))
        except UserError:
            return data  # the field `judge` says so itself
        given = data.get("parameters") or {}
        if not isinstance(given, dict):
            return data
        try:
            parameters = card.resolve(given).resolved()
        except SettingsError as error:
            raise ValueError("; ".join(f"parameters.{fault}" for fault in error.faults)) from None
        if data.get("version") not in (None, card.version):
            raise ValueError(f"version: '{card.name}' is at version {card.version}, asked for was {data['version']}")
        return {**data, "parameters": parameters, "version": card.version}


def judge(
    settings: JudgeSettings, generations: Path, out: Path, against: Path | None = None, *, overwrite: bool = False
) -> Artifact:
    """Judge every reply of a generations artifact; the verdicts are in `out`.

    Args:
        settings: The judge.
        generations: The replies.
        out: Output folder.
        against: The replies they are compared with, for a judge of pairs.
        overwrite: Replace a finished artifact made otherwise.
    """
    return JUDGE.run(settings, out, judge_inputs(settings, generations, against), overwrite=overwrite)[0]


def judge_inputs(settings: JudgeSettings, generations: Path, against: Path | None = None) -> dict[str, Path]:
    """Inputs of the stage; a second generations artifact if, and only if, the judge compares.

    Raises:
        UserError: one too many, or one too few.
    """
    pairs = load_judge(settings.judge).pairs
    if pairs and against is None:
        raise UserError(f"'{settings.judge}' compares two generations", fix="name the other one: --against FOLDER")
    if against is not None and not pairs:
        raise UserError(f"'{settings.judge}' judges each reply by itself", fix="leave out --against")
    return {"generations": generations} | ({"against": against} if against is not None else {})


def judge_plan(settings: JudgeSettings, inputs: Mapping[str, Path]) -> Plan | None:
    """Calls and tokens that judging would take; nothing is sent. None for a judge that asks no language model."""
    card = load_judge(settings.judge)
    if card.kind != "llm":
        return None
    from paper_repro.judge.llm import plan_rows

    return plan_rows(card.code, _rows(inputs, settings.subsets), card.resolve(settings.parameters), settings.store)


def _work(settings: JudgeSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    generations = read_manifest(inputs["generations"], kind="generations")
    rows = _rows(inputs, settings.subsets)
    card = load_judge(settings.judge)
    started = time.monotonic()
    try:
        opinions = opinions_of(card, rows, settings, workspace)
    except InputError as error:  # a fault of a row, which the judge names
        where = f"{generations.path / GENERATIONS}: {error.where}"
        raise InputError(error.message, where=where, fix=error.fix) from None
    if len(opinions) != len(rows):
        raise StageError(f"{len(rows)} replies, but {len(opinions)} verdicts", where=settings.judge)
    unknown = {opinion.label for opinion in opinions} - {None, *card.labels}
    if unknown:
        raise StageError(f"labels that judge.yaml does not name: {sorted(unknown)}", where=settings.judge)
    verdicts = [verdict_row(row, card.name, opinion) for row, opinion in zip(rows, opinions, strict=True)]
    write_rows(workspace.path / VERDICTS, verdicts, SCHEMA)
    workspace.summary.update(
        condition=generations.summary["condition"],
        generations=generations.digest,
        judge=card.name,
        judge_version=card.version,
        verdicts=len(verdicts),
        statuses=dict(sorted(Counter(row["status"] for row in verdicts).items())),
        labels=dict(sorted(Counter(row["label"] for row in verdicts if row["label"] is not None).items())),
    )
    if "against" in inputs:
        against = read_manifest(inputs["against"], kind="generations")
        workspace.summary["against"] = {"condition": against.summary["condition"], "generations": against.digest}
    workspace.provenance["judge_seconds"] = round(time.monotonic() - started, 3)


def _rows(inputs: Mapping[str, Path], subsets: Collection[str] | None) -> list[dict[str, Any]]:
    """The replies to judge; where there are others to compare with, each with the other reply in `against`.

    Raises:
        InputError: the two do not answer the same prompts, or no reply is of one of the subsets.
    """
    rows = read_generations(read_manifest(inputs["generations"], kind="generations").path)
    if "against" in inputs:
        rows = _beside(rows, inputs["against"])
    chosen = rows if subsets is None else [row for row in rows if row["subset"] in subsets]
    if rows and not chosen:
        known = ", ".join(sorted({str(row["subset"]) for row in rows}))
        where = str(inputs["generations"] / GENERATIONS)
        raise InputError(f"no reply is to one of {', '.join(subsets)}", where=where, fix=f"subsets there: {known}")
    return chosen


def _beside(rows: list[dict[str, Any]], generations: Path) -> list[dict[str, Any]]:
    """The rows, each with the reply of other generations."""
    folder = read_manifest(generations, kind="generations").path
    others = {row["prompt_id"]: row for row in read_generations(folder)}
    for row in rows:
        other = others.pop(row["prompt_id"], None)
        if other is None or other["prompt"] != row["prompt"]:
            raise InputError(f"has no reply to the prompt {row['prompt_id']}", where=str(folder / GENERATIONS))
        row["against"] = other["response"]
    if others:
        raise InputError(f"has {len(others)} prompts more than the replies to judge", where=str(folder / GENERATIONS))
    return rows


def opinions_of(card: JudgeCard, rows: list[dict], settings: JudgeSettings, workspace: Workspace) -> list[Opinion]:
    """The judge's opinions of rows of generations, in their order; what asking a model took goes into the manifest."""
    parameters = card.resolve(settings.parameters)
    if card.kind != "llm":
        return card.judge(rows, parameters, workspace.scratch)
    from paper_repro.judge.llm import judge_rows

    opinions, batch = judge_rows(
        card.code, rows, parameters, settings.server, settings.store, settings.most_failed, card.name
    )
    answers = [outcome.answer for outcome in batch.outcomes if outcome.answer is not None]
    workspace.summary.update(
        asked=len(batch.outcomes), models_reported=sorted({answer.model for answer in answers if answer.model})
    )
    workspace.provenance.update(
        server=None if settings.server.url is None else settings.server.base_url(),
        answers_kept_before=batch.counts.kept,
        answers_new=batch.counts.answered,
        calls=batch.counts.calls,
        call_faults=dict(sorted(batch.counts.faults.items())),
    )
    return opinions


JUDGE = Stage(
    name="judge",
    kind="verdicts",
    version=1,
    settings=JudgeSettings,
    work=_work,
    packages=("pyarrow", "sentence-transformers", "torch", "transformers"),
    threaded=True,
)
