"""The judge stage: one verdict a reply."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from artifacts.errors import InputError, SettingsError, StageError, UserError
from artifacts.manifest import Artifact, read_manifest
from artifacts.settings import Settings, validate_settings
from artifacts.stage import Stage, Workspace
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
    """

    judge: str = "refusal-rules"
    version: int = Field(default=0, ge=0)
    parameters: dict[str, Any] = Field(default_factory=dict)

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
            parameters = validate_settings(card.parameters_class, given).resolved()
        except SettingsError as error:
            raise ValueError("; ".join(f"parameters.{fault}" for fault in error.faults)) from None
        if data.get("version") not in (None, card.version):
            raise ValueError(f"version: '{card.name}' is at version {card.version}, asked for was {data['version']}")
        return {**data, "parameters": parameters, "version": card.version}


def judge(settings: JudgeSettings, generations: Path, out: Path, *, overwrite: bool = False) -> Artifact:
    """Judge every reply of a generations artifact; the verdicts are in `out`."""
    return JUDGE.run(settings, out, {"generations": generations}, overwrite=overwrite)[0]


def _work(settings: JudgeSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    generations = read_manifest(inputs["generations"], kind="generations")
    rows = read_generations(generations.path)
    card = load_judge(settings.judge)
    started = time.monotonic()
    parameters = validate_settings(card.parameters_class, settings.parameters)
    opinions = _opinions(card, rows, parameters, workspace.scratch, generations.path / GENERATIONS)
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
    workspace.provenance["judge_seconds"] = round(time.monotonic() - started, 3)


def _opinions(card: JudgeCard, rows: list[dict], parameters: Settings, scratch: Path, file: Path) -> list[Opinion]:
    """What the judge says; a fault of a row, which the judge names, also names the file."""
    try:
        return card.judge(rows, parameters, scratch)
    except InputError as error:
        raise InputError(error.message, where=f"{file}: {error.where}", fix=error.fix) from None


JUDGE = Stage(
    name="judge",
    kind="verdicts",
    version=1,
    settings=JudgeSettings,
    work=_work,
    packages=("pyarrow", "sentence-transformers", "torch", "transformers"),
    threaded=True,
)
