"""What a profile may ask for although each of its settings is well formed by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from artifacts.errors import SettingsError
from artifacts.shipped import shipped_card
from data_curation.recipe import Recipe
from data_curation.sources import SOURCES
from experiments.grid import asked_prompts
from experiments.missing import available_bases, bases_of
from experiments.profiles import Profile
from experiments.sources import TESTBED
from experiments.study import Study
from paper_repro.judge.registry import load_judge
from paper_repro.models import ModelSource


def check_profile(profile: Profile) -> None:
    """Refuse a profile whose parts do not fit together.

    Raises:
        SettingsError: with every fault found.
    """
    faults = [fault for faults_of in _OF_PROFILES for fault in faults_of(profile)]
    for study in profile.studies.values():
        faults += [fault for faults_of in _OF_STUDIES for fault in faults_of(profile, study)]
    if faults:
        raise SettingsError(faults, where=f"profile {profile.name}")


def _curation_faults(profile: Profile) -> Iterator[str]:
    studied = {name for study in profile.studies.values() for name in study.sources}
    origins = {one.of for one in profile.rewrites.values() if one.of}
    lacking = {*profile.curation.corpora, *studied, *origins} - {*profile.corpora, *profile.rewrites, *profile.cuts}
    if lacking:
        yield f"corpora: lacks {', '.join(sorted(lacking))}, used below"
    served = {server.model for server in profile.servers}
    asking = [name for name, one in profile.rewrites.items() if not one.rewrite.server.url]
    if profile.lanes and (bad := [name for name in asking if profile.rewrites[name].rewrite.model.name in served]):
        yield f"lanes: 0 is needed, as what comes after {', '.join(bad)} waits for a server's job"
    studies = profile.studies.values()
    if any(any(study.num_refusals) and not study.refusals for study in studies) and not profile.refusals:
        yield "refusals: required, as num_refusals of a study asks for some"
    for name in ("prompts", "judges"):
        if studies and not getattr(profile, name):
            yield f"{name}: required, as there is a study"


def _name_faults(profile: Profile) -> Iterator[str]:
    """A response set is one thing: a source, rows of one, or a rewritten set."""
    for key, made in (("rewrites", profile.rewrites), ("cuts", profile.cuts)):
        if twice := sorted({*profile.corpora} & {*made}):
            yield f"{key}: {', '.join(twice)} is the name of a corpus"
    if twice := sorted({*profile.cuts} & {*profile.rewrites}):
        yield f"cuts: {', '.join(twice)} is the name of a rewritten set"
    for name, cut in profile.cuts.items():
        if SOURCES.get(cut.of) is None or SOURCES[cut.of].kind != "corpus":
            yield f"cuts.{name}.of: '{cut.of}' is no pinned source of responses"
    for name, times in Counter(settings.judge for settings in profile.judges).items():
        if times > 1:
            yield f"judges: {name} is listed {times} times; verdicts go by the judge's name, so give each one a profile"


def _generate_faults(profile: Profile) -> Iterator[str]:
    if profile.generate.engine == "openai":
        why = "a run tunes its models itself and no server has them; the server's address would not reach the cells"
        yield f"generate.engine: 'openai' is not for a profile: {why} (rt generate --server asks one)"


def _report_faults(profile: Profile) -> Iterator[str]:
    made = bool(profile.studies or profile.curation.corpora)
    if made and profile.report.source == "published":
        yield "report.source: 'published' leaves out what studies and curation make; use 'both' or 'run'"
    if not profile.studies and profile.report.source != "published":
        yield f"report.source: '{profile.report.source}' needs a study"


def _study_faults(profile: Profile, study: Study) -> Iterator[str]:
    where = f"studies.{study.name}"
    if study.methods and not study.sources:
        yield f"{where}.response_sets: required, as methods asks for tuning"
    if study.arms and study.response_sets:
        yield f"{where}: arms stand in the place of response_sets; give one of them"
    if given := {"response_set", "base_size", "num_refusals", "strategy", "seed"}.intersection(study.mix):
        yield f"{where}.mix: {', '.join(sorted(given))} stands in the study itself"
    if "preset" in study.train:
        yield f"{where}.train.preset: is the profile's; a study gives single settings, which go over those of train"
    if study.learning_rates and "learning_rate" in study.train:
        yield f"{where}: learning_rates and train.learning_rate; give one of them"
    if study.planted_faults and (others := [name for name in study.sources if not name.startswith(TESTBED)]):
        yield f"{where}.planted_faults: nobody knows the faults of {', '.join(others)}; they are known of the testbed's"
    if not (study.methods or study.untuned or study.in_context):
        yield f"{where}: asks for nothing; give methods, untuned or in_context"


def _unknown_faults(profile: Profile, study: Study) -> Iterator[str]:
    where = f"studies.{study.name}"
    judges = tuple(settings.judge for settings in profile.judges)
    for name, known in (("prompts", profile.prompts), ("judges", judges)):
        unknown = [one for one in getattr(study, name) or () if one not in known]
        if unknown and known:
            yield f"{where}.{name}: {', '.join(unknown)} not among the profile's {name} ({', '.join(known)})"
    # of all that there are, not of the study alone: an override that takes fewer sets need not take their sizes away
    sets = tuple(dict.fromkeys([*study.sources, *profile.corpora, *profile.rewrites, *profile.cuts, *SOURCES]))
    if unknown := [name for name in study.base_sizes if name not in sets]:
        yield f"{where}.base_sizes: {', '.join(unknown)} not among the response sets ({', '.join(sets)})"


def _twin_faults(profile: Profile, study: Study) -> Iterator[str]:
    """Cells and results go by the names of base weights and of recipes: two of one name could not be told apart."""
    where = f"studies.{study.name}"
    bases: dict[str, ModelSource] = {}
    for base in bases_of(profile, study):
        if bases.setdefault(base.label, base) != base:
            yield f"{where}.bases: two are called {base.label}; take one, or give a folder another name"
    recipes: dict[tuple[str, str], Recipe] = {}
    for arm in study.arms:
        if recipes.setdefault((arm.response_set, arm.recipe.name), arm.recipe) != arm.recipe:
            yield f"{where}.arms: {arm.response_set} has two recipes of the name '{arm.recipe.name}'; rename one"


def _asked_faults(profile: Profile, study: Study) -> Iterator[str]:
    """Judges share the replies to equal prompts; others would be made twice, which the scores refuse at the end."""
    where = f"studies.{study.name}.asked_of"
    judges = [settings.judge for settings in profile.judges]
    if unknown := [name for name in study.asked_of if name not in judges]:
        yield f"{where}: {', '.join(unknown)} not among the profile's judges ({', '.join(judges)})"
    every = profile.prompts if study.prompts is None else study.prompts
    for judge, names in study.asked_of.items():
        if unknown := [name for name in names if name not in every]:
            yield f"{where}.{judge}: {', '.join(unknown)} not among the study's prompts ({', '.join(every)})"
    for (one, first), (other, second) in combinations(asked_prompts(profile, study).items(), 2):
        if first != second and (both := [name for name in first if name in second]):
            yield (
                f"{where}: {one} and {other} share {', '.join(both)} but are not asked of the same prompts in the same "
                "order, so those would be answered twice; give both the same list, or two studies"
            )


def _judge_faults(profile: Profile, study: Study) -> Iterator[str]:
    asked = [judge.judge for judge in profile.judges if study.judges is None or judge.judge in study.judges]
    for name in asked:
        if load_judge(name).pairs and study.against is None:
            yield f"studies.{study.name}.against: required, as {name} compares replies with others"


def _world_faults(profile: Profile, study: Study) -> Iterator[str]:
    """A base knows the world it was pre-trained on, and none of another's entities."""
    for base in available_bases(profile, study):
        if base.weights != "shipped":
            continue
        corpus = shipped_card(base.name)["corpus"]["settings"]
        if corpus["world_seed"] != profile.world_seed:
            yield (
                f"studies.{study.name}: the base {base.name} was pre-trained on world {corpus['world_seed']}, "
                f"world_seed is {profile.world_seed}"
            )


_OF_PROFILES = (_curation_faults, _name_faults, _generate_faults, _report_faults)
_OF_STUDIES = (_study_faults, _unknown_faults, _twin_faults, _asked_faults, _judge_faults, _world_faults)
