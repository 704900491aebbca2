"""Every study on the laptop: what it tunes, shares and rewrites; what the small profile leaves to it."""

from __future__ import annotations

import pytest
import yaml

from artifacts.errors import SettingsError, UserError
from experiments.checks import check_profile
from experiments.expand import plan_cells
from experiments.missing import missing_conditions
from experiments.profiles import load_profile, study_names

OF_THE_TESTBED = {"corpora", "formats", "declines", "tuning-rate"}  # causal studies: of bases that we pre-trained


@pytest.fixture(scope="module")
def trained():
    """Labels of tuned models to their cells, of a profile or of one of its studies."""

    def labels(profile, *studies):
        cells = plan_cells(load_profile(profile, (), studies))
        return {cell.label: cell for cell in cells if cell.stage.name == "train"}

    return labels


def test_every_study_of_the_paper_and_ours_is_there_or_left_out_for_a_reason():
    profile = load_profile("laptop-full")
    left = {one.study for one in profile.left_out}
    assert {*profile.studies, *left} == {*study_names()} - OF_THE_TESTBED
    assert left == {"size"}


def test_what_the_small_profile_leaves_out_is_told_and_where_it_is_run():
    left = {row["study"] for row in missing_conditions(load_profile("laptop"))}
    assert left == {*load_profile("laptop-full").studies, "size"} - {"refusal"}
    for study in left - {"size"}:
        with pytest.raises(UserError) as caught:
            load_profile("laptop", (), [study])
        command = f"rt reproduce --profile laptop-full --study {study}"
        assert caught.value.fix == command
        assert load_profile("laptop-full", (), [study]).studies.keys() == {study}


def test_studies_share_models_with_each_other_and_with_the_small_profile(trained):
    full, small = trained("laptop-full"), trained("laptop")
    assert {label: full[label].name for label in small} == {label: cell.name for label, cell in small.items()}
    parts = [trained("laptop-full", study) for study in load_profile("laptop-full").studies]
    assert sum(map(len, parts)) > len(full) == len({cell.name for part in parts for cell in part.values()})


def test_raw_and_curated_responses_are_of_the_same_number(trained):
    mine = trained("laptop-full", "curation")
    bodies = [f"{name}-{recipe}-0" for name in ("alpaca", "dolly") for recipe in ("paper", "responses")]
    assert set(mine) == {f"{body}-{method}-0" for body in bodies for method in ("rt", "it")}
    assert {cell.inputs["trainset"].settings.base_size for cell in mine.values()} == {256}


def test_refined_responses_are_those_of_the_same_rows(trained):
    mine = trained("laptop-full", "refinement")
    plain, refined = (mine[f"alpaca-first-256{suffix}-paper-0-rt-0"].inputs["trainset"] for suffix in ("", "-refined"))
    assert plain.settings.base_size == refined.settings.base_size == 256
    collected = plain.inputs["base"].inputs["input"]
    rewritten = refined.inputs["base"].inputs["input"]
    assert (collected.settings.source, collected.settings.rows) == ("alpaca", 256)
    assert rewritten.stage.name == "rewrite"
    assert rewritten.inputs["input"].name == collected.name


def test_one_study_collects_no_more_than_it_needs():
    profile = load_profile("laptop-full", (), ["refinement"])
    assert (profile.corpora, set(profile.cuts), profile.refusals) == ((), {"alpaca-first-256"}, None)
    profile = load_profile("laptop-full", (), ["news"])
    assert (profile.corpora, profile.cuts, profile.rewrites) == (("dolly", "testbed-news"), {}, {})


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"cuts": {"part": {"of": "nothing", "rows": 3}}}, "cuts.part.of: 'nothing' is no pinned source of responses"),
        ({"cuts": {"part": {"of": "xstest", "rows": 3}}}, "cuts.part.of: 'xstest' is no pinned source of responses"),
        ({"cuts": {"lima": {"of": "dolly", "rows": 3}}}, "cuts: lima is the name of a corpus"),
    ],
)
def test_a_cut_that_cannot_be_made_is_refused(tmp_path, given, fault):
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump({"name": "p", "corpora": ["lima"], "report": {"source": "both"}} | given))
    with pytest.raises(SettingsError, match=fault):
        check_profile(load_profile(str(path)))


def test_rows_of_news_and_of_refined_responses_are_shown_in_the_report():
    report = plan_cells(load_profile("laptop-full"))[-1]
    shown = [name for name in report.inputs if name.startswith("curated-")]
    assert len(shown) == len(set(shown))
    assert {"curated-testbed-news-paper", "curated-alpaca-first-256-refined-paper"} <= set(shown)
    assert "curated-lima-paper" not in shown, "of other studies the sets stand there that profiles name"
