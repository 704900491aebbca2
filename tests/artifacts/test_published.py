"""The published numbers: what is read is typed and whole, and a changed digit is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from artifacts.errors import InputError
from artifacts.published import PUBLISHED, read_published
from artifacts.published_checks import KNOWN, check_published, read_all
from artifacts.published_tables import SOURCES


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the CSV folder that a test may damage."""
    folder = tmp_path / "published"
    shutil.copytree(PUBLISHED, folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


ROW = "Llama-3.1-8B,Alpaca,IT,0.97,0.02,0.01"


def damage(folder: Path, name: str, old: str, new: str) -> Path:
    path = folder / SOURCES[name].file
    text = path.read_text()
    assert text.count(old) == 1, "the test must damage one place"
    path.write_text(text.replace(old, new))
    return path


def test_every_csv_of_the_folder_is_known_and_the_other_way_round():
    assert {source.file for source in SOURCES.values()} == {path.name for path in PUBLISHED.glob("*.csv")}


def test_rows_are_typed_and_untuned_models_have_no_data_set():
    table = read_published("table_11")
    assert len(table.rows) == 28
    assert table.rows[0] == {
        "base_model": "Llama-3.1-8B",
        "dataset": None,
        "method": "untuned",
        "acceptable_excellent": 0.05,
        "acceptable_sufficient": 0.0,
        "not_acceptable": 0.94,
    }
    assert table.lines[0] == 2
    assert read_published("table_31").rows[0]["alpacaeval_win_rate_vs_it"] is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (ROW, "Llama-3.1-8B,Alpaca,IT,0.97,0.02,1.01", "'not_acceptable': 1.01 is outside"),
        (ROW, "Llama-3.1-8B,Alpaca,IT,nan,0.02,0.01", "'acceptable_excellent': nan is outside"),
        (ROW, "Llama-3.1-8B,Alpaca,IT,,0.02,0.01", "'acceptable_excellent': empty"),
        (ROW, "Llama-3.1-8B,Alpaca,IT,x,0.02,0.01", "'x' is not of type float"),
        (ROW, "Llama-3.1-8B,Alpaca,IT,0.97,0.02", "5 cells, expected 6"),
        (ROW, "Llama-4,Alpaca,IT,0.97,0.02,0.01", "'Llama-4' is not one of"),
        (ROW, "Llama-3.1-8B,Alpaca,RT,0.97,0.02,0.01", "given twice"),
        (ROW, "Llama-3.1-8B,,IT,0.97,0.02,0.01", "not a cell of this table"),
        (ROW + "\n", "", "1 rows are missing: Llama-3.1-8B Alpaca IT"),
        ("not_acceptable", "unacceptable", "expected: base_model, dataset"),
    ],
)
def test_a_damaged_file_is_refused_naming_file_and_place(copy: Path, old: str, new: str, message: str):
    path = damage(copy, "table_11", old, new)
    with pytest.raises(InputError) as caught:
        read_published("table_11", copy)
    assert message in str(caught.value)
    assert path.name in caught.value.where


def test_the_message_names_the_line(copy: Path):
    damage(copy, "table_11", "Llama-3.1-8B,Alpaca,IT,0.97", "Llama-3.1-8B,Alpaca,IT,9.97")
    with pytest.raises(InputError, match=r"table11_acceptability\.csv:3, column 'acceptable_excellent'"):
        read_published("table_11", copy)


def test_an_unknown_table_names_the_known_ones():
    with pytest.raises(InputError, match="known: table_05"):
        read_published("table_99")


def test_averages_and_sums_agree_but_for_the_known_inconsistencies():
    checks = check_published(read_all())
    assert {check.id for check in checks if check.status != "agrees"} == set(KNOWN)
    assert len({check.id for check in checks}) == len(checks)
    per_table = {name: sum(check.id.startswith(name + "/") for check in checks) for name in SOURCES}
    assert per_table == {
        "table_05": 4,
        "table_11": 28,
        "table_12": 28,
        "table_13": 28,
        "table_14": 0,
        "table_15_16": 96,
        "table_25": 1,
        "table_29": 0,
        "table_31": 0,
        "figure_08": 12,
        "figure_09": 12,
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("table_12", "75.35,56.24", "75.35,56.26", "table_12/average/Llama-3.1-8B Alpaca IT"),
        ("table_15_16", "0.66,0.32,0.07", "0.66,0.34,0.07", "table_15_16/average/Gemma-2-9B Alpaca IT 0"),
        ("figure_08", "3.1-8B,Alpaca,4,80,16", "3.1-8B,Alpaca,4,82,16", "figure_08/sum/Llama-3.1-8B Alpaca"),
        ("table_05", "0.84,37.58", "0.84,38.58", "table_05/lc_win_rate_vs_it/Gemma-2-2B"),
    ],
)
def test_a_wrong_digit_beyond_rounding_is_found(copy: Path, name: str, old: str, new: str, found: str):
    damage(copy, name, old, new)
    assert [check.id for check in check_published(read_all(copy)) if check.status == "differs"] == [found]


def test_what_rounding_explains_is_no_difference():
    checks = {check.id: check for check in check_published(read_all())}
    # 0.96 + 0.02 + 0.01 prints as 0.99, three numbers of two decimals may miss 1 by 0.015
    ratings = checks["table_11/sum/Gemma-2-9B Alpaca IT"]
    assert ratings.recomputed == pytest.approx(0.99)
    assert ratings.status == "agrees"
