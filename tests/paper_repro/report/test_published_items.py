"""The paper's tables and figures, made again from its numbers."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from artifacts.published import PUBLISHED
from artifacts.published_checks import read_all
from artifacts.published_tables import SOURCES
from paper_repro.report.figure import FORMATS, write_drawing
from paper_repro.report.figure_numbers import with_published_numbers
from paper_repro.report.figures import ALTERNATIVES, FIGURES, figure_05
from paper_repro.report.page import files_of
from paper_repro.report.table import to_csv
from paper_repro.report.tables import TABLES


@pytest.fixture(scope="module")
def tables():
    return read_all()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_tables_and_figures_of_the_issue_are_all_there():
    assert list(TABLES) == [1, 3, 5, 11, 12, 13, 14, 15, 16, 25, 29, 31]
    assert list(FIGURES) == [1, 2, 3, 4, 5, 7, 8, 9]
    assert set(ALTERNATIVES) <= set(FIGURES)


@pytest.mark.parametrize("number", [5, 11, 12, 13, 14, 25, 31])
def test_a_table_as_printed_gives_back_its_csv_to_the_digit(tables, number: int):
    name = f"table_{number:02d}"
    assert to_csv(TABLES[number](tables)) == (PUBLISHED / SOURCES[name].file).read_text()


def test_tables_15_and_16_hold_every_refusal_row_once(tables):
    lines = [line for number in (15, 16) for line in to_csv(TABLES[number](tables)).splitlines()[1:]]
    assert sorted(lines) == sorted((PUBLISHED / SOURCES["table_15_16"].file).read_text().splitlines()[1:])


def test_a_table_with_a_known_inconsistency_says_so(tables):
    said = {number for number, make in TABLES.items() if any("Known inconsistency" in n for n in make(tables).notes)}
    assert said == {5, 25}


def test_table_29_is_turned_to_one_column_a_data_set(tables):
    rows = rows_of(to_csv(TABLES[29](tables)))
    assert len(rows) == 8
    assert {"base_model": "Gemma-2-9B", "method": "RT", "alpaca": "46.79", "dolly": "70.49", "lima": "58.73"} in rows


@pytest.mark.parametrize(("number", "of", "field"), [(1, 12, "average"), (3, 14, "drfr")])
def test_tables_1_and_3_show_one_number_of_another_table_methods_side_by_side(tables, number, of, field):
    cells = tables[f"table_{of:02d}"].cells()
    rows = rows_of(to_csv(TABLES[number](tables)))
    for row in rows:
        model, dataset = row["base_model"], row["dataset"]
        assert [float(row[method]) for method in ("IT", "RT")] == [
            cells[model, dataset, m][field] for m in ("IT", "RT")
        ]
        assert float(row["untuned"]) == cells[model, None, "untuned"][field]
    tuned = {(model, dataset) for model, dataset, method in cells if method == "RT"}
    assert {(row["base_model"], row["dataset"]) for row in rows} == tuned
    assert any("which rows, our copy does not hold" in note for note in TABLES[number](tables).notes)


def test_figure_1_shows_the_parts_of_both_sequences_and_where_the_loss_counts():
    axes = FIGURES[1](None).draw().axes[0]
    boxes = sorted(axes.patches, key=lambda box: (-box.get_y(), box.get_x()))
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    centres = [(box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2) for box in boxes]
    words = [next(said for at, said in texts.items() if at == pytest.approx(centre)) for centre in centres]
    assert words == ["<|user|>", "instruction", "<|assistant|>", "response", "end", "<|assistant|>", "response", "end"]
    filled = [word for word, box in zip(words, boxes, strict=True) if box.get_facecolor()[:3] != (1, 1, 1)]
    assert filled == ["response", "end"] * 2


def test_figure_2_stacks_the_raters_levels(tables):
    axes = FIGURES[2](tables).draw().axes[0]
    assert axes.get_title() == "Llama-3.1-8B"
    widths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert dict(zip(names, zip(*widths, strict=True), strict=True))["Alpaca RT"] == pytest.approx((0.91, 0.06, 0.02))
    assert len(names) == 7


def test_figure_3_draws_every_score_as_radar_and_as_dots(tables):
    radar, dots = FIGURES[3](tables).draw(), ALTERNATIVES[3](tables).draw()
    row = tables["table_13"].cells()["Gemma-2-9B", "Alpaca", "RT"]
    expected = [row[name] for name in ("helpfulness", "factuality", "clarity", "depth", "engagement")]
    line = next(line for line in radar.axes[1].lines if line.get_label() == "RT")
    assert list(line.get_ydata()) == [*expected, expected[0]]
    points = next(points for points in dots.axes[1].collections if points.get_label() == "RT")
    assert [round(float(x), 2) for x, _ in points.get_offsets()] == expected


def test_figure_4_sets_raters_beside_gpt_4(tables):
    human, judged = FIGURES[4](tables).draw().axes[:2]
    assert human.get_yticklabels()[0].get_text() == "Llama-3.1-8B, Alpaca"
    assert [bars[0].get_width() for bars in human.containers] == [4, 80, 16]
    assert [bars[0].get_width() for bars in judged.containers] == [39, 61]  # no ties are counted


@pytest.mark.parametrize(
    ("number", "rows", "first"),
    [
        (2, 28, ["Llama-3.1-8B", "Alpaca", "IT", 0.97, 0.02, 0.01]),
        (3, None, None),
        (4, 12, ["Llama-3.1-8B", "Alpaca", 4, 80, 16, 39, 61]),
        (5, 8, ["Gemma-2-9B", "LIMA", "IT", 0, 0.60]),
    ],
)
def test_a_figure_of_other_items_numbers_has_a_table_of_what_it_draws(tables, number, rows, first):
    drawing = with_published_numbers(FIGURES[number](tables), number, tables)
    table = drawing.numbers
    assert table.name == drawing.name and {"CSV", "LaTeX", "PNG"} <= {word for _, word in files_of(drawing)}
    if rows is None:
        assert table.rows == TABLES[13](tables).rows
    else:
        assert len(table.rows) == rows
        assert first in [list(row[: len(first)]) for row in table.rows]


def test_figure_5_draws_the_published_rates_of_gemma_on_lima(tables):
    figure = figure_05(tables).draw()
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    assert list(panels) == [
        "(a) AdvBench",
        "(b) HarmBench",
        "(c) MaliciousInstruct",
        "(d) XSTest unsafe",
        "(e) XSTest benign",
    ]
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in panels["(a) AdvBench"].containers}
    assert heights == {"IT": [0.60, 0.96, 0.98, 0.98], "RT": [0.24, 0.50, 0.44, 0.91]}
    false = {bars.get_label(): [bar.get_height() for bar in bars] for bars in panels["(e) XSTest benign"].containers}
    assert false["RT"] == [0.14, 0.13, 0.17, 0.20]


@pytest.mark.parametrize(
    ("number", "rows"), [(8, [(4, 80, 16), (7, 72, 21), (5, 82, 13)]), (9, [(39, 61), (41, 59), (40, 60)])]
)
def test_preference_bars_are_the_published_shares_stacked(tables, number: int, rows: list[tuple[int, ...]]):
    figure = FIGURES[number](tables).draw()
    first = figure.axes[0]
    assert first.get_title() == "Llama-3.1-8B"
    widths = [[bar.get_width() for bar in bars] for bars in first.containers]
    assert list(zip(*widths, strict=True)) == rows
    lefts = [[bar.get_x() for bar in bars] for bars in first.containers]
    assert lefts[1] == widths[0]


def test_equal_figures_give_equal_bytes_and_no_date(tables, tmp_path: Path):
    drawing = figure_05(tables)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_drawing(drawing, tmp_path / name)
    for extension in FORMATS:
        first = (tmp_path / "one" / f"figure_05.{extension}").read_bytes()
        assert first == (tmp_path / "two" / f"figure_05.{extension}").read_bytes()
        assert b"CreationDate" not in first
        assert b"<dc:date>" not in first
