"""Profiles: what a whole run consists of, as typed settings read from YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from artifacts.errors import UserError
from artifacts.files import read_yaml
from artifacts.settings import Settings, apply_overrides, overlay, validate_settings
from experiments.machines import Hardware, ServedJudge, StageNeeds
from experiments.rewriting import Rewritten
from experiments.study import HERE, Count, LeftOut, Size, Study
from paper_repro.capabilities.settings import CapabilitiesSettings
from paper_repro.generate import GenerateSettings
from paper_repro.judge import JudgeSettings
from paper_repro.report import ReportSettings
from paper_repro.score import ScoreSettings
from paper_repro.testbed.version import FINAL_SEED
from paper_repro.train import TrainSettings


class Curation(Settings):
    """Which corpora are curated for the funnel, and by which recipes."""

    corpora: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ("paper", "responses")


class Cut(Settings):
    """The first rows of a source as a response set of its own: for what costs by the row, as rewriting does.

    Attributes:
        of: The source, one with a pin.
        rows: How many rows.
    """

    of: str
    rows: Size


class Profile(Settings):
    """All of a run.

    Attributes:
        name: Name of the profile.
        threads: Compute threads of every cell; part of what a cell is, so a run on more cores gives the same numbers.
            Cells run side by side on all cores: small models gain little from more threads each.
        lanes: Processes that each run one cell after another, sparing each cell the start of a process (five seconds
            with TRL): for small models. 0 = a process of its own for every cell.
        memory_mb: Memory that cells may take side by side on one machine, by `needs`.
        gpus: GPUs that they may take there.
        needs: What a cell of each stage needs.
        hardware: The GPUs that a dry run's estimates are for.
        servers: Models of judges and of rewriting that are served by a job of their own.
        world_seed: Seed of the testbed's world, for sources called `testbed-...`.
        corpora: Sources of responses to collect.
        cuts: First rows of a source, by the name that studies and rewriting call them.
        rewrites: Response sets that a language model makes of corpora, by the name that studies call them.
        refusals: Source of refusals.
        prompts: Sources of prompts.
        curation: What is curated, for the funnel.
        studies: What is tuned and asked, by name; none = the published numbers alone.
        left_out: Studies that are left to another profile; the report tells which, and why.
        train, generate, judges, capabilities, score, report: Settings of those stages; base weights, method, seed,
            style, tasks and names are filled in per condition.
    """

    name: str
    threads: Size = 1
    lanes: Count = 0
    memory_mb: Annotated[int, Field(ge=3000)] = 6000
    gpus: Count = 1
    needs: StageNeeds = Field(default_factory=dict)
    hardware: Hardware = Hardware()
    servers: tuple[ServedJudge, ...] = ()
    world_seed: Count = FINAL_SEED
    corpora: tuple[str, ...] = ()
    cuts: dict[str, Cut] = Field(default_factory=dict)
    rewrites: dict[str, Rewritten] = Field(default_factory=dict)
    refusals: str | None = None
    prompts: tuple[str, ...] = ()
    curation: Curation = Curation()
    studies: dict[str, Study] = Field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()
    train: TrainSettings = TrainSettings()
    generate: GenerateSettings = GenerateSettings()
    judges: tuple[JudgeSettings, ...] = ()
    capabilities: CapabilitiesSettings = CapabilitiesSettings()
    score: ScoreSettings = ScoreSettings()
    report: ReportSettings = ReportSettings()


def profile_names() -> list[str]:
    """Names of the profiles that come with the package."""
    return sorted(path.stem for path in (HERE / "profiles").glob("*.yaml"))


def study_names() -> list[str]:
    """Names of the studies that come with the package."""
    return sorted(path.stem for path in (HERE / "studies").glob("*.yaml"))


def load_profile(given: str, overrides: Sequence[str] = (), studies: Sequence[str] = ()) -> Profile:
    """A profile by name or by the path of a YAML file, with `key.path=value` overrides.

    The key `extends` names a profile whose values stand where the file gives none, group by group; lists are replaced.

    Args:
        given: Name or path.
        overrides: Applied in order, before the studies are read.
        studies: Take these studies alone, and collect only what they need; one that the profile does not have is
            that of `studies/<name>.yaml`. None named = all of the profile's.

    Raises:
        UserError: no such profile or study.
        SettingsError: all faults of the file and of the overrides.
    """
    path = HERE / "profiles" / f"{given}.yaml"
    if Path(given).suffix in (".yaml", ".yml"):
        path = Path(given)
    elif "/" in given or not path.is_file():
        fix = f"known profiles: {', '.join(profile_names())}; or give the path of a YAML file"
        raise UserError(f"no profile is called '{given}'", fix=fix)
    data = _read(path)
    if isinstance(data, dict):
        if studies:
            _take_studies(data, studies)
        data = _with_study_defaults(data)  # before the overrides, which may be about a study's own values
        apply_overrides(data, overrides)
        data = _with_study_defaults(data)  # an override may name another study
    profile = validate_settings(Profile, data, where=str(path))
    return _reduced(profile) if studies else profile


def _take_studies(data: dict[str, Any], names: Sequence[str]) -> None:
    own = data.get("studies") or {}
    known = sorted({*own, *study_names()})
    left_out = [one for one in data.get("left_out") or () if isinstance(one, dict)]  # its faults are told later
    elsewhere = {one.get("study"): one["profile"] for one in left_out if one.get("profile")}
    for name in names:
        if name not in known:
            raise UserError(f"no study is called '{name}'", fix=f"known studies: {', '.join(known)}")
        if name not in own and name in elsewhere:
            fix = f"rt reproduce --profile {elsewhere[name]} --study {name}"
            raise UserError(f"the profile {data.get('name')} leaves the study '{name}' to another", fix=fix)
    data["studies"] = {name: own.get(name) for name in names}


def _reduced(profile: Profile) -> Profile:
    """The profile under a name of its own, without what none of its studies needs."""
    studies = profile.studies.values()
    asked = [study.prompts or profile.prompts for study in studies]
    sources = list(dict.fromkeys(name for study in studies for name in study.sources))
    rewrites = {name: one for name, one in profile.rewrites.items() if name in sources}
    origins = [one.of for one in rewrites.values() if one.of]
    named = dict.fromkeys(name for name in (*sources, *origins) if name not in rewrites)
    shares_pool = any(any(study.num_refusals) and not study.refusals for study in studies)
    return profile.model_copy(
        update={
            "name": "-".join([profile.name, *profile.studies]),
            "corpora": tuple(name for name in named if name not in profile.cuts),
            "cuts": {name: one for name, one in profile.cuts.items() if name in named},
            "rewrites": rewrites,
            "refusals": profile.refusals if shares_pool else None,
            "prompts": tuple(name for name in profile.prompts if any(name in names for names in asked)),
            "curation": Curation(),
            "left_out": (),
        }
    )


def _read(path: Path) -> Any:
    """A profile's values over those of the one that it extends."""
    data = read_yaml(path)
    if not isinstance(data, dict) or "extends" not in data:
        return data
    extended = data.pop("extends")
    if extended not in profile_names():
        fix = f"known profiles: {', '.join(profile_names())}"
        raise UserError(f"no profile is called '{extended}'", where=f"{path}: extends", fix=fix)
    return overlay(_read(HERE / "profiles" / f"{extended}.yaml"), data)


def _with_study_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """Each study with its name, and values of `studies/<name>.yaml` under those that the profile gives."""
    studies = data.get("studies")
    if not isinstance(studies, dict):
        return data
    filled = {}
    for name, given in studies.items():
        path = HERE / "studies" / f"{name}.yaml"
        if given is None or isinstance(given, dict):
            given = (read_yaml(path) if path.is_file() else {}) | (given or {}) | {"name": name}
        filled[name] = given
    return data | {"studies": filled}
