"""The runs of a profile: every model it tunes and every base it asks, study by study, with what each takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

from artifacts.settings import validate_settings
from data_curation.rewrite import REWRITE
from experiments.cells import Cell
from experiments.estimate import Cost, Rate, cost_of, rewriting_cost
from experiments.grid import condition_cells
from experiments.missing import available_bases, bases_of
from experiments.profiles import Profile
from experiments.sources import responses_cell
from experiments.study import Study


@dataclass(frozen=True)
class Run:
    """One condition: a model that is tuned, a base that is asked as it is; or a set of responses that is rewritten.

    Attributes:
        study: The first study that asks for it.
        shared: Further studies that do.
        base: Label of the base weights, or the model that rewrites.
        how: `rt`, `it`, how an untuned base is asked (`untuned`, `urial`, `urial-r`, `zero-shot`), or `rewrite`.
        response_set: What it is tuned on, with the recipe where there is one, or what is made; None: nothing.
        num_refusals, strategy, seed: Of the mixture and of tuning; None: not tuned.
        cost: What tuning or rewriting takes.
        done: Whether its artifact is there.
        left_out: Why the plan does not have it; None: it does.
        place: Its folder below RT_HOME; None: not planned.
    """

    study: str
    base: str
    how: str
    response_set: str | None = None
    num_refusals: int | None = None
    strategy: str | None = None
    seed: int | None = None
    cost: Cost = field(default_factory=Cost)
    done: bool = False
    left_out: str | None = None
    place: str | None = None
    shared: tuple[str, ...] = ()

    @property
    def tuned(self) -> bool:
        """Whether a model is tuned."""
        return self.how in ("rt", "it")

    @property
    def rewritten(self) -> bool:
        """Whether responses are rewritten."""
        return self.how == REWRITE.name

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON; unknown numbers are null."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "cost"}
        return own | {"shared": list(self.shared)} | self.cost.as_json()


def runs_of(profile: Profile, rate: Rate) -> list[Run]:
    """All runs, each once, in the order of the profile's studies; then those of studies that it leaves out."""
    found: dict[str, Run] = {}
    for study in profile.studies.values():
        for run in _of_study(profile, study, rate):
            first = found.setdefault(run.place, run)
            if first is not run and study.name not in (first.study, *first.shared):
                found[run.place] = replace(first, shared=(*first.shared, study.name))
    return [*found.values(), *_left_out(profile)]


def _of_study(profile: Profile, study: Study, rate: Rate) -> Iterator[Run]:
    for name in study.sources:
        if name in profile.rewrites:
            cell = responses_cell(profile, name)
            facts = {"base": cell.settings.model.name.rsplit("/", 1)[-1], "how": REWRITE.name, "response_set": name}
            yield Run(study.name, **facts, cost=rewriting_cost(cell, rate), done=cell.is_done(), place=cell.place)
    for base in available_bases(profile, study):
        for cell in condition_cells(profile, study, base):
            facts = {"study": study.name, "base": base.label, "done": cell.is_done(), "place": cell.place}
            if cell.stage.name == "train":
                yield Run(**facts, **_tuned(cell), cost=cost_of(cell, rate))
            else:
                style = cell.settings.style
                yield Run(**facts, how="untuned" if style == "chat" else style)


def _tuned(cell: Cell) -> dict[str, Any]:
    mixed, settings = cell.inputs["trainset"], cell.settings
    recipe = mixed.inputs["base"].settings.recipe
    return {
        "how": settings.method,
        "response_set": mixed.settings.response_set + (f" ({recipe.name})" if recipe.steps else ""),
        "num_refusals": mixed.settings.num_refusals,
        "strategy": mixed.settings.strategy if mixed.settings.num_refusals else None,
        "seed": settings.seed,
    }


def _left_out(profile: Profile) -> Iterator[Run]:
    """Runs of studies that the plan does not have, where their grid is given: only their conditions are known."""
    for one in profile.left_out:
        if one.grid is None or one.study in profile.studies:
            continue
        where = f"profile {profile.name}, left_out: {one.study}"
        study = validate_settings(Study, one.grid | {"name": one.study}, where=where)
        for base in bases_of(profile, study):
            facts = {"study": one.study, "base": base.label, "left_out": one.reason}
            if study.untuned:
                yield Run(**facts, how="untuned")
            yield from (Run(**facts, how=style) for style in study.in_context)
            for source, _ in study.bodies:
                for method in study.methods:
                    for count in study.num_refusals:
                        for seed in study.seeds:
                            yield Run(**facts, how=method, response_set=source, num_refusals=count, seed=seed)
