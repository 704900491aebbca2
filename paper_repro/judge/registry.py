"""Judges as data: each is a folder with `judge.yaml` (name, version, what it measures) and the module that does it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pydantic import Field

from artifacts.errors import UserError
from artifacts.files import read_yaml
from artifacts.settings import Settings, overlay, validate_settings
from paper_repro.judge.schema import Opinion

FOLDER = Path(__file__).resolve().parent
PEOPLE = "human-"  # beginning of the names of judges that are people: cards alone, their verdicts come by `rt annotate`
Count = dict[Literal["n", "agree"], int]


class Agreement(Settings):
    """How often a judge agreed with labels made by hand: on what data, and in which part of it.

    A part that was not judged is None. A language-model judge agrees as its model does: `data` names the model.
    """

    data: str
    development: Count | None = None
    held_out: Count
    development_by_kind: dict[str, Count] = Field(default_factory=dict)
    held_out_by_kind: dict[str, Count] = Field(default_factory=dict)


class JudgeCard(Settings):
    """What `judge.yaml` says.

    Attributes:
        name: Name of the judge, as in verdicts and results.
        version: Raised whenever it would judge otherwise; part of every verdicts artifact's identity.
        kind: What it works with.
        module: Python module with `Parameters` and `judge(rows, parameters, scratch) -> list[Opinion]`; of a
            language-model judge, with what `paper_repro.judge.llm` says.
        title: Name for people.
        measures: What its verdicts mean, and what they do not.
        labels: Labels it gives.
        unclassified: When it gives none.
        raw: What the column `raw` holds.
        pairs: Whether it compares two replies to each prompt.
        defaults: Values of parameters where none are given (a language-model judge's model).
        parameters: Meaning of each parameter.
        agreement: Measured agreement with labels made by hand, where there is one.
        validation: The same on the package's labelled replies (`rt judges validate`), made when the judge was frozen.
    """

    name: str
    version: int
    kind: Literal["rules", "embeddings", "people", "llm"]
    module: str
    title: str
    measures: str
    labels: tuple[str, ...]
    unclassified: str
    raw: str
    pairs: bool = False
    defaults: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, str] = Field(default_factory=dict)
    agreement: Agreement | None = None
    validation: Agreement | None = None

    @property
    def code(self) -> ModuleType:
        """The module that judges."""
        return importlib.import_module(self.module)

    @property
    def parameters_class(self) -> type[Settings]:
        """Settings class of the judge's parameters."""
        return self.code.Parameters

    def resolve(self, given: Mapping[str, Any]) -> Settings:
        """The judge's parameters: those given, over its defaults. Another model does not inherit the revision.

        Raises:
            SettingsError: with every fault found.
        """
        defaults, own, model = self.defaults, self.defaults.get("model", {}), given.get("model")
        if isinstance(model, Mapping) and model.get("name", own.get("name")) != own.get("name"):
            defaults = defaults | {"model": {key: value for key, value in own.items() if key != "revision"}}
        return validate_settings(self.parameters_class, overlay(defaults, given))

    @property
    def judge(self) -> Callable[[Sequence[dict[str, Any]], Any, Path], list[Opinion]]:
        """The function that judges."""
        return self.code.judge


def judge_names() -> list[str]:
    """Names of all judges that `rt judge` can ask."""
    return [name for name in _folders() if not name.startswith(PEOPLE)]


def _folders() -> list[str]:
    return sorted(path.parent.name.replace("_", "-") for path in FOLDER.glob("*/judge.yaml"))


def load_judge(name: str) -> JudgeCard:
    """The card of a judge; an unknown name is refused with the known ones."""
    if name not in _folders():
        raise UserError(f"no judge is called '{name}'", fix=f"known judges: {', '.join(judge_names())}")
    path = FOLDER / name.replace("-", "_") / "judge.yaml"
    card = validate_settings(JudgeCard, read_yaml(path), where=str(path))
    if card.name != name:
        raise UserError(f"the judge's name is '{card.name}', its folder's '{name}'", where=str(path))
    return card
