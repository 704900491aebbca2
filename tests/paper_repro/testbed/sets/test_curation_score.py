"""Planted defects, and what the real recipe finds of them (without its last step, which needs an encoder)."""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from artifacts.errors import InputError, UserError
from data_curation.curate import CurateSettings, curate
from data_curation.recipe import load_recipe
from paper_repro.cli import application
from paper_repro.testbed.rules.acceptable import judge_task
from paper_repro.testbed.sets.curation_score import score_curation
from paper_repro.testbed.sets.defects import DEFECTS, LABELS

pytest.importorskip("datatrove")
pytest.importorskip("rensa")

STYLES = ("structured", "terse", "curated")


def recipe(*left_out):
    """The recipe `responses` as it is, but for the steps left out."""
    whole = load_recipe("responses").resolved()
    steps = [step for step in whole["steps"] if step["step"] not in ("semantic_dedup", *left_out)]
    return {"name": "responses-offline", "steps": steps}


def curated_of(artifact, out, steps):
    return curate(CurateSettings(recipe=steps), out, artifact.path)


@pytest.fixture(scope="module", params=STYLES)
def dirty(request, made):
    return request.param, made(f"testbed-{request.param}-dirty")


@pytest.fixture(scope="module")
def scores(dirty, tmp_path_factory):
    style, artifact = dirty
    curated = curated_of(artifact, tmp_path_factory.mktemp("curated") / style, recipe())
    return style, {score.defect: score for score in score_curation(curated.path, artifact.file("labels.parquet"))}


def test_a_dirty_set_is_the_clean_one_with_a_share_of_each_defect(dirty, drawn):
    style, artifact = dirty
    labels = pq.read_table(artifact.file("labels.parquet")).to_pylist()
    rows = {row["row_id"]: row for row in pq.read_table(artifact.file("data.parquet")).to_pylist()}
    clean = drawn(f"testbed-{style}")
    each = round(0.03 * len(clean))
    assert artifact.summary["defects"] == dict.fromkeys(sorted(DEFECTS), each)
    assert len(rows) == len(clean) + 2 * each  # copies are added, the others replace
    planted = {label["row_id"] for label in labels}
    texts = {row.response for row in clean}
    assert all(row["response"] in texts for row_id, row in rows.items() if row_id not in planted)
    assert {label["clean"] for label in labels} <= texts


def test_each_defect_is_what_it_is_called(dirty):
    _, artifact = dirty
    rows = {row["row_id"]: row["response"] for row in pq.read_table(artifact.file("data.parquet")).to_pylist()}
    for label in pq.read_table(artifact.file("labels.parquet")).to_pylist():
        text, clean, defect = rows[label["row_id"]], label["clean"], label["defect"]
        assert (label["of"] is not None) == defect.endswith("duplicate")
        if label["of"] is not None:
            assert rows[label["of"]] == clean
            assert (text == clean) == (defect == "exact-duplicate")
        elif defect == "truncated":
            assert clean.startswith(text) and 0 < len(text) < len(clean) and text[-1] not in ".!?"
        elif defect == "template-leak":
            assert clean in text and text != clean
        elif defect == "blank":
            assert not text.strip()
        else:
            assert text and text != clean


def test_answers_that_are_called_wrong_are_wrong_by_the_judge(drawn):
    for style in STYLES:
        wrong = [entry for entry in drawn(f"testbed-{style}-dirty") if entry.defect == "wrong-answer"]
        verdicts = [judge_task(entry.row.response, "eos", entry.row.item.reference) for entry in wrong]
        assert {verdict.content is None for verdict in verdicts} == {False}
        assert {verdict.stopping for verdict in verdicts} == {None}


def test_what_a_filter_or_a_comparison_looks_for_is_found(scores):
    style, found = scores
    assert found["exact-duplicate"].recall == 1.0
    assert found["blank"].recall == found["blank"].precision == 1.0
    # without its mark an answer can be a copy of another one, and leaves as that
    assert found["template-leak"].recall > 0.9
    assert found["template-leak"].precision == 1.0
    assert found["template-leak"].repaired > 0 and found["template-leak"].dropped > 0
    # a small edit leaves few five-word stretches of a short answer alone: only longer ones are compared in earnest
    assert found["near-duplicate"].recall > {"structured": 0.3, "terse": 0.0, "curated": 0.3}[style]


def test_wrong_answers_are_found_by_nothing(scores):
    _, found = scores
    assert found["wrong-answer"].recall == 0.0
    assert found["wrong-answer"].precision is None
    assert found["wrong-answer"].otherwise <= 0.2 * found["wrong-answer"].planted


def test_truncated_answers_are_found_if_no_sentence_could_end_so(scores):
    _, found = scores
    assert 0.05 < found["truncated"].recall < 0.6  # short answers that merely lack a full stop stay
    assert found["truncated"].precision == 1.0


def test_without_a_step_its_defect_is_not_found(made, tmp_path):
    artifact = made("testbed-structured-dirty", 200)
    labels = artifact.file("labels.parquet")
    for step, defect in (
        ("exact_dedup", "exact-duplicate"),
        ("template_leak", "template-leak"),
        ("near_empty", "blank"),
    ):
        left_out = (step, "near_dedup") if step == "exact_dedup" else (step,)
        curated = curated_of(artifact, tmp_path / step, recipe(*left_out))
        score = {score.defect: score for score in score_curation(curated.path, labels)}[defect]
        assert score.dropped == 0
        assert score.recall < 1


def test_too_few_rows_are_refused(drawn):
    with pytest.raises(UserError, match="too few"):
        drawn("testbed-terse-dirty", 4)


def test_the_command_finds_the_labels_by_itself_and_says_when_it_cannot(made, tmp_path):
    artifact, clean = made("testbed-structured-dirty", 100), made("testbed-structured", 100)
    curated = curated_of(artifact, tmp_path / "curated", recipe())

    def rt(*words):
        words = ["testbed", "curation", *map(str, words)]
        return CliRunner().invoke(application(["testbed"]), words, catch_exceptions=False)

    found = {row["defect"]: row for row in json.loads(rt(curated.path, "--json").stdout)["defects"]}
    assert (found["blank"]["planted"], found["blank"]["recall"], found["wrong-answer"]["precision"]) == (3, 1.0, None)
    assert re.search(r"^blank +3 +3 +0 +0 +1\.00 +1\.00$", rt(curated.path).stdout, re.MULTILINE)
    with pytest.raises(InputError, match="is another version by now"):
        rt(curated.path, "--corpus", clean.path)
    with pytest.raises(InputError, match="nothing was planted in it"):
        rt(curated_of(clean, tmp_path / "clean", recipe()).path)


def test_labels_of_another_set_are_refused(made, tmp_path):
    artifact = made("testbed-structured-dirty", 100)
    curated = curated_of(artifact, tmp_path / "curated", recipe())
    foreign = tmp_path / "labels.parquet"
    row = {"row_id": "0" * 32, "defect": "blank", "of": None, "clean": "x"}
    pq.write_table(pa.Table.from_pylist([row], schema=LABELS), foreign)
    with pytest.raises(InputError, match="not in the curated set"):
        score_curation(curated.path, foreign)
