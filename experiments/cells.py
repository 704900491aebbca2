"""Cells: one stage run of a profile, named by a digest of everything that decides it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from artifacts.digests import digest_file, digest_json
from artifacts.errors import ResponseTuningError, UserError
from artifacts.files import write_json, write_text
from artifacts.manifest import is_artifact, read_manifest, verify_outputs
from artifacts.pins import PINS
from artifacts.settings import Settings
from artifacts.shipped import shipped_names
from artifacts.stage import Stage
from artifacts.store import rt_home
from paper_repro.models import ModelSource


@dataclass(frozen=True, eq=False)
class Cell:
    """One stage with settings and upstream cells.

    The folder's name holds a digest over stage, version, settings, package versions, threads and the
    keys of all upstream cells: other settings live in another folder, and a finished folder is never stale.

    Attributes:
        stage: What is done.
        label: Readable name, e.g. `dolly-RT-100-paper`.
        settings: The stage's settings.
        arguments: The command line after `rt <stage>`, without settings and output; it may name
            upstream folders as `{input name}`.
        inputs: Input name to upstream cell.
        extra: Further digests that decide the result, of files that no cell makes.
        words: The command's words after `rt`, where they are not the stage's name.
        reads: Pins that the stage reads beside those that its settings mention.
        wishes: Pins that the stage reads where they can be had; without them it says what it could not make. So they do
            not decide its key.
        unused: Settings that have no effect beside the others; pins that they name are not read.
        given: Input name to a value that the plan itself gives, as the JSON file `<name>.json`.
    """

    stage: Stage
    label: str
    settings: Settings
    arguments: tuple[str, ...] = ()
    inputs: Mapping[str, Cell] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    wishes: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """Digest (hex) of all that decides this cell's result."""
        upstream = {name: cell.key for name, cell in self.inputs.items()}
        pins = {f"pin-{name}": digest_file(PINS / f"{name}.yaml") for name in self.pins}
        given = {name: digest_json(value) for name, value in self.given.items()}
        return digest_json(self.stage.key(self.settings, {**upstream, **pins, **self.extra, **given}))

    @cached_property
    def pins(self) -> list[str]:
        """Names of the pins that are read: that the settings mention (sources, base weights, encoders), and `reads`."""
        settings = {name: value for name, value in self.settings.resolved().items() if name not in self.unused}
        mentioned = (name for name in _mentions(settings) if _is_fetched(name))
        return sorted({*mentioned, *self.reads})

    @property
    def repository(self) -> ModelSource | None:
        """The base weights that are read, where they are of a hub repository that no pin names."""
        base = getattr(self.settings, "base", None)
        return base if isinstance(base, ModelSource) and base.in_repository else None

    @property
    def name(self) -> str:
        """Folder name below the stage's folder."""
        return f"{self.label}-{self.key[:10]}"

    @property
    def place(self) -> str:
        """Folder below RT_HOME, by which a workflow knows the cell."""
        return f"{self.stage.name}/{self.name}"

    @property
    def folder(self) -> Path:
        """Absolute folder of this cell's artifact."""
        return rt_home() / self.place

    @property
    def plan_folder(self) -> Path:
        """Folder of what is written for this cell before the workflow starts."""
        return rt_home() / "plans" / self.stage.name / self.name

    @property
    def log(self) -> Path:
        """What the cell's command wrote while it ran."""
        return rt_home() / "logs" / self.stage.name / f"{self.name}.log"

    def write_plan(self) -> None:
        """Write the settings and the given values where the command reads them."""
        settings = yaml.safe_dump(self.settings.resolved(), sort_keys=False, allow_unicode=True)
        write_text(self.plan_folder / "settings.yaml", settings)
        for name, value in self.given.items():
            write_json(self.plan_folder / f"{name}.json", value)

    def is_done(self) -> bool:
        """Whether the artifact is there with all files at their recorded sizes."""
        if not is_artifact(self.folder):
            return False
        try:
            verify_outputs(read_manifest(self.folder), contents=False)
        except ResponseTuningError:
            return False
        return True

    def command(self) -> list[str]:
        """The `rt` command that makes this cell."""
        paths = {name: str(cell.folder) for name, cell in self.inputs.items()}
        paths |= {name: str(self.plan_folder / f"{name}.json") for name in self.given}
        # no format(): the name of an input may hold a dot
        arguments = [re.sub(r"\{([^{}]+)\}", lambda named: paths[named[1]], text) for text in self.arguments]
        settings = ["--settings", str(self.plan_folder / "settings.yaml"), "--out", str(self.folder), "--overwrite"]
        return ["rt", *(self.words or (self.stage.name,)), *arguments, *settings]


def _is_fetched(name: str) -> bool:
    """Whether there is a pin of that name whose files are fetched; what comes with this package is an input."""
    return "/" not in name and (PINS / f"{name}.yaml").is_file() and name not in shipped_names()


def _mentions(value: object) -> Iterator[str]:
    """Every string in resolved settings under a key that may name a pin."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("source", "name", "model") and isinstance(inner, str):
                yield inner
            yield from _mentions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _mentions(inner)


def by_label(kind: str, cells: Iterable[Cell]) -> dict[str, Cell]:
    """Cells by the names `<kind>-<label>` that they have as inputs of another.

    Raises:
        UserError: two different cells have one label: one of them would silently stand for both.
    """
    found: dict[str, Cell] = {}
    for cell in cells:
        first = found.setdefault(f"{kind}-{cell.label}", cell)
        if first.place != cell.place:
            fix = "give what they are made of (recipes, folders of weights, judges) names of their own"
            raise UserError(f"two different cells have the label {cell.label}", where=cell.stage.name, fix=fix)
    return found


def walk(targets: Iterable[Cell]) -> list[Cell]:
    """All cells that `targets` need, each once (equal keys are one cell), upstream first."""
    found: dict[tuple[str, str], Cell] = {}

    def visit(cell: Cell) -> None:
        if (key := (cell.stage.name, cell.name)) not in found:
            for upstream in cell.inputs.values():
                visit(upstream)
            found[key] = cell

    for target in targets:
        visit(target)
    return list(found.values())
