"""Errata are computed: they follow the numbers, and every one that the specification of the paper names is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from artifacts.published_checks import check_published, read_all
from paper_repro.report.claims import load_claims
from paper_repro.report.errata import errata_table
from paper_repro.report.verdicts import check_claims


@pytest.fixture(scope="module")
def tables():
    return read_all()


def errata(tables) -> dict[str, tuple]:
    table = errata_table(tables, check_published(tables), check_claims(load_claims(), tables))
    return {row[0]: row[1:] for row in table.rows}


def changed(tables, name: str, key: tuple, **numbers: float) -> dict:
    """The published tables with some numbers of one row replaced."""
    published = tables[name]
    place = [published.key(index) for index in range(len(published.rows))].index(key)
    rows = [row | numbers if index == place else row for index, row in enumerate(published.rows)]
    return {**tables, name: replace(published, rows=tuple(rows))}


def test_the_known_inconsistencies_are_found_with_their_numbers(tables):
    found = errata(tables)
    where, said, numbers, status = found["table_05/lc_win_rate_vs_it/Gemma-2-9B"]
    assert (where, said, status) == (
        "Table 5, Gemma-2-9B",
        "Length-controlled win rate against IT (%): 40.00",
        "stands",
    )
    assert numbers.startswith("39.333 ") and "38.828 to 39.838" in numbers
    assert found["table_05/response_acceptance_rate/Gemma-2-9B"][-1] == "explained by rounding"
    assert "0.907" in found["table_05/response_acceptance_rate/Gemma-2-9B"][2]
    assert found["table_25/overall/Llama-3.1-8B News RT"][2].startswith("3.346 ")
    assert found["not-monotone/Gemma-2-9B LIMA RT"][2] == "100 to 200 refusals: 0.47 to 0.40"
    assert "100 to 500 refusals: 0.60 to 0.41" in found["not-monotone/Mistral-7B-v0.3 LIMA RT"][2]
    assert found["claim/refusals-raise-refusal-each-step"][2].startswith("63 of 72 cells; ")
    assert found["in-context/demonstrations"][-1] == found["claim/in-context-close"][-1] == "not checked"


def test_an_erratum_goes_when_the_number_is_mended_and_comes_when_one_is_spoilt(tables):
    mended = changed(tables, "table_05", ("Gemma-2-9B",), lc_win_rate_vs_it=39.4)
    assert "table_05/lc_win_rate_vs_it/Gemma-2-9B" not in errata(mended)
    mended = changed(tables, "table_15_16", ("Gemma-2-9B", "LIMA", "RT", 200), average=0.5)
    assert "not-monotone/Gemma-2-9B LIMA RT" not in errata(mended)
    spoilt = changed(tables, "table_11", ("Llama-3.1-8B", "LIMA", "RT"), acceptable_excellent=0.2)
    assert errata(spoilt)["claim/rt-acceptability"][-1] == "stands"
