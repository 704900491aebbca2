"""Every artifact that a profile names, or that its plan would read, has a pin: over all profiles."""

from __future__ import annotations

import re
from functools import cache

import pytest

from artifacts.pins import load_pin, pin_names
from artifacts.shipped import shipped_names
from artifacts.shipped_pins import known_by_digest
from experiments.expand import plan_cells
from experiments.missing import EVERY_BASE, bases_of, missing_conditions
from experiments.profiles import load_profile, profile_names
from paper_repro.judge.registry import load_judge

PROFILES = [name for name in profile_names() if name != "testbed-full"]  # testbed's own, on more seeds: see below
# a base that studies ask for and nobody has pre-trained yet; it goes from here by being shipped
NOT_YET: set[str] = set()
MADE_HERE = ("testbed-",)  # drawn from the world by a seed: settings, no files


@pytest.fixture(scope="module", params=PROFILES)
def planned(request):
    profile = load_profile(request.param)
    return profile, plan_cells(profile)


def groups(value):
    """Every mapping inside settings."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from groups(inner)


def named_in(cell):
    """Names of weights, sources, encoders, texts and served models in a cell's settings, with the kinds they may be."""
    settings = cell.settings.resolved()
    for group in groups(settings):
        if "weights" in group:
            yield group["name"], ("model",)
        if isinstance(group.get("source"), str) and cell.stage.name == "collect":
            yield group["source"], ("dataset", "prompts")
        if isinstance(encoder := group.get("encoder"), dict):
            yield encoder["model"], ("encoder", "model")
    if isinstance(template := settings.get("template"), dict):
        yield f"prompt-{template['name']}", ("prompts",)
    for name in cell.reads:
        yield name, ("dataset", "prompts", "model", "encoder")
    if cell.stage.name == "judge":
        yield from named_by_judge(settings)


def named_by_judge(settings):
    if load_judge(settings["judge"]).kind != "llm":
        return
    yield served(settings["parameters"]["model"]["name"]), ("judge", "model")
    text = settings["parameters"]["prompt"]
    if text.get("name") == settings["judge"]:  # the package's own; others stand in the profile itself
        yield f"prompt-{settings['judge']}", ("prompts",)


@cache
def by_served_name():
    """Names by which servers know the models of pins, to the pins' names."""
    origins = [(origin, name) for name in pin_names() for origin in load_pin(name).origins]
    known = {origin.model: name for origin, name in origins if origin.kind == "api"}
    known |= {origin.repo: name for origin, name in origins if origin.kind == "hub"}
    return known | {load_pin(name).title.split(" (")[0]: name for _, name in origins}


def served(model):
    """The pin of a model by the name that a server knows it by, which is its title where the profile serves it."""
    return by_served_name().get(re.sub("/Meta-Llama-3.1", "/Llama-3.1", model))  # the repository was renamed


def test_whatever_its_cells_name_is_pinned_as_what_it_is(planned):
    profile, cells = planned
    named = {one for cell in cells for one in named_in(cell)}
    kinds = {name: load_pin(name).kind for name in pin_names()}
    wrong = {name for name, allowed in named if kinds.get(name) not in allowed}
    assert wrong == set(), profile.name
    if profile.studies:
        assert {kinds[name] for name, _ in named} >= {"model"}, "the reading above finds them"


def test_whatever_comes_with_the_package_and_enters_a_result_is_pinned(planned):
    """`extra` has the digests of files that no cell makes: bases, their cards, the paper's numbers, stored results."""
    _, cells = planned
    outside = {(key, digest) for cell in cells for key, digest in cell.extra.items()}
    assert {key for key, digest in outside if known_by_digest(digest) is None} == set()
    read = {known_by_digest(digest).name for key, digest in outside if key == "base"}
    wanted = {group["name"] for cell in cells for group in groups(cell.settings.resolved()) if "weights" in group}
    assert wanted & set(shipped_names()) <= read


def test_bases_that_it_asks_for_are_pinned_or_told_as_missing(planned):
    profile, _ = planned
    asked = {base.name for study in profile.studies.values() for base in bases_of(profile, study)}
    unpinned = asked - set(pin_names())
    told = {row["base_model"] for row in missing_conditions(profile)} - {EVERY_BASE}
    assert unpinned <= told & NOT_YET
    assert told - set(pin_names()) <= NOT_YET  # those too that it leaves to another profile


def test_sources_that_it_names_are_pinned(planned):
    profile, _ = planned
    named = {*profile.corpora, *profile.prompts, *profile.curation.corpora, profile.refusals or "lima"}
    named |= {name for study in profile.studies.values() for name in study.sources}
    named = (named - set(profile.rewrites)) | {one.of for one in profile.rewrites.values() if one.of}
    named = (named - set(profile.cuts)) | {cut.of for cut in profile.cuts.values()}
    assert {served(one.rewrite.model.name) for one in profile.rewrites.values()} <= set(pin_names())
    assert {name for name in named if not name.startswith(MADE_HERE)} <= set(pin_names())
    assert {served(server.model) for server in profile.servers} <= set(pin_names())


def test_the_whole_testbed_asks_for_nothing_else():
    """Its plan has thousands of cells; what they may name stands in the profile."""
    whole, shorter = load_profile("testbed-full"), load_profile("testbed")
    asked = {base.name for study in whole.studies.values() for base in bases_of(whole, study)}
    assert asked - set(pin_names()) <= NOT_YET
    assert (whole.judges, whole.generate.template) == (shorter.judges, shorter.generate.template)
    names = {*whole.corpora, *whole.prompts, *whole.curation.corpora, whole.refusals}
    assert all(name.startswith(MADE_HERE) for name in names | {n for s in whole.studies.values() for n in s.sources})
