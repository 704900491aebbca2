"""Expansion: the grid a study asks for, each cell once, named by all that decides it."""

from __future__ import annotations

from collections import Counter

import pytest

from artifacts.errors import SettingsError
from experiments.expand import pins_of, plan_cells
from experiments.profiles import load_profile


def plan(*overrides, profile="laptop"):
    return plan_cells(load_profile(profile, overrides))


def by_stage(cells, stage):
    return {cell.label: cell for cell in cells if cell.stage.name == stage}


def test_the_laptop_grid_tunes_each_condition_once():
    cells = plan("studies.refusal.num_refusals=[0, 100]", "studies.refusal.strategies=[paper, diverse]")
    models = set(by_stage(cells, "train"))
    assert models == {
        f"dolly-paper-{refusals}-{method}-0"
        for method in ("rt", "it")
        for refusals in ("0", "100-paper", "100-diverse")
    }
    # the base model answers too, and each set of replies goes to each judge
    assert set(by_stage(cells, "generate")) == models | {"untuned"}
    assert len(by_stage(cells, "judge")) == 2 * (len(models) + 1)
    assert Counter(cell.stage.name for cell in cells)["report"] == 1


def test_rt_and_it_are_tuned_on_the_same_selection():
    models = by_stage(plan(), "train")
    rt, it = models["dolly-paper-100-paper-rt-0"], models["dolly-paper-100-paper-it-0"]
    assert rt.inputs["trainset"].folder == it.inputs["trainset"].folder
    changed = {k for k, v in rt.settings.resolved().items() if it.settings.resolved()[k] != v}
    assert changed == {"method"}


def test_cells_come_after_what_they_need():
    seen = set()
    for cell in plan():
        assert all(upstream.name in seen for upstream in cell.inputs.values())
        seen.add(cell.name)


def test_a_setting_renames_what_depends_on_it_and_nothing_else():
    one = {(cell.stage.name, cell.label): cell.name for cell in plan()}
    two = {(cell.stage.name, cell.label): cell.name for cell in plan("generate.max_new_tokens=8")}
    renamed = {stage for (stage, label), name in one.items() if two[stage, label] != name}
    assert renamed == {"generate", "judge", "score", "report"}


def test_the_thread_count_renames_computed_cells_only(monkeypatch):
    names = {}
    for threads in ("1", "2"):
        monkeypatch.setenv("RT_THREADS", threads)
        names[threads] = {(cell.stage.name, cell.label): cell.name for cell in plan()}
    renamed = {stage for (stage, label), name in names["1"].items() if names["2"][stage, label] != name}
    assert "train" in renamed
    assert "collect" not in renamed


def test_commands_name_the_folders_of_their_inputs():
    model = by_stage(plan(), "train")["dolly-paper-0-rt-0"]
    command = model.command()
    assert command[:2] == ["rt", "train"]
    assert str(model.inputs["trainset"].folder) in command
    assert command[command.index("--out") + 1] == str(model.folder)


def test_the_pins_of_a_plan_are_sources_weights_and_encoders():
    assert set(pins_of(plan())) == {
        "alpaca", "dolly", "lima", "safety-tuned-llamas", "alpaca-eval", "xstest", "malicious-instruct",
        "smollm2-135m-instruct", "all-minilm-l6-v2",
    }  # fmt: skip


def test_a_recipe_of_ones_own_is_named_by_its_name(tmp_path):
    path = tmp_path / "my recipe.v1.yaml"
    path.write_text("name: mine v1.0\nsteps: [{step: exact_dedup}]\n")
    cells = plan(f"studies.refusal.recipe={path}", f"curation.recipes=['{path}']")
    (curated,) = by_stage(cells, "curate").values()
    assert curated.label == "dolly-mine-v1-0"
    assert all(cell.command() for cell in cells)


def test_another_pin_renames_what_reads_it(tmp_path, monkeypatch):
    import shutil

    from artifacts import pins
    from experiments import cells

    def names():
        return {(cell.stage.name, cell.label): cell.name for cell in plan()}

    before = names()
    folder = tmp_path / "pins"
    shutil.copytree(pins.PINS, folder)
    (folder / "smollm2-135m-instruct.yaml").open("a").write("\n")
    monkeypatch.setattr(cells, "PINS", folder)
    after = names()
    renamed = {stage for (stage, label), name in before.items() if after[stage, label] != name}
    assert renamed == {"train", "generate", "judge", "score", "report"}


def test_the_published_profile_needs_no_data():
    cells = plan(profile="published")
    assert [cell.stage.name for cell in cells] == ["report"]
    assert pins_of(cells) == []


def test_a_report_without_what_it_needs_or_of_what_it_leaves_out_is_refused():
    with pytest.raises(SettingsError, match=r"report\.source: 'published' leaves out"):
        plan("report.source=published")
    with pytest.raises(SettingsError, match=r"report\.source: 'both' needs a study"):
        plan("studies={}")


def test_what_a_study_lacks_is_told_at_once():
    with pytest.raises(SettingsError) as caught:
        plan("corpora=[lima]", "prompts=[]", "judges=[]", "refusals=null")
    assert len(caught.value.faults) == 4
    assert "dolly" in str(caught.value)
