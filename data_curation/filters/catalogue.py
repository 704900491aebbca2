"""The filters there are: every module of this package that defines `judge`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from artifacts.settings import Settings
from data_curation import filters
from data_curation.filters.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter.

    Attributes:
        name: The module's name, and the step's in a recipe.
        settings: Its settings class.
        judge: `judge(text, settings)`.
    """

    name: str
    settings: type[Settings]
    judge: Callable[[str, Any], Outcome]


@cache
def catalogue() -> dict[str, Filter]:
    """All filters by name, in alphabetical order. Every module of the package is imported, so none may import much.

    Raises:
        TypeError: a module defines `judge` but no settings whose `step` is the module's name.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(filters.__path__))
    modules = [importlib.import_module(f"{filters.__name__}.{name}") for name in names]
    return {found.name: found for found in map(read_filter, modules) if found is not None}


def read_filter(module: ModuleType) -> Filter | None:
    """The filter that a module defines, or None for a helper."""
    judge = getattr(module, "judge", None)
    if judge is None:
        return None
    name = module.__name__.rpartition(".")[2]
    for value in vars(module).values():
        field = value.model_fields.get("step") if isinstance(value, type) and issubclass(value, Settings) else None
        if field is not None and field.default == name:
            return Filter(name, value, judge)
    raise TypeError(f"{module.__name__} defines judge, but no Settings class with step: Literal['{name}'] = '{name}'")
