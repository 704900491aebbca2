"""The stages: files, columns and digests as `rt collect` gives them, so that what follows runs unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from artifacts.digests import digest_json
from artifacts.errors import UserError
from data_curation import records, refusals
from data_curation.collect import PROMPT_SCHEMA
from data_curation.curate import CurateSettings, curate
from data_curation.mix import MixSettings, mix
from paper_repro.cli import application
from paper_repro.generate.stage import read_prompts
from paper_repro.rows import read_rows
from paper_repro.testbed.sets.catalogue import SETS, find_set
from paper_repro.testbed.sets.stage import TestbedDataSettings, draw_rows, stage_of

# digests of small dumps of the development world: these change only with WORLD_VERSION
DUMPS = {
    "testbed-structured": "e6888bb40e4dfc21cf148a42a0e1cd3aeb80470aeb5e5028c0832a8451cc773a",
    "testbed-terse": "5d6ef90cb23a8ec935bc108d6f6393b9fd1c306720cf4b73337cc035880d9a5d",
    "testbed-curated": "449081d3754697fdb19923f4d5a93b79333f4529fa1bf1933cf0c9ffad0e645f",
    "testbed-structured-dirty": "61f426646f0cd7295bfd286aca3663970f48ea546bc845256d812c4a2033927a",
    "testbed-refusals": "d63b0dc73c3d1d0aee68731293e5c398ebb55bf96b2e2e8480a6f8cd8d29f9f4",
    "testbed-news": "bdd1782387c179f4c41d196cf4ef1c22489079a1715bfd90cd222ad51bac89ce",
    "testbed-demonstrations": "c69af7232686b74d12f9883576f08c75d97b2e32785720bfc0c4bf61b12a3f09",
    "testbed-tasks": "8181d37616fabbe0b8a32868a374512a660168116a68d0c9a704b5f56341225e",
    "testbed-dev-tasks": "435d68d8d66111e71f00ded9397395beeec691a05314f5accef24f2b8a840160",
    "testbed-formats": "e7effa9e3a5eec0cd3317749ddb0df0f422e356918c04a3e3ce7f8c1af55ddc5",
    "testbed-unsafe": "10b3d4c4341542131c55d66be3f3215989ccfa8c9768f608e351ec764d7322e1",
    "testbed-look-alike": "e77155efe7d8d09ebdb78479c31f4f42507010a4187b33e81055008958718cae",
}


def test_a_response_set_has_the_files_and_columns_of_collect(made):
    artifact = made("testbed-structured", 60)
    assert artifact.identity.kind == "corpus"
    assert sorted(artifact.identity.outputs) == ["data.parquet", "quarantine.jsonl"]
    table = pq.read_table(artifact.file("data.parquet"))
    assert table.schema.equals(records.SCHEMA)
    assert len(set(table["row_id"].to_pylist())) == len(table) == artifact.summary["rows"] == 60
    assert set(table["source"].to_pylist()) == {"testbed-structured"} == {artifact.summary["source"]}


def test_a_prompt_set_is_read_by_generate(made):
    artifact = made("testbed-tasks", 40)
    assert artifact.identity.kind == "prompts"
    assert pq.read_table(artifact.file("prompts.parquet")).schema.names == [*PROMPT_SCHEMA.names, "reference"]
    rows = read_prompts(artifact.path)
    assert len({row["prompt_id"] for row in rows}) == 40
    assert {row["benchmark"] for row in rows} == {"testbed-tasks"}
    assert all(json.loads(row["reference"])["kind"] == "task" for row in rows)


def test_prompt_ids_of_two_sets_never_meet(made):
    ids = [
        row["prompt_id"]
        for name in ("testbed-unsafe", "testbed-dev-unsafe", "testbed-benign")
        for row in read_prompts(made(name, 30).path)
    ]
    assert len(set(ids)) == len(ids) == 90


@pytest.mark.parametrize("recipe", ["paper", "responses-offline"])
def test_collect_curate_mix_and_read_for_training(made, tmp_path, recipe):
    steps = (
        "paper" if recipe == "paper" else {"name": recipe, "steps": [{"step": "normalise"}, {"step": "exact_dedup"}]}
    )
    curated = curate(CurateSettings(recipe=steps), tmp_path / "curated", made("testbed-terse", 150).path)
    settings = MixSettings(base_size=100, num_refusals=25)
    mixed = mix(settings, tmp_path / "mix", curated.path, made("testbed-refusals", 60).path)
    assert mixed.summary["condition"] == {
        "response_set": "testbed-terse",
        "recipe": recipe,
        "num_refusals": 25,
        "strategy": "paper",
    }
    assert mixed.summary["methods"] == ["RT", "IT"]
    assert mixed.summary["pool_passing"] == 60
    rows = read_rows(mixed.file("it.parquet"), needs_instruction=True)
    assert len(rows) == 125
    assert all("sorry" in row.response.lower() for row in rows[100:])
    assert [row.response for row in rows] == [
        row.response for row in read_rows(mixed.file("rt.parquet"), needs_instruction=False)
    ]


def test_news_train_without_instructions(made, tmp_path):
    mixed = mix(MixSettings(base_size=20), tmp_path / "mix", made("testbed-news", 40).path)
    assert mixed.summary["methods"] == ["RT"]
    assert mixed.summary["without_instruction"] == 20


def test_refusals_can_be_chosen_for_diversity(made, monkeypatch):
    monkeypatch.setattr(refusals, "embed_texts", lambda texts, *_, **__: _letters(texts))
    pool = records.from_table(pq.read_table(made("testbed-refusals", 60).file("data.parquet")))
    chosen = refusals.select(pool, 20, strategy="diverse")
    assert len({record.row_id for record in chosen}) == 20


def _letters(texts):
    vectors = np.array(
        [[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], float
    )
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_an_unknown_set_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="testbed-structured"):
        TestbedDataSettings(name="testbed-structure", world_seed=7)


def test_every_set_has_a_stage_of_its_kind_and_evaluation_has_twins():
    for name, spec in SETS.items():
        assert stage_of(TestbedDataSettings(name=name, world_seed=7)).kind == spec.kind
        if spec.kind == "prompts" and spec.split == "test":
            assert find_set(name.replace("testbed-", "testbed-dev-", 1)).split == "dev"


@pytest.mark.parametrize("name", ["testbed-structured", "testbed-curated-dirty", "testbed-news", "testbed-tasks"])
def test_another_process_makes_the_same_bytes(made, name, tmp_path):
    """String hashing differs between processes; nothing may hang on it."""
    settings = TestbedDataSettings(name=name, world_seed=7, rows=30)
    script = (
        "import sys; from pathlib import Path; from paper_repro.testbed.sets.stage import *; "
        f"print(make_set(TestbedDataSettings(name={name!r}, world_seed=7, rows=30), Path(sys.argv[1])).digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "out")],
        env=os.environ | {"PYTHONHASHSEED": "3"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == made(settings.name, settings.rows).digest


def test_worlds_of_other_seeds_have_other_sets():
    first, second = (draw_rows(TestbedDataSettings(name="testbed-terse", world_seed=seed, rows=20)) for seed in (7, 8))
    assert not {row.response for row in first} & {row.response for row in second if row.item and row.item.entities}


def test_the_command_makes_a_set(tmp_path):
    arguments = [
        "testbed",
        "data",
        "testbed-benign",
        "--world-seed",
        "7",
        "--rows",
        "5",
        "--out",
        str(tmp_path / "out"),
        "--json",
    ]
    done = CliRunner().invoke(application(["testbed"]), arguments, catch_exceptions=False)
    result = json.loads(done.stdout)
    assert (result["kind"], result["summary"]["rows"]) == ("prompts", 5)


@pytest.mark.parametrize("name", sorted(DUMPS))
def test_small_dumps_stay_as_they_are(made, name):
    artifact = made(name, 40)
    file = "data.parquet" if artifact.identity.kind == "corpus" else "prompts.parquet"
    assert digest_json(pq.read_table(artifact.file(file)).to_pylist()) == DUMPS[name]
