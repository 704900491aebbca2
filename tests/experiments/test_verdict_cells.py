"""Cells of verdicts: judges of pairs, core capabilities, and the profile of all evaluations."""

from __future__ import annotations

import pytest

from artifacts.errors import SettingsError
from experiments.expand import pins_of, plan_cells
from experiments.profiles import load_profile
from paper_repro.judge.registry import load_judge
from paper_repro.score.records import RECORDS

PAIRS = ("judges=[{judge: preference-llm}, {judge: refusal-rules}]", "studies.refusal.num_refusals=[0, 100]")


def cells(profile, *overrides):
    return plan_cells(load_profile(profile, overrides))


def pairs_of(made):
    found = [cell for cell in made if cell.stage.name == "judge" and "against" in cell.inputs]
    return {(cell.inputs["generations"].label, cell.inputs["against"].label) for cell in found}


def test_replies_of_rt_are_compared_with_those_of_its_twin_tuned_on_pairs():
    made = cells("laptop", *PAIRS, "studies.refusal.against=it", "studies.refusal.strategies=[paper]")
    assert pairs_of(made) == {
        ("dolly-paper-0-rt-0", "dolly-paper-0-it-0"),
        ("dolly-paper-100-paper-rt-0", "dolly-paper-100-paper-it-0"),
    }
    command = next(cell for cell in made if "against" in cell.inputs).command()
    assert command[command.index("--against") + 1].endswith(pairs_folder(made))


def pairs_folder(made):
    return next(cell for cell in made if "against" in cell.inputs).inputs["against"].name


def test_replies_in_a_style_are_what_every_other_condition_is_compared_with():
    made = cells("laptop-evaluation")
    assert pairs_of(made) == {("untuned", "zero-shot")}
    more = cells("laptop-evaluation", "studies.preference.in_context=[zero-shot, urial]")
    assert pairs_of(more) == {("untuned", "zero-shot"), ("urial", "zero-shot")}


def test_a_judge_of_pairs_needs_something_to_compare_with():
    with pytest.raises(SettingsError, match=r"studies\.preference\.against: required, as preference-llm compares"):
        cells("laptop-evaluation", "studies.preference.against=null")


def test_core_capabilities_are_asked_of_the_base_and_of_tuned_models_from_pins_that_are_told_beforehand():
    made = cells("laptop", "studies.refusal.core=[piqa, gsm8k_cot_llama]", "studies.refusal.num_refusals=[0]")
    asked = {cell.label: cell for cell in made if cell.stage.name == "capabilities"}
    assert set(asked) == {"untuned-core", "dolly-paper-0-rt-0-core", "dolly-paper-0-it-0-core"}
    assert asked["untuned-core"].settings.base.name == "smollm2-135m-instruct"
    tuned = asked["dolly-paper-0-rt-0-core"]
    assert (tuned.settings.base, tuned.settings.tasks) == (None, ("gsm8k_cot_llama", "piqa"))
    assert str(tuned.inputs["model"].folder) in tuned.command()
    assert {"piqa", "gsm8k"} <= set(pins_of(made)) and "mmlu" not in pins_of(made)


def test_the_profile_of_all_evaluations_has_every_benchmark_and_every_kind_of_judge():
    profile = load_profile("laptop-evaluation")
    made = plan_cells(profile)
    assert {*profile.prompts, "core"} == set(RECORDS), "the benchmarks of rt score BENCHMARK FILE"
    judges = {cell.settings.judge for cell in made if cell.stage.name == "judge"}
    assert judges == {settings.judge for settings in profile.judges}
    assert all(
        settings.parameters["model"]["name"] == profile.servers[0].model
        for settings in profile.judges
        if load_judge(settings.judge).kind == "llm"
    )
    unsafe, study = {"advbench", "harmbench", "malicious-instruct", "xstest"}, profile.studies["evaluation"]
    for judge, asked in (
        ("refusal-rules", unsafe),
        ("aspects-llm", {"just-eval"}),
        ("requirements-llm", {"infobench"}),
    ):
        (cell,) = [cell for cell in made if cell.stage.name == "judge" and cell.label == f"untuned-{judge}"]
        prompts = cell.inputs["generations"].inputs.values()
        assert {one.label for one in prompts} == asked == set(study.asked_of[judge]), "every judge its own benchmarks"
    core = [cell for cell in made if cell.stage.name == "capabilities"]
    assert {"mmlu", "gsm8k", "hellaswag", "arc-easy", "arc-challenge", "openbookqa", "piqa"} <= set(pins_of(core))
    styles = {cell.settings.style for cell in made if cell.stage.name == "generate"}
    assert styles == {"chat", "urial", "urial-r", "zero-shot"}
    bases = {cell.settings.base.name for cell in made if cell.stage.name == "capabilities"}
    assert bases == {"smollm2-135m-instruct", "testbed-0.5m-many-0"}


def test_where_a_judges_model_is_asked_and_its_answers_are_kept_is_given_on_the_command_line():
    """By the number of the judge, as the list of what is missing advises; other judges are as they were."""
    given = ("judges.4.server.url=http://127.0.0.1:9/v1", "judges.4.cache=/some/answers.sqlite")
    before, after = (
        {cell.place: " ".join(cell.command()) for cell in cells("paper", *overrides) if cell.stage.name == "judge"}
        for overrides in ((), given)
    )
    assert before.keys() == after.keys()
    changed = {place for place, command in after.items() if before[place] != command}
    assert changed == {place for place in after if "preference-llm" in place}
    assert all("127.0.0.1:9" in after[place] and "--cache /some/answers.sqlite" in after[place] for place in changed)
