"""Tables: a missing number is a word, never 0; text is escaped."""

from __future__ import annotations

import pytest

from artifacts.errors import StageError
from paper_repro.report.table import Column, Estimate, Table, to_csv, to_markdown

NAME = Column("model", "Model", names_row=True)
RATE = Column("rate", "Rate")


def table(*rows, columns=(NAME, RATE)) -> Table:
    return Table("t", "Title", "somewhere", columns, rows)


def test_a_missing_number_is_the_word_missing_in_every_form():
    made = table(("a", None), ("b", 0.0), ("c", Estimate(None)))
    assert [line.split(",")[1] for line in to_csv(made).splitlines()[1:]] == ["missing", "0.00", "missing"]
    assert "| a | missing |" in to_markdown(made)
    assert "| c | missing |" in to_markdown(made)


def test_a_cell_without_meaning_is_not_missing():
    made = table(("", 0.5))
    assert to_csv(made).splitlines()[1] == ",0.50"
    assert "| – | 0.50 |" in to_markdown(made)


def test_an_estimate_keeps_its_interval_and_counts():
    made = table(("a", Estimate(0.25, 0.1, 0.4, 40, 2, 0)), ("b", Estimate(0.5, n=10, unclassified=0, failed=3)))
    assert to_csv(made).splitlines() == [
        "model,rate,rate_low,rate_high,rate_n,rate_unclassified,rate_failed",
        "a,0.25,0.10,0.40,40,2,0",
        "b,0.50,,,10,0,3",
    ]
    assert "| a | 0.25; [0.10, 0.40]; n 40, unclassified 2 |" in to_markdown(made)
    assert "failed 3" in to_markdown(made)


def test_markdown_cannot_be_broken_by_a_cell():
    line = to_markdown(table(("a|b<script>\nc", 1.0))).splitlines()[4]
    assert line == "| a\\|b&lt;script><br>c | 1.00 |"


def test_csv_quotes_what_needs_it():
    assert to_csv(table(('a,"b"', 1.0))).splitlines()[1] == '"a,""b""",1.00'


def test_a_row_of_another_length_is_refused():
    with pytest.raises(StageError, match="row 1 does not have 2 cells"):
        table(("a", 0.5), ("b",))


def test_repeats_count_only_with_all_cells_to_their_left():
    made = table(
        ("a", "x", 1.0), ("a", "x", 1.0), ("b", "x", 1.0), columns=(NAME, Column("set", "Set", names_row=True), RATE)
    )
    assert [made.repeats(1, column) for column in range(3)] == [True, True, False]
    assert [made.repeats(2, column) for column in range(3)] == [False, False, False]


def test_a_reply_cannot_become_a_link_or_a_picture_in_markdown():
    line = to_markdown(table(("[a](javascript:b) ![](http://c/d.png) `e` *f* _g_ h_i ~j~", 1.0))).splitlines()[4]
    assert line == (r"| \[a\](javascript:b) !\[\](http://c/d.png) \`e\` \*f\* \_g\_ h_i \~j\~ | 1.00 |")
