"""The cells of a study: its grid of conditions, from the mixture to the scores."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from artifacts.errors import SettingsError
from artifacts.settings import overlay, validate_settings
from artifacts.stage import input_digest
from data_curation.mix import MIX, MixSettings
from data_curation.recipe import Recipe
from experiments.cells import Cell, by_label
from experiments.missing import available_bases
from experiments.profiles import Profile
from experiments.sources import collect_cell, curated_cell
from experiments.study import Study
from experiments.verdicts import is_length_controlled, judge_cells
from paper_repro.capabilities.settings import CapabilitiesSettings
from paper_repro.capabilities.stage import CAPABILITIES
from paper_repro.generate import GENERATE, GenerateSettings
from paper_repro.judge import JudgeSettings
from paper_repro.models import ModelSource
from paper_repro.score import SCORE
from paper_repro.score.length_controlled import GAMED_PIN
from paper_repro.train import TRAIN, TrainSettings

ONLY_WITH_REFUSALS = (
    "encoder",
    "selection",
    "refusal_rule",
)  # of mixing; without any, a set is what other studies have


def score_cell(profile: Profile, study: Study) -> Cell | None:
    """The cell of a study's scores, with all it needs; None where no base of the study can be had.

    Raises:
        SettingsError: a judge of the study has nothing to judge, or nothing is measured at all.
        UserError: two different cells of verdicts have one label.
    """
    verdicts = by_label("verdicts", _verdicts(profile, study))
    if not verdicts:
        if available_bases(profile, study):
            raise _unfit(profile, study, "judges: nothing is judged or measured, so there is nothing to score")
        return None
    settings = profile.score.model_copy(update={"study": study.name})
    wishes = (GAMED_PIN,) if any(map(is_length_controlled, verdicts.values())) else ()
    return Cell(SCORE, study.name, settings, tuple(f"{{{name}}}" for name in verdicts), verdicts, wishes=wishes)


def sample_cells(profile: Profile, study: Study) -> list[Cell]:
    """Cells of the replies that the report shows samples of.

    Of the first base, response set, rate, strategy and seed, under every method and number of refusals; of all arms.
    """
    bases = available_bases(profile, study)
    if not study.samples or not bases:
        return []
    first = {name: getattr(study, name)[:1] for name in ("response_sets", "seeds", "learning_rates", "strategies")}
    asked = list(dict.fromkeys(_asked(profile, study, judge) for judge in _judges(profile, study)))
    study = study.model_copy(update=first)
    return [cell for names in asked for cell in _generations(profile, study, bases[0], names)]


def asked_prompts(profile: Profile, study: Study) -> dict[str, tuple[str, ...]]:
    """Judge to the prompts that it judges replies to; those of equal prompts share the replies."""
    return {judge.judge: _asked(profile, study, judge) for judge in _judges(profile, study)}


def condition_cells(profile: Profile, study: Study, base: ModelSource) -> list[Cell]:
    """The cell that decides each condition: a tuned model, or the replies of the base itself."""
    names = _asked(profile, study, next(iter(_judges(profile, study)), None))
    return [cell.inputs.get("model", cell) for cell in _generations(profile, study, base, names)]


def _judges(profile: Profile, study: Study) -> list[JudgeSettings]:
    return [settings for settings in profile.judges if study.judges is None or settings.judge in study.judges]


def _asked(profile: Profile, study: Study, judge: JudgeSettings | None) -> tuple[str, ...]:
    """Prompts of the study that a judge judges replies to."""
    every = profile.prompts if study.prompts is None else study.prompts
    return every if judge is None else study.asked_of.get(judge.judge, every)


def _verdicts(profile: Profile, study: Study) -> Iterator[Cell]:
    for base in available_bases(profile, study):
        for judge in _judges(profile, study):
            replies = list(_generations(profile, study, base, _asked(profile, study, judge)))
            judged = list(judge_cells(judge, replies, study.against))
            if not judged:
                raise _unfit(profile, study, _nothing_to_judge(study, judge))
            yield from judged
        yield from _capabilities(profile, study, base)
        if study.planted_faults:
            yield from (_faults(model) for model in _models(profile, study, base))


def _nothing_to_judge(study: Study, judge: JudgeSettings) -> str:
    if study.against is None:
        return f"judges: {judge.judge} has no replies to judge"
    why = "the study has no such condition, or no other beside it"
    return f"against: {study.against} gives {judge.judge} no pair to compare: {why}"


def _unfit(profile: Profile, study: Study, fault: str) -> SettingsError:
    return SettingsError([f"studies.{study.name}.{fault}"], where=f"profile {profile.name}")


def _capabilities(profile: Profile, study: Study, base: ModelSource) -> Iterator[Cell]:
    """Core capabilities of the base as it is and of every tuned model."""
    if not study.core:
        return
    common = validate_settings(CapabilitiesSettings, profile.capabilities.resolved() | {"tasks": study.core})
    pins = tuple(part.pin for benchmark in common.benchmarks for part in benchmark.parts)
    if study.untuned:
        settings, label = common.model_copy(update={"base": base}), _label(profile, base, "untuned-core")
        yield Cell(CAPABILITIES, label, settings, extra=_weights(base), reads=pins)
    for model in _models(profile, study, base):
        yield Cell(CAPABILITIES, f"{model.label}-core", common, ("--model", "{model}"), {"model": model}, reads=pins)


def _faults(model: Cell) -> Cell:
    """What is left of the planted faults in the rows that a model was tuned on."""
    # the world's words and its grammar: only where a study asks for them
    from paper_repro.testbed.sets.faults import FAULTS, FaultsSettings

    trainset = model.inputs["trainset"]
    inputs = {"model": model, "trainset": trainset, "corpus": trainset.inputs["base"].inputs["input"]}
    arguments = ("{model}", "--trainset", "{trainset}", "--corpus", "{corpus}")
    return Cell(FAULTS, f"{model.label}-faults", FaultsSettings(), arguments, inputs, words=("testbed", "faults"))


def _generations(profile: Profile, study: Study, base: ModelSource, names: tuple[str, ...]) -> Iterator[Cell]:
    prompts = {f"prompts-{name}": collect_cell(profile, name) for name in names}
    arguments = tuple(argument for name in prompts for argument in ("--prompts", f"{{{name}}}"))
    if study.untuned:
        settings = _of_base(profile, base)
        yield Cell(GENERATE, _label(profile, base, "untuned"), settings, arguments, prompts, _weights(base))
    for style in study.in_context:
        yield _in_context(profile, study, base, style, prompts, arguments)
    for model in _models(profile, study, base):
        inputs = prompts | {"model": model}
        yield Cell(GENERATE, model.label, profile.generate, (*arguments, "--model", "{model}"), inputs)


def _in_context(
    profile: Profile, study: Study, base: ModelSource, style: str, prompts: dict[str, Cell], arguments: tuple[str, ...]
) -> Cell:
    settings = _of_base(profile, base, style=style, template=study.template)
    inputs = dict(prompts)
    if study.demonstrations and style != "zero-shot":
        inputs["demonstrations"] = collect_cell(profile, study.demonstrations)
        arguments = (*arguments, "--demonstrations", "{demonstrations}")
    return Cell(GENERATE, _label(profile, base, style), settings, arguments, inputs, _weights(base))


def _of_base(profile: Profile, base: ModelSource, **more: str) -> GenerateSettings:
    return validate_settings(GenerateSettings, profile.generate.resolved() | {"base": base.resolved()} | more)


def _models(profile: Profile, study: Study, base: ModelSource) -> Iterator[Cell]:
    """One tuned model per combination; without refusals the strategy makes no difference, so it is tuned once.

    A rate stands in a label only where it is not the common one, so that studies share what they have in common.
    """
    where = f"profile {profile.name}, studies.{study.name}.train"
    given = overlay(profile.train.resolved(), study.train) | {"base": base}
    common = validate_settings(TrainSettings, given, where=where)
    weights = _weights(base)
    rates = study.learning_rates or (common.learning_rate,)
    for body, method, count, seed, rate in product(study.bodies, study.methods, study.num_refusals, study.seeds, rates):
        for strategy in study.strategies if count else study.strategies[:1]:
            mixed = _mixed(profile, study, body, count, strategy, seed if study.resample else 0)
            settings = common.model_copy(update={"method": method, "seed": seed, "learning_rate": rate})
            text = f"{mixed.label}-{method}-{seed}" + (f"-rate-{rate:g}" if rate != common.learning_rate else "")
            yield Cell(TRAIN, _label(profile, base, text), settings, ("{trainset}",), {"trainset": mixed}, weights)


def _mixed(
    profile: Profile, study: Study, body: tuple[str, str | Recipe], count: int, strategy: str, seed: int
) -> Cell:
    size = study.base_sizes.get(body[0], study.base_size)
    condition = {"response_set": body[0], "base_size": size, "num_refusals": count, "strategy": strategy}
    more = _mix_given(study, count, strategy)
    where = f"profile {profile.name}, studies.{study.name}.mix"
    settings = validate_settings(MixSettings, more | condition | {"seed": seed}, where=where)
    inputs = {"base": curated_cell(profile, *body)}
    arguments = ["--base", "{base}"]
    if count and (refusals := study.refusals or profile.refusals):
        inputs["pool"] = collect_cell(profile, refusals)
        arguments += ["--pool", "{pool}"]
    label = f"{inputs['base'].label}-{count}" + (f"-{strategy}" if count else "") + (f"-sample-{seed}" if seed else "")
    unused = () if count and strategy in ("diverse", "targeted") else ("encoder",)
    unused += () if settings.refusal_rule == "detector" else ("selection",)  # its detector's encoder
    return Cell(MIX, label, settings, tuple(arguments), inputs, unused=unused)


def _mix_given(study: Study, count: int, strategy: str) -> dict[str, Any]:
    """What the study says of mixing, less what has no effect here: so that studies share what they have in common."""
    given = {key: value for key, value in study.mix.items() if count or key not in ONLY_WITH_REFUSALS}
    if strategy != "targeted" and isinstance(given.get("selection"), dict):
        rest = {key: value for key, value in given["selection"].items() if key != "topics"}
        given = {key: value for key, value in given.items() if key != "selection"} | (
            {"selection": rest} if rest else {}
        )
    return given


def _label(profile: Profile, base: ModelSource, text: str) -> str:
    """A readable name: the base stands in it where it is not the profile's own."""
    return text if base == profile.train.base else f"{base.label}-{text}"


def _weights(base: ModelSource) -> dict[str, str]:
    """Digest of a folder of weights: its name does not say what is in it."""
    return {name: input_digest(path) for name, path in base.inputs().items()}
