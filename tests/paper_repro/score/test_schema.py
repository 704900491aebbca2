"""The results table: what is written is read back, what does not fit is refused with the row named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, StageError
from paper_repro.score.schema import COLUMNS, SCHEMA, Result, faults, read_results, to_csv, to_table, write_results

ROW = Result(
    study="refusal",
    base_model="tiny",
    model_size=1000,
    response_set="dolly",
    recipe="paper",
    method="RT",
    num_refusals=100,
    strategy="paper",
    seed=0,
    benchmark="xstest-unsafe",
    metric="refusal_rate",
    value=0.5,
    n=40,
    low=0.35,
    high=0.65,
    unclassified=2,
    failed=0,
    judge="refusal-rules",
    digest="d" * 64,
)
UNTUNED = replace(ROW, method="untuned", response_set=None, recipe=None, num_refusals=None, strategy=None, seed=None)


def test_written_rows_are_read_back_sorted_untuned_first(tmp_path):
    more = replace(ROW, num_refusals=1000)
    instructed = replace(ROW, method="IT")
    write_results([instructed, more, ROW, UNTUNED], tmp_path)
    assert read_results(tmp_path) == read_results(tmp_path / "results.parquet") == [UNTUNED, ROW, more, instructed]


def test_the_order_of_the_rows_given_does_not_change_a_byte(tmp_path):
    write_results([ROW, UNTUNED], tmp_path / "a")
    write_results([UNTUNED, ROW], tmp_path / "b")
    for name in ("results.parquet", "results.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_csv_leaves_null_empty_and_keeps_every_digit():
    lines = to_csv([replace(UNTUNED, value=1 / 3, low=0.1, high=0.9)]).split("\n")
    assert lines[0] == ",".join(column.name for column in COLUMNS if not column.optional)
    assert lines[1].startswith("refusal,tiny,1000,,,untuned,,,,xstest-unsafe,refusal_rate,0.3333333333333333,40,0.1,")


def test_two_learning_rates_are_two_rows_and_a_table_without_any_has_no_such_column(tmp_path):
    slow, fast = (replace(ROW, learning_rate=rate) for rate in (0.0005, 0.004))
    assert faults([slow, fast]) == []
    assert "names the same" in faults([slow, replace(slow, value=0.4)])[0]
    assert read_results(write_to(tmp_path / "two", [fast, slow, UNTUNED])) == [UNTUNED, slow, fast]
    assert pq.read_schema(tmp_path / "two" / "results.parquet").names == SCHEMA.names[:-1]
    write_to(tmp_path / "none", [UNTUNED])
    assert "learning_rate" not in pq.read_schema(tmp_path / "none" / "results.parquet").names
    swapped = pq.read_table(tmp_path / "two" / "results.parquet").select(["learning_rate", *SCHEMA.names[:-2]])
    pq.write_table(swapped, tmp_path / "swapped.parquet")
    with pytest.raises(InputError, match="not a results table"):
        read_results(tmp_path / "swapped.parquet")


def write_to(folder, rows):
    write_results(rows, folder)
    return folder


def test_a_missing_value_is_null_and_never_zero(tmp_path):
    nothing = replace(ROW, value=None, low=None, high=None, unclassified=40)
    write_results([nothing], tmp_path)
    assert read_results(tmp_path)[0].value is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metric": "acceptability"}, "unknown metric 'acceptability'"),
        ({"method": "rt"}, "unknown method 'rt'"),
        ({"unclassified": 41}, "counts do not fit"),
        ({"failed": 39}, "counts do not fit"),
        ({"value": 1.2, "high": 1.3}, "between 0 and 1"),
        ({"value": 0.9}, "not low <= value <= high"),
        ({"high": None}, "come together"),
        ({"value": float("nan")}, "finite"),
        ({"base_model": None}, "base_model is missing"),
    ],
)
def test_a_row_that_cannot_be_true_is_refused(tmp_path, change, said):
    with pytest.raises(StageError, match=said):
        write_results([replace(ROW, **change)], tmp_path)
    assert not (tmp_path / "results.parquet").exists()


def test_two_rows_of_one_name_are_a_fault():
    assert faults([ROW, replace(ROW, value=0.6)])[0].startswith("row 1: names the same as row 0")
    assert faults([ROW, replace(ROW, seed=1), replace(ROW, judge="other")]) == []


def test_reading_checks_columns_types_and_rows(tmp_path):
    table = to_table([ROW])
    for name, wrong in {
        "fewer": table.drop_columns(["failed"]),
        "text": table.set_column(SCHEMA.names.index("n"), "n", pa.array(["40"])),
        "impossible": table.set_column(SCHEMA.names.index("value"), "value", pa.array([7.0])),
    }.items():
        path = tmp_path / f"{name}.parquet"
        pq.write_table(wrong, path)
        with pytest.raises(InputError, match="not a results table"):
            read_results(path)
    with pytest.raises(InputError, match="rt score"):
        read_results(tmp_path)
    (tmp_path / "bad.parquet").write_text("x")
    with pytest.raises(InputError, match="not a Parquet file"):
        read_results(tmp_path / "bad.parquet")


def test_the_documentation_has_every_column_with_what_it_holds_and_its_unit():
    text = (Path(__file__).parents[3] / "docs" / "schemas.md").read_text(encoding="utf-8")
    section = text.partition("## Columns of the results table")[2].partition("\n## ")[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in section.splitlines() if "`" in line]
    told = [row for row in rows if len(row) == 4]
    lacking = "; a table may lack it"
    assert told == [
        (f"`{one.name}`", str(one.type), one.meaning + (lacking if one.optional else ""), one.unit) for one in COLUMNS
    ]
