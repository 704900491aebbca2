"""Rows that training and `rt sequences` read: usable, or refused with file, line and key."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError
from paper_repro.rows import Row, read_rows

ROWS = [{"instruction": "a", "response": " b\u0085\n"}, {"instruction": "c", "response": "", "more": 1}]
EXPECTED = [Row("a", " b\u0085\n"), Row("c", "")]


def write(tmp_path, text, name="rows.jsonl"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_jsonl_json_array_and_parquet_give_the_same_rows(tmp_path):
    lines = write(tmp_path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS) + "\n")
    array = write(tmp_path, json.dumps(ROWS, indent=1), "rows.json")
    pq.write_table(
        pa.table({key: [row[key] for row in ROWS] for key in ("instruction", "response")}), tmp_path / "r.parquet"
    )
    for path in (lines, array, tmp_path / "r.parquet"):
        assert read_rows(path, needs_instruction=True) == EXPECTED


def test_rt_needs_no_instruction(tmp_path):
    path = write(tmp_path, '{"response": "b"}\n{"instruction": null, "response": "c"}\n')
    assert read_rows(path, needs_instruction=False) == [Row(None, "b"), Row(None, "c")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"instruction": "a"}', "key 'response': no such key (keys: instruction)"),
        ('{"instruction": "a", "response": 3}', "key 'response': expected text, found a number"),
        ('{"instruction": "a", "response": null}', "key 'response': expected text, found null"),
        ('{"response": "b"}', "key 'instruction': no such key (keys: response)"),
        ('{"instruction": ["a"], "response": "b"}', "key 'instruction': expected text, found a list"),
        ('{"instruction": "a", "response": "\\ud800"}', "key 'response': holds half a character"),
        ('{"instruction": "a"', "not JSON"),
        ("[1]", "a list, not an object"),
        (b'{"instruction": "a", "response": "\xff"}', "not UTF-8"),
    ],
)
def test_the_first_fault_is_named_with_file_line_and_key(tmp_path, line, message):
    line = line if isinstance(line, bytes) else line.encode()
    path = write(tmp_path, json.dumps(ROWS[0]).encode() + b"\n" + line + b"\n")
    with pytest.raises(InputError) as error:
        read_rows(path, needs_instruction=True)
    assert message in str(error.value) and f"{path}:2" in str(error.value)


def test_no_rows_are_refused(tmp_path):
    with pytest.raises(InputError, match="no rows"):
        read_rows(write(tmp_path, "\n"), needs_instruction=False)
