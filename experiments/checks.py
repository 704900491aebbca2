"""What a profile may ask for although each of its settings is well formed by itself."""

from __future__ import annotations

from collections.abc import Iterator

from artifacts.errors import SettingsError
from artifacts.shipped import shipped_card
from data_curation.sources import SOURCES
from experiments.missing import available_bases
from experiments.profiles import Profile
from experiments.sources import TESTBED
from experiments.study import Study
from paper_repro.judge.registry import load_judge


def check_profile(profile: Profile) -> None:
    """Refuse a profile whose parts do not fit together.

    Raises:
        SettingsError: with every fault found.
    """
    faults = [*_curation_faults(profile), *_name_faults(profile), *_report_faults(profile)]
    for study in profile.studies.values():
        faults += [*_study_faults(profile, study), *_judge_faults(profile, study), *_world_faults(profile, study)]
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
    if study.learning_rates and "learning_rate" in study.train:
        yield f"{where}: learning_rates and train.learning_rate; give one of them"
    if study.planted_faults and (others := [name for name in study.sources if not name.startswith(TESTBED)]):
        yield f"{where}.planted_faults: nobody knows the faults of {', '.join(others)}; they are known of the testbed's"
    if not (study.methods or study.untuned or study.in_context):
        yield f"{where}: asks for nothing; give methods, untuned or in_context"
    judges = tuple(settings.judge for settings in profile.judges)
    for name, known in (("prompts", profile.prompts), ("judges", judges)):
        unknown = [one for one in getattr(study, name) or () if one not in known]
        if unknown and known:
            yield f"{where}.{name}: {', '.join(unknown)} not among the profile's {name} ({', '.join(known)})"


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
