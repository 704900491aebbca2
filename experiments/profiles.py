"""Profiles: what a whole run consists of, as typed settings read from YAML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from artifacts.errors import UserError
from artifacts.files import read_yaml
from artifacts.settings import Settings, apply_overrides, validate_settings
from data_curation.recipe import Recipe, RecipeField
from data_curation.refusals import Strategy
from experiments.machines import Hardware, ServedJudge, StageNeeds
from paper_repro.capabilities.settings import CapabilitiesSettings
from paper_repro.generate import GenerateSettings
from paper_repro.in_context import Style
from paper_repro.judge import JudgeSettings
from paper_repro.models import ModelSource
from paper_repro.report import ReportSettings
from paper_repro.score import ScoreSettings
from paper_repro.sequences import Method
from paper_repro.testbed.version import FINAL_SEED
from paper_repro.train import TrainSettings

HERE = Path(__file__).resolve().parent
Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]


class Curation(Settings):
    """Which corpora are curated for the funnel, and by which recipes."""

    corpora: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ("paper", "responses")


def _own_recipe(value: Any) -> Any:
    """A name of `experiments/recipes`, where parts of the package's recipes stand, as its path."""
    path = HERE / "recipes" / f"{value}.yaml"
    return str(path) if isinstance(value, str) and "/" not in value and path.is_file() else value


class Arm(Settings):
    """A response set under a recipe of its own, e.g. the same rows untouched and curated.

    Attributes:
        response_set: Source of base responses.
        recipe: Name or path of a recipe (one of `recipes/` here comes first), or the recipe itself.
    """

    response_set: str
    recipe: Annotated[RecipeField, BeforeValidator(_own_recipe)]


class LeftOut(Settings):
    """A study that a profile does not run, told in its report.

    Attributes:
        study: Name of the study.
        reason: Why, and where it is run.
        grid: Values of a study, for a dry run to list the runs that it would have.
    """

    study: str
    reason: Annotated[str, Field(min_length=1)]
    grid: dict[str, Any] | None = None


class Study(Settings):
    """A grid of conditions: every combination is tuned, and answers every prompt set.

    A condition that two studies share is tuned and asked once.

    Attributes:
        name: Its key among the profile's studies: names results, and `studies/<name>.yaml`, whose values stand where
            the profile gives none.
        bases: Base weights; none named = the profile's `train.base`. Shipped weights that this checkout lacks leave
            their conditions out, which the report tells.
        response_sets: Sources of base responses.
        recipe: How each is curated before it is sampled (`paper`: not at all).
        arms: In the place of these two, pairs of a response set and a recipe that are no grid.
        methods: `rt` (responses only), `it` (pairs).
        num_refusals: Refusals mixed in; each but 0 with every strategy.
        refusals: Source of them; null = the profile's.
        strategies: How they are selected.
        base_size: Base responses sampled; null = all.
        base_sizes: Of single response sets, in its place. A sample of as many rows as there are is the whole set, so
            this lets studies share the models of a set that one takes whole.
        resample: Whether each training seed draws base responses of its own, so that what differs between seeds is the
            sample as well; else all seeds share one.
        seeds: Training seeds.
        learning_rates: Each is tried; none named = that of the settings of tuning. Results tell them apart.
        untuned: Whether the base model answers too, in the chat template.
        in_context: In which styles the base model is asked in context.
        template: Template of those prompts.
        demonstrations: Source of what they show; null = the template's own.
        prompts: Which of the profile's prompts are answered; null = all.
        judges: Which of the profile's judges judge; null = all.
        asked_of: Judge to the prompts that it judges replies to, where these are not all of them; such prompts are
            answered in cells of their own.
        against: Judges of pairs compare with the base's replies in this style, or the twin's tuned on pairs (`it`).
        core: Core benchmarks that the models are asked, by lm-eval's names (`core`: all six); none in context.
        planted_faults: Whether the faults planted in a set of the testbed are counted among the rows that each model
            was tuned on.
        samples: Whether the report shows some replies: of the first base, response set and seed.
        mix: Settings of mixing that stand neither here nor in a condition, e.g. encoder and topics of a selection.
        train: Settings of tuning that differ from the profile's.
    """

    name: str
    bases: tuple[ModelSource, ...] = ()
    response_sets: tuple[str, ...] = ()
    recipe: str = "paper"
    arms: tuple[Arm, ...] = ()
    methods: tuple[Method, ...] = ("rt", "it")
    num_refusals: tuple[Count, ...] = (0,)
    refusals: str | None = None
    strategies: Annotated[tuple[Strategy, ...], Field(min_length=1)] = ("paper",)
    base_size: Size | None = 1000
    base_sizes: dict[str, Size] = Field(default_factory=dict)
    resample: bool = False
    seeds: tuple[Count, ...] = (0,)
    learning_rates: tuple[Rate, ...] = ()
    untuned: bool = True
    in_context: tuple[Style, ...] = ()
    template: str = "fences"
    demonstrations: str | None = None
    prompts: tuple[str, ...] | None = None
    judges: tuple[str, ...] | None = None
    asked_of: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    against: Literal["untuned", "zero-shot", "urial", "urial-r", "it"] | None = None
    core: tuple[str, ...] = ()
    planted_faults: bool = False
    samples: bool = False
    mix: dict[str, Any] = Field(default_factory=dict)
    train: dict[str, Any] = Field(default_factory=dict)

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of base responses, of the grid or of the arms, each once."""
        return tuple(dict.fromkeys((*self.response_sets, *(arm.response_set for arm in self.arms))))

    @property
    def bodies(self) -> list[tuple[str, str | Recipe]]:
        """Pairs of response set and recipe that models are tuned on."""
        return [(arm.response_set, arm.recipe) for arm in self.arms] or [
            (name, self.recipe) for name in self.response_sets
        ]


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
        servers: Models of judges that are served by a job of their own.
        world_seed: Seed of the testbed's world, for sources called `testbed-...`.
        corpora: Sources of responses to collect.
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
    for name in names:
        if name not in known:
            raise UserError(f"no study is called '{name}'", fix=f"known studies: {', '.join(known)}")
    data["studies"] = {name: own.get(name) for name in names}


def _reduced(profile: Profile) -> Profile:
    """The profile under a name of its own, without what none of its studies needs."""
    studies = profile.studies.values()
    asked = [study.prompts or profile.prompts for study in studies]
    return profile.model_copy(
        update={
            "name": "-".join([profile.name, *profile.studies]),
            "corpora": tuple(dict.fromkeys(name for study in studies for name in study.sources)),
            "refusals": profile.refusals if any(any(one.num_refusals) and not one.refusals for one in studies) else None,
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
    return _over(_read(HERE / "profiles" / f"{extended}.yaml"), data)


def _over(under: Any, given: Any) -> Any:
    """Values over others: groups of keys are joined, anything else is replaced."""
    if isinstance(under, dict) and isinstance(given, dict):
        return under | {key: _over(under.get(key), value) for key, value in given.items()}
    return given


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
