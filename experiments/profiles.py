"""Profiles: what a whole run consists of, as typed settings read from YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from artifacts.errors import UserError
from artifacts.files import read_yaml
from artifacts.settings import Settings, apply_overrides, validate_settings
from data_curation.refusals import Strategy
from paper_repro.generate import GenerateSettings
from paper_repro.judge import JudgeSettings
from paper_repro.report import ReportSettings
from paper_repro.score import ScoreSettings
from paper_repro.sequences import Method
from paper_repro.train import TrainSettings

HERE = Path(__file__).resolve().parent
Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]


class Curation(Settings):
    """Which corpora are curated for the funnel, and by which recipes."""

    corpora: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ("paper", "responses")


class Study(Settings):
    """A grid of conditions: every combination is tuned, and answers every prompt set.

    Attributes:
        name: Name of `studies/<name>.yaml`, whose values stand where the profile gives none, and of the results.
        response_sets: Sources of base responses.
        recipe: How each is curated before it is sampled (`paper`: not at all).
        methods: `rt` (responses only), `it` (pairs).
        num_refusals: Refusals mixed in; each but 0 with every strategy.
        strategies: How they are selected.
        base_size: Base responses sampled; null = all.
        seeds: Training seeds.
        untuned: Whether the base model answers too.
    """

    name: str
    response_sets: tuple[str, ...]
    recipe: str = "paper"
    methods: tuple[Method, ...] = ("rt", "it")
    num_refusals: tuple[Count, ...] = (0,)
    strategies: tuple[Strategy, ...] = ("paper",)
    base_size: Size | None = 1000
    seeds: tuple[Count, ...] = (0,)
    untuned: bool = True


class Profile(Settings):
    """All of a run.

    Attributes:
        name: Name of the profile.
        threads: Compute threads of every cell; part of what a cell is, so a run on more cores gives the same numbers.
            Cells run side by side on all cores: small models gain little from more threads each.
        memory_mb: Memory that cells may take side by side, by their rules' estimates.
        corpora: Sources of responses to collect.
        refusals: Source of refusals.
        prompts: Sources of prompts.
        curation: What is curated, for the funnel.
        study: What is tuned and asked; None = nothing (the published numbers alone).
        train, generate, judges, score, report: Settings of those stages; base weights, method, seed and names are
            filled in per condition.
    """

    name: str
    threads: Size = 1
    memory_mb: Annotated[int, Field(ge=3000)] = 6000
    corpora: tuple[str, ...] = ()
    refusals: str | None = None
    prompts: tuple[str, ...] = ()
    curation: Curation = Curation()
    study: Study | None = None
    train: TrainSettings = TrainSettings()
    generate: GenerateSettings = GenerateSettings()
    judges: tuple[JudgeSettings, ...] = ()
    score: ScoreSettings | None = None
    report: ReportSettings = ReportSettings()


def profile_names() -> list[str]:
    """Names of the profiles that come with the package."""
    return sorted(path.stem for path in (HERE / "profiles").glob("*.yaml"))


def load_profile(given: str, overrides: Sequence[str] = ()) -> Profile:
    """A profile by name or by the path of a YAML file, with `key.path=value` overrides.

    Raises:
        UserError: no such profile.
        SettingsError: all faults of the file and of the overrides.
    """
    path = HERE / "profiles" / f"{given}.yaml"
    if Path(given).suffix in (".yaml", ".yml"):
        path = Path(given)
    elif "/" in given or not path.is_file():
        fix = f"known profiles: {', '.join(profile_names())}; or give the path of a YAML file"
        raise UserError(f"no profile is called '{given}'", fix=fix)
    data = read_yaml(path)
    if isinstance(data, dict):
        apply_overrides(data, overrides)
        data = _with_study_defaults(data)
    return validate_settings(Profile, data, where=str(path))


def _with_study_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """Values of `studies/<name>.yaml` under those that the profile gives."""
    study = data.get("study")
    if not isinstance(study, dict) or not isinstance(study.get("name"), str):
        return data
    path = HERE / "studies" / f"{study['name']}.yaml"
    return data | {"study": read_yaml(path) | study} if path.is_file() else data
