"""Whatever a profile, a study or a setting names is pinned, and what the mirror's manifest knows, the pins know too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from artifacts.pins import availability, fetch, has_files, load_pin, pin_names, verification
from artifacts.shipped import shipped_names

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("experiments", "data_curation", "paper_repro")
    for path in (ROOT / folder).rglob("*.yaml")
    if "accelerate" not in path.parts
)
# sources of the testbed are drawn from its world
GENERATED = re.compile(r"testbed-[a-z0-9.-]+")
SETS = ("corpora", "prompts", "response_sets", "refusals", "response_set", "demonstrations", "pin")


def walk(value):
    """Every mapping inside a value."""
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from walk(one)


def named(path):
    """Names of sets, weights and served models in a YAML file, each with how it is named."""
    found = set()
    for group in walk(yaml.safe_load(path.read_text(encoding="utf-8"))):
        if group.get("weights") in ("hub", "pypi", "shipped"):
            found.add((group["weights"], group["name"]))
        if isinstance(model := group.get("model"), dict) and isinstance(model.get("name"), str):
            found.add(("served", model["name"]))
        elif isinstance(model, str) and "command" in group:
            found.add(("served", model))
        for key in SETS if "experiments" in path.parts else ("pin",):
            value = group.get(key)
            names = value if isinstance(value, list) else [value]
            found |= {("set", name) for name in names if isinstance(name, str)}
    return found


@pytest.fixture(scope="module")
def all_named():
    return {(how, name): path.name for path in FILES for how, name in named(path)}


def test_every_set_that_a_profile_or_study_names_is_pinned(all_named):
    sets = {name for how, name in all_named if how == "set"}
    assert {"lima", "dolly", "alpaca-eval", "safety-tuned-llamas", "xstest"} <= sets  # the reading above finds them
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES if "profiles" in path.parts]
    rewritten = {name for one in files for name in one.get("rewrites") or {}}  # made from others by a stage of the plan
    assert "lima-refined" in rewritten
    cuts = {name for one in files for name in one.get("cuts") or {}}  # rows of a source that is named beside them
    assert sets - set(pin_names()) - {name for name in sets if GENERATED.fullmatch(name)} <= rewritten | cuts


def test_all_weights_that_are_named_are_pinned_or_shipped(all_named):
    fetched = {(how, name) for how, name in all_named if how in ("hub", "pypi")}
    assert ("pypi", "smollm2-135m-instruct") in fetched
    for how, name in fetched:
        pin = load_pin(name)
        kinds = {origin.kind for origin in pin.origins}
        assert kinds & {how, "mirror"}, f"{all_named[how, name]}: {name} has no origin {how}"
    for how, name in all_named:
        if how == "shipped":
            assert GENERATED.fullmatch(name)
            if name in shipped_names():  # others are told as missing by the report
                assert load_pin(name).is_shipped


def test_every_judge_that_is_asked_through_a_server_is_pinned(all_named):
    served = {name for how, name in all_named if how == "served"}
    assert "gpt-4o-2024-08-06" in served
    pinned = {origin.model for name in pin_names() for origin in load_pin(name).origins if origin.kind == "api"}
    pinned |= {origin.repo for name in pin_names() for origin in load_pin(name).origins if origin.kind == "hub"}
    # the repository was renamed, and its old name still leads there; a served pin of ours bears its title's name
    asked = {re.sub("/Meta-Llama-3.1", "/Llama-3.1", name) for name in served}
    assert {name for name in asked - pinned if name.lower() not in pin_names()} == set()


def test_the_sources_that_the_package_knows_are_pinned():
    from data_curation.encoder import EncoderSettings
    from data_curation.sources import SOURCES
    from paper_repro.capabilities.benchmarks import CORE

    assert set(SOURCES) <= set(pin_names())
    assert {part.pin for benchmark in CORE for part in benchmark.parts} <= set(pin_names())
    assert load_pin(EncoderSettings().model).kind == "encoder"


def test_a_served_judge_is_pinned_by_its_name_alone():
    pin = load_pin("gpt-4o-2024-08-06")
    assert not has_files(pin)
    assert verification(pin) == "by name"
    assert availability(pin.name) == "asked through a server: gpt-4o-2024-08-06"
    assert sum(not has_files(load_pin(name)) for name in pin_names()) == 2


def test_every_file_of_the_mirror_is_pinned_as_its_manifest_says(mirror):
    pinned = {
        file.path: (file.sha256, file.bytes)
        for name in pin_names()
        for origin in load_pin(name).origins
        if origin.kind == "mirror"
        for file in origin.files
    }
    facts = {one["file"]: (one["sha256"], one["bytes"]) for one in json.loads((mirror / "MANIFEST.json").read_text())}
    assert len(facts) > 50
    assert {path: pinned.get(path) for path in facts} == facts


@pytest.mark.parametrize("name", ["infobench-records", "just-eval-records", "alpaca-eval-records"])
def test_records_of_the_mirror_are_verified(name, mirror, rt_home):
    found = fetch(name)
    assert found.origin == "mirror"
    assert [one.sha256 for one in load_pin(name).origins[0].files] == list(found.sha256)
