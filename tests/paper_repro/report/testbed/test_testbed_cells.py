"""Cells of the testbed, means over seeds, intervals, cards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from artifacts.errors import InputError
from artifacts.files import read_json
from paper_repro.report.table import Estimate, rounded
from paper_repro.report.testbed_cards import AS_STATEMENTS, bases_table, mean_of, read_card
from paper_repro.report.testbed_cells import (
    Base,
    Cell,
    CellKey,
    Unit,
    parse_base,
    read_cells,
    select,
    values,
    with_reference,
)
from paper_repro.report.testbed_statistics import INTERVALS, difference, mean_over_seeds, replicates, seeds_text

KEY = CellKey("instructability", "2m", "many", "structured", "RT", 0)


def cell_of(*parts: Estimate, key: CellKey = KEY) -> Cell:
    return Cell(key, {"acceptable": {Unit(0, seed): part for seed, part in enumerate(parts)}})


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("testbed-2m-many-0", Base("2m", "many", 0)),
        ("testbed-0.5m-formats-16-1", Base("0.5m", "formats-16", 1)),
        ("testbed-5m-many-declines-5-0", Base("5m", "many-declines-5", 0)),
        ("SmolLM2-135M-Instruct", None),
        ("testbed-2m-many", None),
    ],
)
def test_names_of_bases(name, base):
    assert parse_base(name) == base


def test_a_cell_holds_one_unit_a_pair_of_seeds(cells):
    cell = cells[KEY]
    assert cell.units == [Unit(0, 0), Unit(0, 1), Unit(1, 0), Unit(1, 1)]
    assert seeds_text(cell) == "4 on 2 bases"
    untuned = cells[CellKey("instructability", "5m", "many", None, "untuned", None)]
    assert seeds_text(untuned) == "1 on 1 base"


def test_other_models_strategies_and_recipes_never_enter_a_plain_cell(testbed_results):
    rt = next(row for row in testbed_results if row.method == "RT" and row.num_refusals == 100)
    strangers = [
        replace(rt, base_model="Tiny-1M"),
        replace(rt, strategy="diverse", value=0.0, low=0.0),
        replace(rt, benchmark="testbed-dev-tasks"),
    ]
    assert read_cells(strangers) == {}
    (key,) = read_cells([replace(rt, recipe="strict")])
    assert key.response_set == "structured (strict)"


def test_cells_stand_in_reading_order(cells):
    assert values(select(cells, study="instructability", corpus="many"), "size") == ["0.5m", "2m", "5m"]
    own = select(cells, study="instructability", size="2m", corpus="many")
    assert [(cell.key.method, cell.key.response_set) for cell in own][:4] == [
        ("untuned", None),
        ("RT", "structured"),
        ("IT", "structured"),
        ("RT", "terse"),
    ]
    found = values(with_reference(cells, "formats", ("many", "formats-1", "formats-16", "formats-2")), "corpus")
    assert found == ["many", "formats-1", "formats-2", "formats-16"]


def test_a_comparison_takes_what_a_study_lacks_from_another_and_no_more(cells):
    found = with_reference(cells, "formats", ("many", "formats-1"))
    many = [cell.key for cell in found if cell.key.corpus == "many"]
    assert {key.study for key in many} == {"instructability"}
    assert {key.size for key in many} == {"2m"}  # sizes, sets and counts of the study alone
    assert {key.response_set for key in many} == {None, "structured"}
    doses = with_reference(cells, "declines", ("many",))
    assert {(cell.key.study, cell.key.count) for cell in doses if cell.key.method == "RT"} == {("refusal", 100)}


def test_the_mean_is_over_seeds_and_counts_are_added():
    cell = cell_of(Estimate(0.2, 0.1, 0.3, 100, 1, 0), Estimate(0.6, 0.5, 0.7, 100, 2, 3))
    mean = mean_over_seeds(cell, "acceptable")
    assert mean.value == pytest.approx(0.4)
    assert (mean.n, mean.unclassified, mean.failed) == (200, 3, 3)
    # both seeds may be drawn as the lower one, stretched away from the mean by the root of 2, and shifted down
    assert 0.0 <= mean.low < 0.4 - 0.2 * 2**0.5 < 0.4 + 0.2 * 2**0.5 < mean.high <= 1.0


def test_what_the_notes_say_of_few_seeds_was_simulated():
    stored = read_json(Path(__file__).parents[4] / "benchmarks" / "results" / "seed_coverage.json")["coverage"]
    for seeds, word in (("2", "cases with two seeds"), ("3", "with three"), ("6", "with six")):
        shares = [rounded(100 * share, 0) for share in sorted(stored[seeds].values())]
        assert f"{shares[0]} to {shares[-1]} % {'of ' if seeds == '2' else ''}{word}" in INTERVALS


def test_one_seed_has_the_interval_of_its_prompts():
    mean = mean_over_seeds(cell_of(Estimate(0.5, 0.42, 0.61, 100, 0, 0)), "acceptable")
    assert (mean.low, mean.high) == pytest.approx((0.42, 0.61), abs=0.006)


def test_prompts_do_not_average_out_over_seeds_that_share_them():
    part = Estimate(0.5, 0.4, 0.6, 100, 0, 0)
    one, many = (mean_over_seeds(cell_of(*[part] * seeds), "acceptable") for seeds in (1, 6))
    assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.05)


def test_a_seed_without_a_number_leaves_no_mean():
    cell = cell_of(Estimate(0.2, 0.1, 0.3, 100, 0, 0), Estimate(None, None, None, 100, 100, 0))
    assert mean_over_seeds(cell, "acceptable").value is None
    assert mean_over_seeds(cell, "content").value is None
    assert mean_over_seeds(None, "acceptable").value is None


def test_resampling_is_fixed_by_the_cells_name():
    cell = cell_of(Estimate(0.2, 0.1, 0.3, 100, 0, 0), Estimate(0.6, 0.5, 0.7, 100, 0, 0))
    first = replicates(KEY, "acceptable", cell.samples["acceptable"])
    assert (first == replicates(KEY, "acceptable", cell.samples["acceptable"])).all()
    other = replicates(KEY._replace(method="IT"), "acceptable", cell.samples["acceptable"])
    assert not (first == other).all()


def test_a_condition_has_the_same_interval_in_every_study():
    sample = cell_of(Estimate(0.2, 0.1, 0.3, 100, 0, 0), Estimate(0.6, 0.5, 0.7, 100, 0, 0)).samples["acceptable"]
    one, other = (replicates(KEY._replace(study=name), "acceptable", sample) for name in ("formats", "corpora"))
    assert (one == other).all()


def test_a_difference_is_wider_than_its_parts():
    part = Estimate(0.5, 0.4, 0.6, 100, 0, 0)
    it = cell_of(Estimate(0.7, 0.6, 0.8, 100, 0, 0), key=KEY._replace(method="IT"))
    found = difference(it, cell_of(part), "acceptable")
    assert found.value == pytest.approx(0.2)
    assert found.high - found.low == pytest.approx(0.2 * 2**0.5, rel=0.05)


def test_a_card_is_read_and_its_numbers_are_averaged_over_bases(cards):
    by_name = {card.name: card for card in cards}
    card = by_name["testbed-2m-many-1"]
    assert (card.parameters, card.tokens, card.own_format, card.likelihood, card.margin) == (
        2_150_000,
        30_000_000,
        0.9,
        0.93,
        pytest.approx(2.3),
    )
    assert mean_of(cards, "2m", "many", "margin", ()) == pytest.approx(2.2)
    assert mean_of(cards, "2m", "none", "own_format", ()) is None
    second = Cell(KEY, {"acceptable": {Unit(1, 0): Estimate(0.5)}})
    elsewhere = Cell(KEY._replace(corpus="none"), {"acceptable": {Unit(0, 0): Estimate(0.5)}})
    assert mean_of(cards, "2m", "many", "margin", (second, elsewhere)) == pytest.approx(2.3)  # of that base alone


def test_bases_stand_with_what_they_lack(cards):
    table = bases_table(cards, {"testbed-5m-none-0": "not shipped"})
    rows = {row[0]: row for row in table.rows}
    own = [column.key for column in table.columns].index("own_format")
    assert rows["testbed-2m-none-0"][own] == ""  # no formats: a dash, no missing number
    assert rows["testbed-5m-none-0"][own] is None
    assert rows["testbed-2m-many-0"][-1] == "ab" * 6
    assert "testbed-5m-none-0: not shipped" in table.notes
    assert AS_STATEMENTS in table.notes, "counts of exchanges where nothing is asked"
    assert AS_STATEMENTS not in bases_table([card for card in cards if card.base.corpus != "none"], {}).notes


@pytest.mark.parametrize("data", [{"name": "testbed-2m-many-0"}, [], {"name": "x", "parameters": 1}])
def test_what_is_no_card_is_refused(tmp_path, data):
    path = tmp_path / "card.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="not the card"):
        read_card(path)
