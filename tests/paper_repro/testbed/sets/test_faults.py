"""Planted faults left in what a model was tuned on: counted row by row, from the set to the results table."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from artifacts.errors import InputError
from artifacts.settings import Settings
from artifacts.stage import Stage
from data_curation.curate import CurateSettings, curate
from data_curation.mix import MixSettings, mix
from paper_repro.cli import application
from paper_repro.conditions import Condition
from paper_repro.judge.schema import read_verdicts
from paper_repro.score.comparisons import Comparable
from paper_repro.score.metrics import FAULTS as METRIC_FAULTS
from paper_repro.score.stage import ScoreSettings, score
from paper_repro.testbed.sets.defects import DEFECTS
from paper_repro.testbed.sets.faults import FAULTS, FaultsSettings, fault_inputs, find_faults

CONDITION = {"base_model": "testbed-2m-many-0", "model_size": 10, "response_set": "testbed-terse-dirty"}
CONDITION |= {"recipe": "paper", "method": "RT", "num_refusals": 0, "seed": 0, "learning_rate": 0.001}
EACH = 4  # of 120 rows, for each defect


def label(row_id, defect, clean, of=None):
    return {"row_id": row_id, "defect": defect, "clean": clean, "of": of}


def test_a_fault_is_left_only_where_it_still_does_harm():
    rows = [{"row_id": name, "response": text} for name, text in [("a", "A."), ("b", "B"), ("c", "C."), ("d", "D.")]]
    labels = [
        label("b", "truncated", "B and so on."),  # still cut
        label("c", "template-leak", "C."),  # repaired
        label("d", "exact-duplicate", "D.", of="gone"),  # the other one was dropped
        label("gone", "blank", "G."),  # dropped
    ]
    assert find_faults(rows, labels) == [None, "truncated", None, None]
    beside = label("d", "exact-duplicate", "D.", of="a")
    assert find_faults(rows, [beside]) == [None, None, None, "exact-duplicate"]


def tune(settings, inputs, workspace):
    """What tuning leaves behind, as far as it matters here."""
    (workspace.path / "trajectory.json").write_text("[]")
    workspace.summary["condition"] = CONDITION


@pytest.fixture(scope="module")
def tuned(made, tmp_path_factory):
    """A function: the folders of a model, its training set and its corpus; all rows are trained on."""
    root = tmp_path_factory.mktemp("faults")

    def make(name, steps=()):
        corpus = made(name, 120)
        folder = root / f"{name}-{len(steps)}"
        recipe = {"name": "short", "steps": [{"step": step} for step in steps]} if steps else "paper"
        curated = curate(CurateSettings(recipe=recipe), folder / "curated", corpus.path)
        mixed = mix(MixSettings(base_size=None), folder / "mixed", curated.path)
        stage = Stage("train", "model", 1, Settings, tune)
        stage.run(Settings(), folder / "model", {"trainset": mixed.path})
        return fault_inputs(folder / "model", mixed.path, corpus.path)

    return make


def test_untouched_rows_have_every_fault_and_a_set_without_faults_none(tuned, tmp_path):
    raw, _ = FAULTS.run(FaultsSettings(), tmp_path / "raw", tuned("testbed-terse-dirty"))
    assert raw.summary["faults"] == dict.fromkeys(DEFECTS, EACH)
    assert raw.summary["condition"] == CONDITION
    verdicts = read_verdicts(raw.path)
    assert len(verdicts) == 120 + 2 * EACH
    clean, _ = FAULTS.run(FaultsSettings(), tmp_path / "clean", tuned("testbed-terse"))
    assert clean.summary["labels"] == {"good": 120}


def test_what_a_recipe_drops_is_gone_and_the_rest_stays(tuned, tmp_path):
    inputs = tuned("testbed-terse-dirty", ("exact_dedup", "near_empty"))
    left = FAULTS.run(FaultsSettings(), tmp_path / "left", inputs)[0].summary["faults"]
    assert (left["exact-duplicate"], left["blank"]) == (0, 0)
    assert (left["wrong-answer"], left["template-leak"]) == (EACH, EACH)


def test_scores_give_the_share_of_faulty_rows_in_all_and_by_fault(tuned, tmp_path):
    FAULTS.run(FaultsSettings(), tmp_path / "raw", tuned("testbed-terse-dirty"))
    scores = score(ScoreSettings(study="curation"), [tmp_path / "raw"], tmp_path / "scores")
    rows = {row["metric"]: row for row in pq.read_table(scores.file("results.parquet")).to_pylist()}
    assert set(rows) == {"faulty_rate", *(f"faulty_{name}_rate" for name in METRIC_FAULTS)}
    total = 120 + 2 * EACH
    assert rows["faulty_rate"]["value"] == pytest.approx(6 * EACH / total)
    assert rows["faulty_wrong_answer_rate"]["value"] == pytest.approx(EACH / total)
    assert {row["n"] for row in rows.values()} == {total}
    assert {row["benchmark"] for row in rows.values()} == {"testbed-training-rows"}
    assert {row["learning_rate"] for row in rows.values()} == {0.001}


def test_what_was_tuned_on_is_never_compared_like_replies(tuned, tmp_path):
    made, _ = FAULTS.run(FaultsSettings(), tmp_path / "raw", tuned("testbed-terse-dirty"))
    comparable = Comparable()
    for method in ("RT", "IT"):
        comparable.add(Condition(**CONDITION | {"method": method}), read_verdicts(made.path))
    assert comparable.compare("study", 0, 100) == []


def test_the_metrics_name_every_defect():
    assert set(METRIC_FAULTS.values()) == set(DEFECTS)


def test_another_models_rows_or_corpus_is_refused(tuned, made, tmp_path):
    inputs, other = tuned("testbed-terse-dirty"), tuned("testbed-terse")
    with pytest.raises(InputError, match="another training set than the model's"):
        FAULTS.run(FaultsSettings(), tmp_path / "a", inputs | {"trainset": other["trainset"]})
    with pytest.raises(InputError, match="rows of the training set are not from this corpus"):
        FAULTS.run(FaultsSettings(), tmp_path / "b", inputs | {"corpus": other["corpus"]})


def test_the_command_makes_the_same(tuned, tmp_path):
    inputs = {name: str(path) for name, path in tuned("testbed-terse-dirty").items()}
    told = ["--trainset", inputs["trainset"], "--corpus", inputs["corpus"], "--out", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(application(["testbed"]), ["testbed", "faults", inputs["model"], *told])
    assert done.exit_code == 0, done.output
    assert '"kind": "verdicts"' in done.stdout
