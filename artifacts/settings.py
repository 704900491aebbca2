"""Typed settings: unknown keys refused with the nearest known one, all faults reported at once."""

from __future__ import annotations

import copy
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from artifacts.errors import SettingsError
from artifacts.files import read_yaml

S = TypeVar("S", bound="Settings")


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, defaults validated too."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    def resolved(self) -> dict[str, Any]:
        """Every setting with its value, JSON-ready: what manifests and digests hold."""
        return self.model_dump(mode="json")


def load_settings(
    cls: type[S],
    path: Path | None = None,
    overrides: Sequence[str] = (),
    **given: Any,
) -> S:
    """Build settings from a YAML file, then `given` values, then `key.path=value` overrides.

    Args:
        cls: The settings class.
        path: YAML file, or None for the defaults.
        overrides: Command-line overrides; the value is read as YAML (`--set train.epochs=2`).
        given: Values from command-line options; None means "not given".

    Raises:
        SettingsError: with every fault found, each naming its key.
        InputError: if the file is absent or not YAML.
    """
    data = read_yaml(path) if path else {}
    where = str(path) if path else None
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SettingsError([f"expected keys and values, found {type(data).__name__}"], where=where)
    data.update({key: value for key, value in given.items() if value is not None})
    apply_overrides(data, overrides)
    return validate_settings(cls, data, where=where)


def overlay(under: Any, given: Any) -> Any:
    """Values over others: groups of keys are joined, at every depth; anything else is replaced."""
    if isinstance(under, Mapping) and isinstance(given, Mapping):
        return {**under, **{key: overlay(under.get(key), value) for key, value in given.items()}}
    return given


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> None:
    """Set `a.b.c=value` entries in `data`, in order, in place; `a.0.c` is about the first entry of a list.

    Raises:
        SettingsError: with every fault found: no `key=value`, no YAML, no group of keys, no such entry of a list.
    """
    faults = []
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator or not key.strip():
            faults.append(f"--set {override!r}: expected key.path=value")
            continue
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            faults.append(f"--set {override!r}: the value is not YAML")
            continue
        try:
            _put(data, key.strip().split("."), value)
        except LookupError as fault:
            faults.append(f"--set {override!r}: {fault.args[0]}")
    if faults:
        raise SettingsError(faults)


def _put(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set one value; groups that are not there are made.

    What is stepped into is copied first: YAML's aliases are one object, and only the place named is meant.

    Raises:
        LookupError: the path leads through a plain value, or to an entry that a list does not have.
    """
    *parents, last = path
    node: Any = data
    for part in parents:
        place = _place(node, part)
        inner = node[place] if isinstance(node, list) or place in node else {}
        if not isinstance(inner, dict | list):
            raise LookupError(f"'{part}' holds a value, not a group of keys")
        node[place] = copy.copy(inner)
        node = node[place]
    node[_place(node, last)] = value


def _place(node: dict[str, Any] | list[Any], part: str) -> str | int:
    """What one word of a path names in a group of keys, or in a list."""
    if isinstance(node, dict):
        return part
    if not part.isdecimal() or int(part) >= len(node):
        known = f"0 to {len(node) - 1}" if node else "none, it is empty"
        raise LookupError(f"'{part}' is no entry of that list; entries: {known}")
    return int(part)


def validate_settings(cls: type[S], data: dict[str, Any], where: str | None = None) -> S:
    """Validate `data` against `cls`, turning pydantic's report into one plain SettingsError."""
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        raise SettingsError(faults_of(cls, error), where=where) from None


def faults_of(cls: type[BaseModel], error: ValidationError) -> list[str]:
    """What pydantic reports of `cls`, a plain line a fault, each naming its key."""
    return [_fault(cls, item) for item in error.errors()]


def _fault(cls: type[BaseModel], item: dict[str, Any]) -> str:
    path = ".".join(str(part) for part in item["loc"]) or "(top)"
    if item["type"] == "extra_forbidden":
        known = _known_keys(cls, item["loc"][:-1])
        near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1, cutoff=0.0)
        hint = f"; did you mean '{near[0]}'? (known: {', '.join(sorted(known))})" if near else ""
        return f"{path}: unknown key{hint}"
    if item["type"] == "missing":
        return f"{path}: required, not given"
    return f"{path}: {item['msg']} (found {item['input']!r:.80})"


def _known_keys(cls: Any, location: Sequence[Any]) -> list[str]:
    """Field names of the model reached by walking `location` from `cls`."""
    models = [cls]
    for part in location:
        following = []
        for model in models:
            field = model.model_fields.get(part) if isinstance(part, str) else None
            following += _models_in(field.annotation) if field else []
        # a list index stays at the same models; the tag of a union narrows them to those that bear it
        models = following or [model for model in models if _bears_tag(model, part)] or models
    return sorted({name for model in models for name in model.model_fields})


def _bears_tag(model: type[BaseModel], tag: Any) -> bool:
    return any(
        typing.get_origin(field.annotation) is typing.Literal and tag in typing.get_args(field.annotation)
        for field in model.model_fields.values()
    )


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in (None, types.NoneType):
        return []
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]
