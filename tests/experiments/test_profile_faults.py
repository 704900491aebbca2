"""Profiles that would silently lose conditions, or fail after all the work, are refused before any of it."""

from __future__ import annotations

import pytest

from artifacts.errors import SettingsError, UserError
from experiments.cells import by_label
from experiments.checks import check_profile
from experiments.expand import plan_cells
from experiments.profiles import load_profile
from experiments.sources import curated_cell

PAIRS = ("judges=[{judge: preference-llm}]", "studies.refusal.num_refusals=[0]")
TWO_JUDGES = "judges=[{judge: refusal-rules}, {judge: refusal-llm}]"


def refused(*overrides, profile="laptop", match):
    with pytest.raises(SettingsError, match=match):
        plan_cells(load_profile(profile, overrides))


@pytest.mark.parametrize(
    ("against", "given"), [("untuned", "untuned=false"), ("it", "methods=[rt]"), ("urial", "untuned=true")]
)
def test_a_judge_of_pairs_that_finds_no_pair_is_told_with_its_study(against, given):
    match = rf"profile laptop: (.|\n)*studies\.refusal\.against: {against} gives preference-llm no pair to compare"
    refused(*PAIRS, f"studies.refusal.against={against}", f"studies.refusal.{given}", match=match)


def test_a_study_that_measures_nothing_is_no_report_of_the_published_numbers():
    refused("studies.refusal.judges=[]", match=r"studies\.refusal\.judges: nothing is judged or measured")


def test_one_judge_with_two_models_is_refused():
    judges = ", ".join(f"{{judge: refusal-llm, parameters: {{model: {{name: {name}}}}}}}" for name in ("a", "b"))
    refused(f"judges=[{judges}]", match="judges: refusal-llm is listed 2 times")


def test_two_recipes_of_one_name_are_refused():
    arms = "{response_set: dolly, recipe: {name: mine, steps: []}}, " + (
        "{response_set: dolly, recipe: {name: mine, steps: [{step: exact_dedup}]}}"
    )
    given = (f"studies.refusal.arms=[{arms}]", "studies.refusal.response_sets=[]")
    refused(*given, match=r"studies\.refusal\.arms: dolly has two recipes of the name 'mine'")


def test_two_folders_of_weights_of_one_name_are_refused(tmp_path):
    bases = ", ".join(f"{{name: {tmp_path / name / 'base'}, weights: path}}" for name in ("one", "two"))
    with pytest.raises(SettingsError, match=r"studies\.refusal\.bases: two are called base"):
        check_profile(load_profile("laptop", [f"studies.refusal.bases=[{bases}]"]))


def test_two_cells_of_one_label_never_stand_for_each_other():
    """The last guard, for what no check foresees: a dot and a dash make the same label."""
    profile = load_profile("laptop")
    one, same, other = (curated_cell(profile, "dolly", name) for name in ("paper", "paper", "responses"))
    assert list(by_label("curated", [one, same, other])) == ["curated-dolly-paper", "curated-dolly-responses"]
    object.__setattr__(other, "label", one.label)
    with pytest.raises(UserError, match="two different cells have the label dolly-paper"):
        by_label("curated", [one, other])


def test_a_studys_train_settings_go_over_the_profiles_at_every_depth():
    given = ("train.lora.alpha=99", "train.lora.dropout=0.25", "studies.refusal.train={lora: {r: 3}}")
    cells = plan_cells(load_profile("laptop", given))
    found = {(one.r, one.alpha, one.dropout) for one in (c.settings.lora for c in cells if c.stage.name == "train")}
    assert found == {(3, 99, 0.25)}
    refused("studies.refusal.train={preset: full}", match=r"studies\.refusal\.train\.preset: is the profile's")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("asked_of={refusal-rulez: [xstest]}", "asked_of: refusal-rulez not among the profile's judges"),
        ("asked_of={refusal-rules: [xtest]}", "asked_of.refusal-rules: xtest not among the study's prompts"),
        ("base_sizes={doly: 64}", "base_sizes: doly not among the response sets .dolly"),
    ],
)
def test_a_misspelt_key_of_a_study_is_refused_with_the_known_names(key, message):
    refused(f"studies.refusal.{key}", match=rf"studies\.refusal\.{message}")


@pytest.mark.parametrize("prompts", ["xstest", "malicious-instruct, xstest"])
def test_prompts_that_two_judges_would_have_answered_twice_are_refused(prompts):
    """Equal lists share the replies, and lists without a common one share none."""
    study, several = "studies.refusal", "[xstest, malicious-instruct]"
    given = (TWO_JUDGES, f"{study}.asked_of={{refusal-rules: {several}, refusal-llm: [{prompts}]}}")
    refused(*given, match=r"refusal-rules and refusal-llm share .*xstest.* answered twice")
    for fine in (several, "[alpaca-eval]"):
        asked = f"{study}.asked_of={{refusal-rules: {several}, refusal-llm: {fine}}}"
        assert plan_cells(load_profile("laptop", [TWO_JUDGES, asked]))


def test_a_server_for_replies_is_not_for_a_profile():
    given = "generate={engine: openai, served: {name: mine}, server: {url: http://127.0.0.1:1/v1}}"
    refused(given, match=r"generate\.engine: 'openai' is not for a profile: .*address would not reach")


def test_the_size_of_a_set_that_an_override_leaves_out_is_no_fault():
    narrowed = load_profile("paper", ["studies.instructability.response_sets=[dolly]"], ["instructability"])
    assert "lima" in narrowed.studies["instructability"].base_sizes
    assert plan_cells(narrowed)
