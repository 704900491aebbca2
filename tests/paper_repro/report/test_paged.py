"""Tables on pages: nothing is wider than its column, words stay whole, measuring does not hang on what was drawn."""

from __future__ import annotations

import pytest

from paper_repro.report.paged import GAP, paged, width_of
from paper_repro.report.table import Column, Table


def test_a_width_is_that_of_the_letters_whatever_was_drawn_before():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.textpath import TextPath

    first = width_of("some letters", 8)
    figure = Figure()
    figure.text(0, 0, "an odd size", fontsize=37)
    FigureCanvasAgg(figure).draw()  # the library keeps one font for all, and sets its size
    assert width_of("other letters", 8) == pytest.approx(
        TextPath((0, 0), "other letters", size=8).get_extents().x1 / 72, rel=0.03
    )
    assert first == pytest.approx(TextPath((0, 0), "some letters", size=8).get_extents().x1 / 72, rel=0.03)


@pytest.fixture(scope="module")
def table():
    keys = ("id", "statement", "verdict", "why", "where")
    columns = (*(Column(key, key.capitalize(), names_row=True) for key in keys), Column("n", "Cells"))
    rows = tuple(
        (
            f"table_{i:02d}/some_long_name/Some-Model-9B",
            "a statement of several words " * 4,
            "inconclusive",
            "b " * 90,
            "Sec. 4",
            i,
        )
        for i in range(4)
    )
    return Table("t", "T", "made up", columns, rows)


def test_nothing_reaches_into_the_next_column_and_words_are_whole(table):
    width = 6.8
    head, rows, size = paged(table, width)
    starts = sorted({x for x, _, _, align, _ in head[0].texts if align == "left"})
    for line in rows:
        for x, _, text, align, _ in line.texts:
            if align == "left":
                end = next((start - GAP for start in starts if start > x + 0.01), width)
                assert x + width_of(text, size) <= end + 0.03, text
    words = [text for line in rows for _, _, text, _, _ in line.texts]
    assert words.count("inconclusive") == len(rows), "a word that fits on a line is not cut"


@pytest.mark.parametrize("text", ["\u6f22\u5b57", "a\tb\rc", "\x00\x0c\x1b", "\ud7ff"])
def test_a_letter_that_the_font_lacks_takes_room_and_stops_nothing(text):
    assert width_of(text, 8) > 0
    table = Table("t", text, "", (Column("a", text, names_row=True),), ((text,),))
    _, rows, _ = paged(table, 6.0)
    assert len(rows) == 1
