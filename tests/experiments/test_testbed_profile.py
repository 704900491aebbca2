"""The default profile: no network, every base a shipped one, shared conditions once, what is missing told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from artifacts import shipped
from artifacts.errors import SettingsError
from experiments import missing
from experiments.expand import pins_of, plan_cells
from experiments.profiles import load_profile
from paper_repro.testbed.version import FINAL_SEED

BASES = [
    "testbed-2m-many-0",
    "testbed-2m-many-1",
    *(f"testbed-0.5m-{corpus}-0" for corpus in ("many", "none", "shuffled", "many-declines-0", "many-declines-5")),
    *(f"testbed-0.5m-formats-{count}-0" for count in (1, 2, 4, 8, 16)),
]


@pytest.fixture
def bases(tmp_path, monkeypatch):
    """A folder that takes the place of the shipped bases; returns a function that puts some there."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr(shipped, "SHIPPED", folder)

    def put(*names):
        for name in names:
            (folder / name).mkdir()
            (folder / name / "model.safetensors").write_text(name)
            corpus = {"settings": {"world_seed": FINAL_SEED}}
            card = {"files": shipped.digests(folder / name), "corpus": corpus}
            (folder / name / "card.json").write_text(json.dumps(card))
        return folder

    return put


def plan(*overrides, profile="testbed"):
    return plan_cells(load_profile(profile, overrides))


def by_stage(cells, stage):
    return {cell.label: cell for cell in cells if cell.stage.name == stage}


def test_it_needs_no_pin_at_all(bases):
    bases(*BASES)
    assert pins_of(plan()) == []


def test_every_cell_has_a_command_that_names_its_inputs(bases):
    bases(*BASES)  # their names hold dots
    for cell in plan():
        command = " ".join(cell.command())
        assert "{" not in command
        assert all(str(upstream.folder) in command for upstream in cell.inputs.values())


def test_a_base_is_never_asked_about_another_world(bases):
    bases("testbed-2m-many-0")
    with pytest.raises(SettingsError, match="testbed-2m-many-0 was pre-trained on world 86243, world_seed is 7"):
        plan("world_seed=7")


def test_it_asks_for_each_base_of_the_issue_and_no_other(bases):
    bases()
    asked = {row["base_model"] for row in missing.missing_conditions(load_profile("testbed"))}
    assert asked == set(BASES)


def test_the_grids_are_those_of_the_studies(bases):
    bases(*BASES)
    models = set(by_stage(plan(), "train"))
    for response_set in ("structured", "terse", "curated"):
        for method in ("rt", "it"):
            assert {f"testbed-{response_set}-paper-0-{method}-{seed}" for seed in (0, 1)} <= models
    for count in (25, 100, 300):
        assert f"testbed-structured-paper-{count}-paper-rt-1" in models
    of_bases = {name: [label for label in models if label.startswith(f"{name}-testbed-")] for name in BASES[1:]}
    assert len(of_bases["testbed-0.5m-formats-4-0"]) == 2 * 2  # methods x seeds
    assert len(of_bases["testbed-0.5m-many-declines-5-0"]) == 2 * 2 * 2  # and counts
    replies = set(by_stage(plan(), "generate"))
    assert {"untuned", "urial", "urial-r", "zero-shot", "testbed-0.5m-none-0-untuned"} <= replies


def test_every_command_names_the_folders_it_needs(bases):
    bases(*BASES)
    for cell in plan():
        command = cell.command()
        assert all(str(upstream.folder) in " ".join(command) for upstream in cell.inputs.values())
        assert not any("{" in argument for argument in command)


def test_a_condition_that_two_studies_share_is_one_cell(bases):
    bases(*BASES)
    cells = plan()
    scores = by_stage(cells, "score")
    shared = {cell.name for cell in scores["corpora"].inputs.values()} & {
        cell.name for cell in scores["formats"].inputs.values()
    }
    assert len(shared) == 2 * (1 + 2 * 2)  # many and formats-1: untuned, and two methods at two seeds
    assert len({(cell.stage.name, cell.name) for cell in cells}) == len(cells)


def test_a_missing_base_leaves_out_its_conditions_and_the_report_is_told(bases):
    bases(*(name for name in BASES if name != "testbed-0.5m-formats-8-0"))
    cells = plan()
    assert not any("formats-8" in cell.label for cell in cells)
    report = cells[-1]
    (row,) = report.given["missing"]
    assert (row["study"], row["base_model"]) == ("formats", "testbed-0.5m-formats-8-0")
    assert "not been pre-trained" in row["reason"]
    command = report.command()
    given = Path(command[command.index("--missing") + 1])
    report.write_plan()
    assert json.loads(given.read_text()) == [row]


def test_without_any_base_the_plan_is_the_published_numbers_and_all_that_is_missing(bases):
    bases()
    report = plan()[-1]
    assert report.settings.source == "published"
    assert len(report.given["missing"]) == 1 + 1 + 2 + 4 + 6 + 3
    assert not report.inputs


def test_another_base_of_the_same_name_renames_what_it_makes(bases):
    folder = bases(*BASES)
    before = {cell.label: cell.name for cell in plan() if cell.stage.name == "train"}
    shutil.rmtree(folder / "testbed-2m-many-0")
    (folder / "testbed-2m-many-0").mkdir()
    card = {"files": {}, "corpus": {"settings": {"world_seed": FINAL_SEED}}}
    (folder / "testbed-2m-many-0" / "card.json").write_text(json.dumps(card))
    after = {cell.label: cell.name for cell in plan() if cell.stage.name == "train"}
    renamed = {label for label in before if before[label] != after[label]}
    assert renamed == {label for label in before if not label.startswith(("testbed-0.5m", "testbed-2m-many-1"))}


def test_everything_runs_on_bases_of_both_pre_training_seeds_and_all_sizes(bases):
    bases()
    asked = {row["base_model"] for row in missing.missing_conditions(load_profile("testbed-full"))}
    assert asked == {*BASES, "testbed-0.5m-many-1", "testbed-5m-many-0"}
    assert load_profile("testbed-full").train == load_profile("testbed").train


def test_another_world_renames_its_sets(bases):
    bases()
    one, two = ({cell.label: cell.name for cell in plan(f"world_seed={seed}")} for seed in (1, 2))
    assert one["testbed-tasks"] != two["testbed-tasks"]
    assert [cell.command()[:3] for cell in plan() if cell.label == "testbed-tasks"] == [["rt", "testbed", "data"]]


def test_settings_of_a_study_differ_from_the_profiles_where_it_says_so(bases):
    bases(*BASES)
    cells = by_stage(plan("studies.refusal.train={learning_rate: 0.25}"), "train")
    assert cells["testbed-structured-paper-100-paper-rt-0"].settings.learning_rate == 0.25
    others = load_profile("testbed").train.learning_rate
    assert cells["testbed-terse-paper-0-rt-0"].settings.learning_rate == others != 0.25


def test_in_context_shows_what_the_world_gives(bases):
    bases(*BASES)
    cells = by_stage(plan(), "generate")
    assert cells["urial-r"].inputs["demonstrations"].label == "testbed-demonstrations"
    assert "demonstrations" not in cells["zero-shot"].inputs
    assert cells["urial"].settings.template.name == "plain"
