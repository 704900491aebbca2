"""Studies: grids of conditions, as typed settings; their values stand in `studies/<name>.yaml` and in profiles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from artifacts.settings import Settings
from data_curation.recipe import Recipe, RecipeField
from data_curation.refusals import Strategy
from paper_repro.in_context import Style
from paper_repro.models import ModelSource
from paper_repro.sequences import Method

HERE = Path(__file__).resolve().parent
Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]


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
    """A study that a profile does not run, whole or on some base weights, told in its report.

    Attributes:
        study: Name of the study.
        reason: Why, and where it is run.
        bases: Names of the base weights that the study is not run on; none: it is not run at all.
        grid: Values of a study, for a dry run to list the runs that it would have.
        profile: The profile that has the study, where this one's prompts and judges do not go with it.
    """

    study: str
    reason: Annotated[str, Field(min_length=1)]
    bases: tuple[str, ...] = ()
    grid: dict[str, Any] | None = None
    profile: str | None = None


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
            answered in cells of their own, so the prompts of two judges are the same in the same order, or all others.
        against: Judges of pairs compare with the base's replies in this style, the twin's tuned on pairs (`it`), or the
            twin's tuned on the same responses before they were rewritten (`unrefined`).
        core: Core benchmarks that the models are asked, by lm-eval's names (`core`: all six); none in context.
        planted_faults: Whether the faults planted in a set of the testbed are counted among the rows that each model
            was tuned on.
        samples: Whether the report shows some replies: of the first base, response set and seed.
        examples: Whether the report shows some rows of its response sets.
        mix: Settings of mixing that stand neither here nor in a condition, e.g. encoder and topics of a selection.
        train: Settings of tuning that differ from the profile's, at every depth; no preset.
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
    against: Literal["untuned", "zero-shot", "urial", "urial-r", "it", "unrefined"] | None = None
    core: tuple[str, ...] = ()
    planted_faults: bool = False
    samples: bool = False
    examples: bool = False
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
