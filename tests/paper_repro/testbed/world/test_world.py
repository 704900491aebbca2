"""The generated world: names, splits, values, and that the seed alone decides."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from artifacts.digests import digest_json
from paper_repro.testbed.items import SPLITS
from paper_repro.testbed.world import ALL_WORDS, KINDS, NOUNS, World, build_world

SEEDS = (7, 8, 2465)


def dump(world: World):
    entities = [[e.name, e.kind, e.split, e.phrase] for e in world.entities.values()]
    return [world.seed, entities, world.facts]


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(7)


def test_a_seed_gives_the_same_world_and_another_seed_another(world):
    fresh = build_world.__wrapped__(7)
    assert fresh is not world
    assert dump(fresh) == dump(world)
    other = build_world(8)
    assert len(set(other.entities) & set(world.entities)) < 100
    assert other.facts != world.facts


def test_the_world_of_seed_7_is_frozen(world):
    """Raise WORLD_VERSION when this digest has to change."""
    assert digest_json(dump(world)) == "2fd332bad8f526eb7e860a3fcb69a9b957d841d22c02ebfbd933d475864efa69"


@pytest.mark.parametrize("seed", SEEDS)
def test_names_are_unique_invented_and_no_words(seed):
    world = build_world(seed)
    lower = [name.lower() for name in world.entities]
    assert len(set(lower)) == len(lower) == sum(kind.count for kind in KINDS) == 280
    assert not set(lower) & ALL_WORDS
    for entity in world.entities.values():
        assert entity.name[0].isupper() == (entity.kind in ("person", "town"))
        assert re.fullmatch(r"[A-Za-z][a-z]{3,9}", entity.name)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_is_split_60_20_10_10(seed):
    world = build_world(seed)
    for kind in KINDS:
        counts = Counter(entity.split for entity in world.groups[kind.name, None])
        tenth = kind.count // 10
        assert counts == {"open": 6 * tenth, "tune": 2 * tenth, "dev": tenth, "test": tenth}
        parts = [set(world.groups[kind.name, split]) for split in SPLITS]
        assert sum(map(len, parts)) == len(set().union(*parts)) == kind.count


def test_every_entity_has_a_possible_value_of_each_attribute(world):
    assert len(world.facts) == sum(kind.count * len(kind.attributes) for kind in KINDS) == 1300
    for (name, attribute), value in world.values.items():
        kind = world.entities[name].kind
        assert value in world.possible(kind, attribute)
        assert value != name
        assert world.facts[f"{kind}/{name}/{attribute}"] == value


def test_no_entity_is_related_to_itself():
    for seed in range(6):
        assert all(value != name for (name, _), value in build_world.__wrapped__(seed).values.items())


def test_relations_lead_to_entities_of_their_kind(world):
    targets = {(k.name, a.name): a.target for k in KINDS for a in k.attributes if a.target}
    assert len(targets) == 5
    for (kind, attribute), target in targets.items():
        for entity in world.groups[kind, None]:
            assert world.entities[world.values[entity.name, attribute]].kind == target


def test_values_of_every_attribute_are_spread(world):
    for kind in KINDS:
        for attribute in kind.attributes:
            found = Counter(world.values[e.name, attribute.name] for e in world.groups[kind.name, None])
            assert max(found.values()) < kind.count / 2
            assert attribute.target or set(found) == set(attribute.values)


def test_tables_are_complete():
    for kind in KINDS:
        assert 3 <= len(kind.attributes) <= 5
        for attribute in kind.attributes:
            assert len(attribute.statements) >= 4
            assert len(attribute.all_questions) >= 8
            assert len(set(attribute.all_questions)) == len(attribute.all_questions)
            assert bool(attribute.target) != bool(attribute.values)
            assert not attribute.values or 4 <= len(attribute.values) <= 12
            assert not attribute.reasons or set(attribute.reasons) == set(attribute.values)
            assert not set(attribute.values) & set(NOUNS)


def test_the_vocabulary_stays_small():
    assert 350 < len(ALL_WORDS) < 600
