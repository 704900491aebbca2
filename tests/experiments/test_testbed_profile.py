"""The default profile: no network, every base a shipped one, shared conditions once, what is missing told."""

from __future__ import annotations

import json
import shutil
from collections import Counter
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
    *(f"testbed-0.5m-{corpus}-0" for corpus in ("many", "many-apart", "none", "shuffled")),
    *(f"testbed-0.5m-many-declines-{dose}-0" for dose in (0, 5)),
    *(f"testbed-0.5m-formats-{count}-0" for count in (1, 2, 4, 8, 16)),
]

LEFT_OUT = {"tuning-rate", "curation", "selection", "news", "refinement", "open-data", "size"}


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
    assert len(plan()) > 200
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
    assert asked == {*BASES, missing.EVERY_BASE}


def test_the_grids_are_those_of_the_studies(bases):
    bases(*BASES)
    models = set(by_stage(plan(), "train"))
    for response_set in ("structured", "terse", "curated"):
        for method in ("rt", "it"):
            assert {f"testbed-{response_set}-paper-0-{method}-{seed}" for seed in (0, 1)} <= models
    for count in (25, 100, 300):
        assert f"testbed-structured-paper-{count}-paper-rt-1" in models
    of_bases = {name: [label for label in models if label.startswith(f"{name}-testbed-")] for name in BASES[1:]}
    assert len(of_bases["testbed-0.5m-formats-16-0"]) == 2 * 2  # methods x seeds
    assert len(of_bases["testbed-0.5m-many-declines-5-0"]) == 2 * 2  # with 100 refusals alone
    replies = set(by_stage(plan(), "generate"))
    assert {"untuned", "urial", "urial-r", "zero-shot", "testbed-0.5m-none-0-untuned"} <= replies


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
    bases(*(name for name in BASES if name != "testbed-0.5m-formats-16-0"))
    cells = plan()
    assert not any("formats-16" in cell.label for cell in cells)
    report = cells[-1]
    row, *left = report.given["missing"]
    assert {one["study"] for one in left} == LEFT_OUT | {"formats"}
    whole = [one for one in left if one["study"] != "formats"]
    assert {one["base_model"] for one in whole} == {"every base"}
    assert (row["study"], row["base_model"]) == ("formats", "testbed-0.5m-formats-16-0")
    assert "not been pre-trained" in row["reason"]
    command = report.command()
    given = Path(command[command.index("--missing") + 1])
    report.write_plan()
    assert json.loads(given.read_text()) == [row, *left]


def test_without_any_base_the_plan_is_the_published_numbers_and_all_that_is_missing(bases):
    bases()
    report = plan()[-1]
    assert report.settings.source == "published"
    of_bases = 1 + 1 + 2 + 5 + 6 + 3
    assert len(report.given["missing"]) == of_bases + len(LEFT_OUT)
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


STUDIES = """
name: mine
corpora: [testbed-structured, testbed-structured-dirty]
refusals: testbed-refusals
prompts: [testbed-tasks, testbed-formats, testbed-unsafe, testbed-look-alike, testbed-benign, testbed-never-declined]
studies: {studies}
train: {{base: {{name: testbed-2m-many-0, weights: shipped}}, learning_rate: 0.0005}}
judges: [{{judge: testbed-acceptable}}, {{judge: testbed-requirements}}, {{judge: testbed-refusal}}]
report: {{source: run}}
"""


@pytest.fixture
def studied(bases, tmp_path):
    """A function: the cells of a profile of some studies on one base, by stage."""
    bases("testbed-2m-many-0")

    def plan_of(studies):
        path = tmp_path / "mine.yaml"
        path.write_text(STUDIES.format(studies=studies))
        return plan(profile=str(path))

    return plan_of


def test_every_rate_is_tuned_and_the_common_one_is_shared_with_other_studies(studied):
    asked = "[testbed-tasks, testbed-unsafe, testbed-look-alike, testbed-benign, testbed-never-declined]"
    sets = "response_sets: [testbed-structured], num_refusals: [0, 100], seeds: [0, 1]"
    cells = studied(f"{{tuning-rate: , refusal: {{{sets}, prompts: {asked}}}}}")
    models = by_stage(cells, "train")
    rates = {label: cell.settings.learning_rate for label, cell in models.items()}
    assert rates["testbed-structured-paper-100-paper-rt-0"] == 0.0005
    assert rates["testbed-structured-paper-100-paper-it-1-rate-0.004"] == 0.004
    count = Counter(cell.stage.name for cell in cells)
    assert count["train"] == 2 * 2 * 2 * 4, "methods, numbers of refusals, seeds, rates; the refusal study adds none"
    assert count["generate"] == count["train"] + 1, "and the untuned base"


def test_arms_of_curation_differ_in_their_rows_alone_and_each_seed_draws_its_own(studied):
    cells = studied("{curation: }")
    models = by_stage(cells, "train")
    arms = ("structured-dirty-paper", "structured-dirty-copies", "structured-dirty-filters", "structured-dirty-lexical")
    first = {f"testbed-{arm}-0-{method}-0" for arm in (*arms, "structured-paper") for method in ("rt", "it")}
    second = {f"{label[:-5]}-sample-1-{label[-4:-1]}1" for label in first}
    assert set(models) == first | second
    for label in first:
        other = models[f"{label[:-5]}-sample-1-{label[-4:-1]}1"].inputs["trainset"]
        assert (models[label].inputs["trainset"].settings.seed, other.settings.seed) == (0, 1)
    assert {cell.inputs["trainset"].settings.base_size for cell in models.values()} == {1000}
    curated = by_stage(cells, "curate")
    steps = {label: [step.step for step in cell.settings.recipe.steps] for label, cell in curated.items()}
    parts = [steps[f"testbed-structured-dirty-{name}"] for name in ("filters", "copies", "lexical")]
    assert parts[0] + parts[1] == parts[2], "the two arms are the two parts of the whole recipe"


def test_faults_are_counted_in_what_each_model_was_tuned_on(studied):
    cells = studied("{curation: {seeds: [0]}}")
    faults = by_stage(cells, "testbed-faults")
    assert len(faults) == len(by_stage(cells, "train")) == 10
    cell = faults["testbed-structured-dirty-lexical-0-it-0-faults"]
    assert cell.command()[:4] == ["rt", "testbed", "faults", str(cell.inputs["model"].folder)]
    assert cell.inputs["corpus"].label == "testbed-structured-dirty"
    assert cell.inputs["trainset"] is cell.inputs["model"].inputs["trainset"]
    assert set(faults.values()) <= set(by_stage(cells, "score")["curation"].inputs.values())


def test_what_does_not_go_together_in_a_study_is_told(studied):
    wrong = (
        "{curation: {response_sets: [testbed-structured]}, "
        "tuning-rate: {train: {learning_rate: 0.1}}, "
        "own: {response_sets: [lima], planted_faults: true}}"
    )
    with pytest.raises(SettingsError) as caught:
        studied(wrong)
    text = str(caught.value)
    assert "studies.curation: arms stand in the place of response_sets" in text
    assert "studies.tuning-rate: learning_rates and train.learning_rate" in text
    assert "studies.own.planted_faults: nobody knows the faults of lima" in text


def test_the_default_run_leaves_studies_to_the_full_one(bases):
    bases(*BASES)
    cells = plan()
    assert not [label for label in by_stage(cells, "train") if "-rate-" in label or "dirty" in label]
    assert set(by_stage(cells, "curate")) > {"testbed-terse-dirty-lexical"}, "what curation finds is in it all the same"
    assert load_profile("testbed-full").left_out == ()
    assert set(load_profile("testbed-full").studies) >= LEFT_OUT
    taken = missing.missing_conditions(load_profile("testbed", ["studies.tuning-rate={}"]))
    assert not [row for row in taken if row["study"] == "tuning-rate"], "a study that is run is not left out"


def test_bases_that_the_default_run_leaves_out_are_told_and_run_by_the_full_one(bases):
    bases(*BASES)
    rows = missing.missing_conditions(load_profile("testbed"))
    left = {row["base_model"] for row in rows if row["study"] == "formats"}
    assert left == {f"testbed-0.5m-formats-{count}-0" for count in (2, 4, 8)}
    assert not any(f"formats-{count}-" in cell.label for cell in plan() for count in (2, 4, 8))
    here, full = (load_profile(name).studies["formats"].bases for name in ("testbed", "testbed-full"))
    assert {base.name for base in here} | left == {base.name for base in full}, "what is left out here is run there"


def test_in_context_shows_what_the_world_gives(bases):
    bases(*BASES)
    cells = by_stage(plan(), "generate")
    assert cells["urial-r"].inputs["demonstrations"].label == "testbed-demonstrations"
    assert "demonstrations" not in cells["zero-shot"].inputs
    assert cells["urial"].settings.template.name == "plain"


def test_the_report_samples_replies_of_the_first_base_set_and_seed(bases):
    bases(*BASES)
    report = plan()[-1]
    named = [text.split("=")[0] for text in report.arguments if "={replies-" in text]
    assert len(named) == len(set(named))
    assert all(f"replies-{name}" in report.inputs for name in named)
    labels = {name.rsplit("-", 1)[0] for name in named}
    assert {"untuned", "urial", "urial-r", "zero-shot", "testbed-structured-paper-0-rt-0"} <= labels
    assert not any("-rt-1" in label or "-it-1" in label or "terse" in label or "0.5m" in label for label in labels)
