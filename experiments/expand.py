"""From a profile to its cells: collect -> curate -> mix -> train -> generate -> judge -> score -> report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product

from artifacts.errors import SettingsError
from artifacts.published import PUBLISHED
from artifacts.stage import input_digest
from data_curation.collect import CollectSettings, stage_of
from data_curation.curate import CURATE, CurateSettings
from data_curation.mix import MIX, MixSettings
from experiments.cells import Cell, walk
from experiments.profiles import Profile, Study
from paper_repro.generate import GENERATE
from paper_repro.judge import JUDGE
from paper_repro.models import ModelSource
from paper_repro.report import REPORT
from paper_repro.score import SCORE, ScoreSettings
from paper_repro.train import TRAIN


def plan_cells(profile: Profile) -> list[Cell]:
    """All cells of a profile, each once, upstream first; the last one is the report.

    Raises:
        SettingsError: the profile asks for what it does not collect.
    """
    return walk([*_collected(profile), _report(profile)])


def pins_of(cells: Iterable[Cell]) -> list[str]:
    """Names of the pins that these cells read: sources, base weights, encoders."""
    return sorted({name for cell in cells for name in cell.pins})


def _collect(source: str) -> Cell:
    settings = CollectSettings(source=source)
    return Cell(stage_of(settings), source, settings)


def _collected(profile: Profile) -> list[Cell]:
    names = (*profile.corpora, *((profile.refusals,) if profile.refusals else ()), *profile.prompts)
    return [_collect(name) for name in names]


def _curated(source: str, recipe: str) -> Cell:
    settings = CurateSettings(recipe=recipe)
    # recipes may be files: only their name is part of the folder's
    label = f"{source}-{re.sub(r'[^A-Za-z0-9_-]+', '-', settings.recipe.name)}"
    return Cell(CURATE, label, settings, ("{input}",), {"input": _collect(source)})


def _mixed(study: Study, response_set: str, count: int, strategy: str, pool: str | None) -> Cell:
    settings = MixSettings(
        response_set=response_set, base_size=study.base_size, num_refusals=count, strategy=strategy, seed=0
    )
    inputs = {"base": _curated(response_set, study.recipe)}
    arguments = ["--base", "{base}"]
    if count and pool:
        inputs["pool"] = _collect(pool)
        arguments += ["--pool", "{pool}"]
    label = f"{inputs['base'].label}-{count}" + (f"-{strategy}" if count else "")
    return Cell(MIX, label, settings, tuple(arguments), inputs)


def _weights(base: ModelSource) -> dict[str, str]:
    """Digest of a local folder of weights: its name does not say what is in it."""
    return {name: input_digest(path) for name, path in base.inputs().items()}


def _models(profile: Profile, study: Study) -> Iterator[Cell]:
    """One tuned model per combination; without refusals the strategy makes no difference, so it is tuned once."""
    for response_set, method, count, seed in product(
        study.response_sets, study.methods, study.num_refusals, study.seeds
    ):
        for strategy in study.strategies if count else study.strategies[:1]:
            mixed = _mixed(study, response_set, count, strategy, profile.refusals)
            settings = profile.train.model_copy(update={"method": method, "seed": seed})
            label = f"{mixed.label}-{method}-{seed}"
            yield Cell(TRAIN, label, settings, ("{trainset}",), {"trainset": mixed}, _weights(settings.base))


def _generations(profile: Profile, study: Study) -> Iterator[Cell]:
    prompts = {f"prompts-{name}": _collect(name) for name in profile.prompts}
    arguments = tuple(argument for name in prompts for argument in ("--prompts", f"{{{name}}}"))
    if study.untuned:
        untuned = profile.generate.model_copy(update={"base": profile.train.base})
        yield Cell(GENERATE, "untuned", untuned, arguments, prompts, _weights(profile.train.base))
    for model in _models(profile, study):
        inputs = prompts | {"model": model}
        yield Cell(GENERATE, model.label, profile.generate, (*arguments, "--model", "{model}"), inputs)


def _verdicts(profile: Profile, study: Study) -> Iterator[Cell]:
    for generations, judge in product(_generations(profile, study), profile.judges):
        label = f"{generations.label}-{judge.judge}"
        yield Cell(JUDGE, label, judge, ("{generations}",), {"generations": generations})


def _scores(profile: Profile, study: Study) -> Cell:
    verdicts = {f"verdicts-{cell.label}": cell for cell in _verdicts(profile, study)}
    settings = profile.score or ScoreSettings(study=study.name)
    return Cell(SCORE, study.name, settings, tuple(f"{{{name}}}" for name in verdicts), verdicts)


def _report(profile: Profile) -> Cell:
    inputs: dict[str, Cell] = {}
    arguments: list[str] = []
    for source, recipe in product(profile.curation.corpora, profile.curation.recipes):
        cell = _curated(source, recipe)
        inputs[f"curated-{cell.label}"] = cell
        arguments += ["--curated", f"{cell.label}={{curated-{cell.label}}}"]
    if profile.study:
        inputs["scores"] = _scores(profile, profile.study)
        arguments += ["--scores", "{scores}"]
    _check(profile, inputs)
    extra = {} if profile.report.source == "run" else {"published": input_digest(PUBLISHED)}
    return Cell(REPORT, profile.name, profile.report, tuple(arguments), inputs, extra)


def _check(profile: Profile, inputs: dict[str, Cell]) -> None:
    """What a profile may ask for although each of its settings is well formed by itself."""
    faults = []
    needed = {*profile.curation.corpora, *(profile.study.response_sets if profile.study else ())}
    if needed - set(profile.corpora):
        faults.append(f"corpora: lacks {', '.join(sorted(needed - set(profile.corpora)))}, used below")
    if profile.study:
        if any(profile.study.num_refusals) and not profile.refusals:
            faults.append("refusals: required, as study.num_refusals asks for some")
        if not profile.prompts:
            faults.append("prompts: required, as there is a study")
        if not profile.judges:
            faults.append("judges: required, as there is a study")
    made = bool(profile.study or profile.curation.corpora)
    if made and profile.report.source == "published":
        faults.append("report.source: 'published' leaves out what study and curation make; use 'both' or 'run'")
    if not profile.study and profile.report.source != "published":
        faults.append(f"report.source: '{profile.report.source}' needs a study")
    if faults:
        raise SettingsError(faults, where=f"profile {profile.name}")
