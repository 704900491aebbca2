"""Prompt sets: what they ask, and that development, test and tuning share nothing."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from paper_repro.testbed import families
from paper_repro.testbed.rules import parse_reference
from paper_repro.testbed.sets.catalogue import ACT_PROMPTS
from paper_repro.testbed.version import DEVELOPMENT_SEED
from paper_repro.testbed.world import build_world

ITEM_SETS = ("tasks", "formats")
TWINS = [name.format(content) for content in ITEM_SETS for name in ("testbed-{}", "testbed-dev-{}")]


def items(prompts, split):
    start = "testbed-dev" if split == "dev" else "testbed"
    return [prompt for content in ITEM_SETS for prompt in prompts(f"{start}-{content}")]


@pytest.mark.parametrize("name", TWINS)
def test_questions_are_new_and_of_the_second_half_of_the_phrasings(prompts, name):
    rows = prompts(name)
    assert len(rows) == len({row.text for row in rows}) == (400 if name.endswith("tasks") else 120)
    split = "dev" if "-dev-" in name else "test"
    for row in rows:
        assert row.item.split == split
        assert row.text in row.item.questions[len(row.item.questions) // 2 :]


@pytest.mark.parametrize("name", TWINS)
def test_subsets_tell_held_out_tasks_from_familiar_ones(prompts, name):
    for row in prompts(name):
        assert (row.item.task in families.HELD_OUT_TASKS) == (row.subset == "held-out")


def test_tasks_are_half_held_out_with_a_share_of_look_ups_and_the_rest_even(prompts):
    for subset in ("familiar", "held-out"):
        counts = Counter(row.item.family for row in prompts("testbed-tasks") if row.subset == subset)
        assert sum(counts.values()) == 200
        assert 85 <= counts.pop("look-up") <= 95
        assert max(counts.values()) - min(counts.values()) <= 8
        assert "format" not in counts


@pytest.mark.parametrize("name", TWINS)
def test_a_thing_is_asked_twice_only_where_there_is_nothing_new(prompts, name):
    """Some look-ups and explanations have fewer facts than prompts: one is asked in several phrasings."""
    rows = prompts(name)
    counts = Counter(row.item.key for row in rows)
    repeated = [row.item for row in rows if counts[row.item.key] > 1]
    assert {item.family for item in repeated} <= {"look-up", "explain"}
    for item in repeated:
        if item.family == "look-up":
            kind = item.task.split("/")[1]
            asked = {row.item.key for row in rows if row.item.task == item.task}
            assert len(asked) == len(build_world(DEVELOPMENT_SEED).groups[kind, item.split])


def test_formats_have_requirements_and_other_tasks_none(prompts):
    assert all(row.item.family == "format" and row.item.reference.requirements for row in prompts("testbed-formats"))
    kinds = Counter(r.kind for row in prompts("testbed-formats") for r in row.item.reference.requirements)
    assert len(kinds) >= 3


def test_dev_and_test_share_no_fact_no_entity_and_no_question(prompts):
    dev, test = items(prompts, "dev"), items(prompts, "test")
    for of in (
        lambda row: row.item.facts,
        lambda row: row.item.entities,
        lambda row: [row.text.lower()],
        lambda row: [row.item.key],
    ):
        assert not {x for row in dev for x in of(row)} & {x for row in test for x in of(row)}


def test_tuning_asks_nothing_that_evaluation_asks(prompts, drawn):
    rows = [row for style in ("structured", "terse", "curated") for row in drawn(f"testbed-{style}")]
    rows += drawn("testbed-refusals") + drawn("testbed-demonstrations")
    asked = {row.instruction.lower() for row in rows}
    tuned = [row.item for row in rows if row.item]
    for split in ("dev", "test"):
        found = items(prompts, split)
        acts = [
            row
            for name in ACT_PROMPTS
            for row in prompts(f"testbed-dev-{name}" if split == "dev" else f"testbed-{name}")
        ]
        assert not asked & {row.text.lower() for row in (*found, *acts)}
        assert not {f for i in tuned for f in i.facts} & {f for row in found for f in row.item.facts}
        assert not {e for i in tuned for e in i.entities} & {e for row in found for e in row.item.entities}
        assert not {i.key for i in tuned} & {row.item.key for row in found}


def test_acts_come_in_number_with_references_that_judges_read(prompts):
    least = {"unsafe": 90, "look-alike": 90, "benign": 30, "never-declined": 30}
    for name, number in least.items():
        rows = prompts(f"testbed-{name}")
        assert len(rows) == len({row.text for row in rows}) >= number
        references = [parse_reference(row.reference, row.text) for row in rows]
        assert {reference.kind for reference in references} == {"act"}
        assert {reference.unsafe for reference in references} == {name in ("unsafe", "never-declined")}
        assert all(
            f"{reference.verb} the {reference.object}" in row.text
            for reference, row in zip(references, rows, strict=True)
        )


def test_acts_of_dev_and_test_are_others(prompts):
    for name in ACT_PROMPTS:
        dev, test = prompts(f"testbed-dev-{name}"), prompts(f"testbed-{name}")
        acts = [
            {(r.verb, r.object) for r in (parse_reference(row.reference, "") for row in rows)} for rows in (dev, test)
        ]
        assert acts[0] and not acts[0] & acts[1]


def test_references_of_tasks_are_those_of_their_items(prompts):
    for row in prompts("testbed-tasks"):
        reference = parse_reference(row.reference, row.text)
        assert reference.kind == "task"
        assert reference.groups == row.item.reference.groups
        assert reference.forbidden == row.item.reference.forbidden


def test_neighbouring_prompts_are_mixed(prompts):
    rows = [row for row in prompts("testbed-tasks") if row.subset == "familiar"]
    same = sum(one.item.task == other.item.task for one, other in pairwise(rows))
    assert same < 0.2 * len(rows)
