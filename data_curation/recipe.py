"""A recipe: the steps of a curation, in order, each with its settings."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any, Union

from pydantic import BeforeValidator, Field

from artifacts.errors import SettingsError, UserError
from artifacts.files import read_yaml
from artifacts.settings import Settings, validate_settings
from data_curation.decontaminate import DecontaminateSettings
from data_curation.exact_dedup import ExactDedupSettings
from data_curation.filters.catalogue import catalogue
from data_curation.near_dedup import NearDedupSettings
from data_curation.normalise import NormaliseSettings
from data_curation.semantic_dedup import SemanticDedupSettings
from data_curation.step import Step

RECIPES = Path(__file__).resolve().parent / "recipes"
_FILTERS = dict.fromkeys(catalogue(), ("data_curation.filters.step", "FilterStep"))
_FilterSettings = Union[tuple(found.settings for found in catalogue().values())]  # noqa: UP007
_STEPS = _FILTERS | {
    "normalise": ("data_curation.normalise", "Normalise"),
    "exact_dedup": ("data_curation.exact_dedup", "ExactDedup"),
    "near_dedup": ("data_curation.near_dedup", "NearDedup"),
    "semantic_dedup": ("data_curation.semantic_dedup", "SemanticDedup"),
    "decontaminate": ("data_curation.decontaminate", "Decontaminate"),
}
StepSettings = Annotated[
    NormaliseSettings
    | _FilterSettings
    | ExactDedupSettings
    | NearDedupSettings
    | SemanticDedupSettings
    | DecontaminateSettings,
    Field(discriminator="step"),
]


class Recipe(Settings):
    """Name and steps; no steps: the identity."""

    name: str
    steps: tuple[StepSettings, ...] = ()


def recipe_names() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(given: str) -> Recipe:
    """A recipe by name, or by the path of a YAML file (with a slash or an ending `.yaml`).

    Raises:
        UserError: no recipe of that name, an unreadable file, or steps that do not fit their settings.
    """
    named = "/" not in given and Path(given).suffix not in (".yaml", ".yml")
    path = RECIPES / f"{given}.yaml" if named else Path(given)
    if named and not path.is_file():
        raise UserError(
            f"no recipe is called '{given}'",
            fix=f"known recipes: {', '.join(recipe_names())}; or give the path of a YAML file",
        )
    value = read_yaml(path)
    if not isinstance(value, dict):
        raise SettingsError(["expected the keys name and steps"], where=str(path))
    return validate_settings(Recipe, {"name": path.stem} | value, where=str(path))


def _resolve(value: Any) -> Any:
    if isinstance(value, str):
        return load_recipe(value)
    return {"name": "inline"} | value if isinstance(value, dict) else value


# a settings field: the name of a recipe, the path of one, or the recipe itself
RecipeField = Annotated[Recipe, BeforeValidator(_resolve)]


def build(settings: StepSettings) -> Step:
    """The step of these settings; its module (and what it needs) is imported only now."""
    module, name = _STEPS[settings.step]
    return getattr(importlib.import_module(module), name)(settings)
