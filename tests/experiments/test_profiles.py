"""Profiles: typed, refused with every fault, studies filled in from their files."""

from __future__ import annotations

import pytest

from artifacts.errors import SettingsError, UserError
from experiments.profiles import load_profile, profile_names


@pytest.mark.parametrize("name", profile_names())
def test_every_shipped_profile_is_well_formed(name):
    assert load_profile(name).name == name


def test_a_study_takes_from_its_file_what_the_profile_does_not_say():
    study = load_profile("laptop").studies["refusal"]
    assert study.num_refusals == (0, 100)  # the profile's
    assert study.methods == ("rt", "it")  # the study file's
    assert study.recipe == "paper"


def test_the_refusal_study_is_the_papers_grid(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("name: p\nstudies: {refusal: }\n")
    study = load_profile(str(path)).studies["refusal"]
    assert study.name == "refusal"
    assert study.num_refusals == (0, 100, 200, 500)
    assert study.response_sets == ("alpaca-cleaned", "dolly", "lima")
    assert study.base_size == 1000


def test_overrides_reach_nested_settings():
    profile = load_profile("laptop", ["studies.refusal.base_size=64", "train.lora.r=4"])
    assert profile.studies["refusal"].base_size == 64
    assert profile.train.lora.r == 4


def test_an_unknown_key_is_refused_with_the_nearest_one():
    with pytest.raises(SettingsError, match=r"studies\.refusal\.base_sice: unknown key; did you mean 'base_size'"):
        load_profile("laptop", ["studies.refusal.base_sice=64"])


def test_an_unknown_profile_is_refused_with_the_known_ones():
    for name in ("desktop", "../profiles/laptop"):
        with pytest.raises(UserError, match=r"known profiles: .*laptop"):
            load_profile(name)


def test_a_profile_that_extends_another_says_only_what_differs(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("extends: laptop\nname: p\nstudies: {refusal: {num_refusals: [0]}}\ntrain: {lora: {r: 2}}\n")
    mine, laptop = load_profile(str(path)), load_profile("laptop")
    assert mine.studies["refusal"].num_refusals == (0,)
    assert mine.studies["refusal"].base_size == laptop.studies["refusal"].base_size
    assert (mine.train.lora.r, mine.train.base) == (2, laptop.train.base)
    assert mine.prompts == laptop.prompts
    path.write_text("extends: desktop\n")
    with pytest.raises(UserError, match="no profile is called 'desktop'"):
        load_profile(str(path))


def test_an_override_may_be_about_a_value_that_only_the_file_of_the_study_gives():
    study = load_profile("testbed", ["studies.corpora.seeds=[5]"]).studies["corpora"]
    assert study.seeds == (5,)
    assert len(study.bases) == 5
