"""Who rates what: balanced, reproducible, recorded; and campaigns that are found again or refused."""

from __future__ import annotations

from collections import Counter

import pytest

from artifacts.errors import InputError, SettingsError, UserError
from artifacts.settings import load_settings
from paper_repro.annotate import AnnotateSettings, start_campaign
from paper_repro.annotate.assign import assign
from paper_repro.annotate.campaign import DATABASE, open_campaign
from paper_repro.annotate.guideline import choices, guideline, levels
from paper_repro.annotate.items import is_flagged, read_items
from paper_repro.judge.registry import load_judge

IDS = [f"p{i}" for i in range(60)]


def loads(turns):
    return sorted(Counter(turn.rater for turn in turns).values())


def per_item(turns):
    return sorted(Counter(Counter(turn.item for turn in turns).values()).items())


def test_by_default_every_rater_gets_every_item_in_an_order_of_their_own():
    turns = assign(IDS, AnnotateSettings())
    assert loads(turns) == [60, 60, 60] and per_item(turns) == [(3, 60)]
    orders = [[t.item for t in turns if t.rater == rater] for rater in (1, 2, 3)]
    assert all(sorted(order) == list(range(60)) and order != list(range(60)) for order in orders)
    assert orders[0] != orders[1]
    assert [t.position for t in turns if t.rater == 2] == list(range(1, 61))


@pytest.mark.parametrize(
    ("raters", "overlap", "share", "expected"),
    [(3, 2, 1.0, [(2, 60)]), (4, 1, 1.0, [(1, 60)]), (3, None, 0.25, [(1, 45), (3, 15)]), (5, 2, 0.0, [(1, 60)])],
)
def test_overlap_is_what_was_asked_and_loads_are_even(raters, overlap, share, expected):
    turns = assign(IDS, AnnotateSettings(raters=raters, overlap=overlap, overlap_share=share))
    assert per_item(turns) == expected
    assert max(loads(turns)) - min(loads(turns)) <= 1
    assert len({(turn.rater, turn.item) for turn in turns}) == len(turns)


def test_the_order_of_responses_is_drawn_for_item_and_rater_and_only_the_seed_changes_it():
    ids = [f"p{i}" for i in range(400)]
    turns = assign(ids, AnnotateSettings(raters=2))
    sides = {(ids[t.item], t.rater): t.swapped for t in turns}
    assert 340 < sum(sides.values()) < 460
    assert 140 < sum(sides[name, 1] == sides[name, 2] for name in ids) < 260, "raters do not share the draw"
    shuffled = ids[::-1]
    again = assign(shuffled, AnnotateSettings(raters=2))
    assert {(shuffled[t.item], t.rater): (t.swapped, t.position) for t in again} == {
        (ids[t.item], t.rater): (t.swapped, t.position) for t in turns
    }
    other = assign(ids, AnnotateSettings(raters=2, seed=1))
    assert {(ids[t.item], t.rater): t.swapped for t in other} != sides


def test_a_campaign_is_found_again_and_another_one_is_not_written_over_it(pair, tmp_path):
    a, b = pair(3)
    made, tokens = start_campaign(AnnotateSettings(raters=2), a, b, tmp_path / "c")
    assert set(tokens) == {"rater-1", "rater-2"}
    again, none = start_campaign(AnnotateSettings(raters=2), a, b, tmp_path / "c")
    assert (again.plan, none) == (made.plan, {})
    for other, what in ((AnnotateSettings(raters=3), (a, b)), (AnnotateSettings(raters=2), (b, a))):
        with pytest.raises(UserError, match="another kind"):
            start_campaign(other, *what, tmp_path / "c")
    assert (made.folder / DATABASE).stat().st_mode & 0o077 == 0, "for its owner alone"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="not empty"):
        start_campaign(AnnotateSettings(), a, b, tmp_path / "mine")


def test_a_folder_without_a_campaign_is_refused(tmp_path):
    with pytest.raises(InputError, match="no campaign"):
        open_campaign(tmp_path)
    (tmp_path / DATABASE).write_text("no database at all, but long enough to be read as one " * 9)
    with pytest.raises(InputError, match="not a campaign"):
        open_campaign(tmp_path)


def test_only_prompts_of_both_are_rated(generations, tmp_path):
    rows = [("alpaca-eval", None, f"ask {i}", "r") for i in range(3)]
    a = generations("zulu-rt", rows, ids=["x", "y", "z"])
    b = generations("zulu-it", [*rows[:2], ("alpaca-eval", None, "other", "r")], ids=["x", "y", "w"])
    with pytest.raises(InputError, match="1 prompts are answered only in the first, 1 only in the second"):
        read_items(a, b, AnnotateSettings())
    assert [item.a["prompt_id"] for item in read_items(a, b, AnnotateSettings(common_only=True))] == ["x", "y"]
    made, _ = start_campaign(AnnotateSettings(common_only=True), a, b, tmp_path / "c")
    assert made.plan["left_out"] == {"only_a": 1, "only_b": 1}
    with pytest.raises(InputError, match="the same generations"):
        start_campaign(AnnotateSettings(), a, a, tmp_path / "d")
    changed = [("alpaca-eval", None, "ask 0, changed", "r"), *rows[1:]]
    c = generations("zulu-it", changed, folder=tmp_path / "c2", ids=["x", "y", "z"])
    with pytest.raises(InputError, match="another prompt than in the first generations") as error:
        read_items(a, c, AnnotateSettings())
    assert error.value.where.endswith("generations.parquet: x")


def test_the_slice_is_that_of_generate(pair):
    a, b = pair(30)
    small = {item.a["prompt_id"] for item in read_items(a, b, AnnotateSettings(limit=5))}
    assert len(small) == 5
    assert small < {item.a["prompt_id"] for item in read_items(a, b, AnnotateSettings(limit=9))}
    assert small != {item.a["prompt_id"] for item in read_items(a, b, AnnotateSettings(limit=5, seed=2))}


@pytest.mark.parametrize(
    ("benchmark", "subset", "flagged"),
    [
        ("advbench", None, True),
        ("harmbench", "contextual", True),
        ("xstest", "unsafe", True),
        ("xstest", "safe", False),
        ("testbed-unsafe", None, True),
        ("just-eval", "safety", True),
        ("alpaca-eval", None, False),
    ],
)
def test_prompts_of_unsafe_sets_are_flagged(benchmark, subset, flagged):
    assert is_flagged({"benchmark": benchmark, "subset": subset}) is flagged


def test_settings_that_do_not_fit_are_refused():
    for override, said in {
        "overlap=4": "4 raters an item, but there are 3",
        "raters=0": "raters",
        "overlap_share=1.5": "overlap_share",
        "rater=2": "did you mean 'raters'",
    }.items():
        with pytest.raises(SettingsError, match=said):
            load_settings(AnnotateSettings, overrides=[override])


def test_guideline_and_judges_name_the_same_labels():
    assert set(levels()) == set(load_judge("human-acceptability").labels)
    assert choices() == ("first", "tie", "second")
    assert set(load_judge("human-preference").labels) == {"win", "tie", "loss"}
    assert {load_judge(f"human-{name}").version for name in ("acceptability", "preference")} == {guideline().version}
