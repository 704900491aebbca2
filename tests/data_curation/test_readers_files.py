"""Readers: kinds of files, folders and the hub, and which of them are refused."""

from __future__ import annotations

import gzip
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, MissingDataError
from data_curation.readers import read_hub
from tests.data_curation.readings import faults, jsonl, pairs, read


def test_json_array_names_the_line_of_each_item(tmp_path):
    path = tmp_path / "rows.json"
    path.write_bytes(b'[\n {"response": "a"},\n {"response":\n 1}\n, {"response": "\xff"},\n 7, {"response": "b"}]\n')
    reading = read(path)
    assert pairs(reading) == [(None, "a"), (None, "b")]
    assert faults(reading) == [
        (3, "'response' is a number, not text"),
        (5, "not UTF-8"),
        (6, "a number, not an object"),
    ]


def test_a_json_file_may_hold_json_lines(tmp_path):
    assert len(read(jsonl(tmp_path, {"response": "a"}, {"response": "b"}, name="rows.json")).records) == 2


def test_csv_keeps_line_ends_inside_quotes_and_counts_physical_lines(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b'instruction,response\r\ni,"two\r\nlines, ""quoted"""\r\n\r\ni,x,y\r\ni,"a"b\r\ni,\xff\r\ni,last')
    reading = read(path)
    assert pairs(reading) == [("i", 'two\r\nlines, "quoted"'), ("i", "last")]
    assert [line for line, _ in faults(reading)] == [4, 5, 6, 7]
    words = ["empty line", "fields: 3, columns in the header: 2", "not CSV", "not UTF-8"]
    for (_, reason), word in zip(faults(reading), words, strict=True):
        assert word in reason


def test_csv_fields_longer_than_the_module_allows_by_itself(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("response\n" + "x" * 200_000 + "\n")
    assert len(read(path).records[0].response) == 200_000


def test_tsv(tmp_path):
    path = tmp_path / "rows.tsv"
    path.write_text("instruction\tresponse\ni, j\tr\n")
    assert pairs(read(path)) == [("i, j", "r")]


def test_compressed_files_read_as_plain_ones(tmp_path):
    plain = jsonl(tmp_path, {"response": "a"}, {"response": "b"})
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    zst = tmp_path / "rows.jsonl.zst"
    with pa.CompressedOutputStream(str(zst), "zstd") as stream:
        stream.write(plain.read_bytes())
    assert pairs(read(packed)) == pairs(read(zst)) == pairs(read(plain))


def test_parquet_rows_and_their_faults(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"instruction": ["i", None, "k"], "response": ["a", "b", None]}), path)
    reading = read(path)
    assert pairs(reading) == [("i", "a"), (None, "b")]
    (entry,) = reading.quarantined
    assert (entry.line, entry.row, entry.reason) == (None, 2, "'response' is null, not text")
    assert json.loads(entry.raw) == {"instruction": "k", "response": None}


def test_a_parquet_text_that_is_not_utf8_spoils_its_row_only(tmp_path):
    path = tmp_path / "rows.parquet"
    bad = pa.Array.from_buffers(pa.string(), 3, pa.array([b"a", b"b\xff", b"c"]).buffers())
    pq.write_table(pa.table({"response": bad}), path)
    reading = read(path)
    assert pairs(reading) == [(None, "a"), (None, "c")]
    assert [(entry.row, entry.reason, entry.raw) for entry in reading.quarantined] == [
        (1, "not UTF-8", "response: b\\xff")
    ]


@pytest.mark.parametrize("name", ["x", "response"])
@pytest.mark.parametrize(
    "values",
    [
        pa.array([253402300800000000, 0], pa.timestamp("us")),
        pa.array([0, 0], pa.timestamp("us", "US/Pacific-New")),
        pa.StructArray.from_arrays([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"]),
        pa.array([2**31 - 1, 0], pa.int32()).cast(pa.date32()),
        pa.array([2**62, 0], pa.duration("s")),
    ],
    ids=["timestamp", "zone", "struct", "date", "duration"],
)
def test_a_parquet_value_that_python_has_no_object_for_matters_only_where_it_is_needed(tmp_path, name, values):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"instruction": ["i", "j"], "response": ["a", None]} | {name: values}), path)
    if name == "response":
        with pytest.raises(InputError, match="the first: 'response' is a value that Python cannot hold, not text"):
            read(path)
        return
    reading = read(path)
    assert pairs(reading) == [("i", "a")]
    (entry,) = reading.quarantined
    assert (entry.reason, entry.raw.startswith('{"instruction": "j"')) == ("'response' is null, not text", True)


def test_one_invalid_text_of_a_parquet_dictionary_spoils_its_rows_only(tmp_path):
    path = tmp_path / "rows.parquet"
    bad = pa.Array.from_buffers(pa.string(), 3, pa.array([b"a", b"b\xff", b"c"]).buffers())
    pq.write_table(pa.table({"response": pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0]), bad)}), path)
    reading = read(path)
    assert pairs(reading) == [(None, "a"), (None, "c"), (None, "a")]
    assert [(entry.row, entry.reason, entry.raw) for entry in reading.quarantined] == [
        (1, "not UTF-8", "response: b\\xff")
    ]


def test_a_score_of_too_many_digits_is_called_too_large(tmp_path):
    reading = read(jsonl(tmp_path, {"response": "a", "q": 1}, {"response": "b", "q": 10**400}), quality="q")
    assert faults(reading) == [(2, "'q' is too large a number")]


REFUSED = {
    "empty.jsonl": (b"", "empty"),
    "blank.jsonl": (b"\n\n", "none of its 2 rows"),
    "twice.jsonl": (b'{"response": "a"}\n{"response": "a", "response": "b"}\n', "2: the key 'response' is given twice"),
    "twice.csv": (b"response,response\na,b\n", "1: the column name 'response' is given twice"),
    "unclosed.csv": (b'response\nx\n"abc\nd\n', "3: a quote that opens"),
    "header.csv": (b"\nresponse\n", "1: no usable header"),
    "only_header.csv": (b"response\n", "no rows"),
    "other.jsonl": (b'{"text": "x"}\n', "columns: text"),
    "near.jsonl": (b'{"responce": "x"}\n', "nearest: 'responce'"),
    "two.jsonl": (b'{"response": "x", "output": "y"}\n', "several columns could be the response: response, output"),
    "all_bad.jsonl": (b'{"response": 1}\n{"response": 2}\n', "none of its 2 rows"),
    "array.json": (b'[{"response": "a"},\n{"response":}]', "2: not a JSON array"),
    "tail.json": (b'[{"response": "a"}]\n\nx', "3: not a JSON array: more text"),
    "comma.json": (b'[{"response": "a"} {"response": "b"}]', "expected ',' or ']'"),
    "none.json": (b"[ ]", "no rows"),
    "bad.parquet": (b"PAR1 is not enough", "not a readable Parquet file"),
    "cut.jsonl.gz": (gzip.compress(b'{"response": "x"}' * 99)[:-12], "cannot be read"),
    "bad.jsonl.zst": (b"zzzz", "cannot be read"),
    "utf16.csv": ("response\nx".encode("utf-16"), "UTF-16"),
    "notes.txt": (b"x", "unknown kind of file '.txt'"),
    "noextension": (b"x", "unknown kind of file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_cannot_be_used_are_refused_with_place_and_reason(tmp_path, name):
    content, message = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert error.value.exit_code == 2


def test_a_parquet_file_with_a_column_twice_is_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["response", "response"]), path)
    with pytest.raises(InputError, match="given twice"):
        read(path)


def test_empty_folders_and_absent_files_are_refused(tmp_path):
    for path, message in ((tmp_path, "there are no files in it"), (tmp_path / "none.jsonl", "no such file")):
        with pytest.raises(InputError, match=message):
            read(path)


def test_a_name_that_is_no_text_is_refused(tmp_path):
    odd = tmp_path / os.fsdecode(b"odd\xff.jsonl")
    jsonl(tmp_path, {"response": "R"}).rename(odd)
    for path in (odd, tmp_path):
        with pytest.raises(InputError, match=r"odd\\udcff\.jsonl': the name is not valid UTF-8"):
            read(path)


def test_the_files_of_a_folder_are_one_set_in_the_order_of_their_names(tmp_path):
    folder = tmp_path / "shards"
    (folder / "b").mkdir(parents=True)
    jsonl(folder, {"response": "third"}, name="c.jsonl")
    jsonl(folder / "b", {"response": "first"}, {"response": 5}, name="x.jsonl")
    (folder / "b" / "y.csv").write_text("response\nsecond\n")
    (folder / "_SUCCESS").write_text("")
    reading = read(folder)
    assert [(record.source, record.row, record.response) for record in reading.records] == [
        ("shards", 0, "first"),
        ("shards", 2, "second"),
        ("shards", 3, "third"),
    ]
    assert [(entry.file, entry.line, entry.row) for entry in reading.quarantined] == [("shards/b/x.jsonl", 2, 1)]
    (folder / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"notes\.txt: unknown kind of file"):
        read(folder)


def test_links_to_folders_and_to_nothing_are_refused(tmp_path):
    folder, elsewhere = tmp_path / "shards", tmp_path / "elsewhere"
    for each in (folder, elsewhere):
        each.mkdir()
    target = jsonl(elsewhere, {"response": "linked"}, name="a.jsonl")
    (folder / "a.jsonl").symlink_to(target)
    assert pairs(read(folder)) == [(None, "linked")]
    (folder / "more").symlink_to(elsewhere)
    with pytest.raises(InputError, match="shards/more: a link to a folder"):
        read(folder)
    (folder / "more").unlink()
    (folder / "gone.jsonl").symlink_to(tmp_path / "gone.jsonl")
    with pytest.raises(InputError, match=r"shards/gone\.jsonl: a link that leads nowhere"):
        read(folder)


@pytest.mark.parametrize("mark", ["manifest.json", "partial.json"])
def test_what_is_left_out_of_a_folder_is_told(tmp_path, caplog, mark):
    jsonl(tmp_path, {"response": "a"}, name="a.jsonl")
    assert (pairs(read(tmp_path)), caplog.text) == ([(None, "a")], "")
    for name in ("_SUCCESS", ".cache/deep/b.jsonl", "sub/_c/d.jsonl", f"sub/out/{mark}", "sub/out/part/e.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"response": "not a row"}\n')
    assert pairs(read(tmp_path)) == [(None, "a")]
    assert "3 files left out: they, or their folders, have names that begin with _ or ." in caplog.text
    assert "2 files left out, in folders that are the output of a stage: sub/out" in caplog.text


def test_named_columns_that_would_have_no_effect_are_refused(tmp_path):
    turns = jsonl(tmp_path, {"question": "Q", "messages": [{"role": "assistant", "content": "R"}]})
    for role in ("instruction", "context"):
        with pytest.raises(InputError, match=f"the {role} column 'question' has no effect: 'messages' is a conv"):
            read(turns, **{role: "question"})
    path = jsonl(tmp_path, {"ctx": "C", "q": "Q", "response": "R"})
    with pytest.raises(InputError, match="the context column 'ctx' needs an instruction"):
        read(path, context="ctx")
    assert pairs(read(path, context="ctx", instruction="q")) == [("Q\n\nC", "R")]


def test_a_named_column_that_no_row_has_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(InputError, match="no row has the response column 'anser'; nearest: 'answer'"):
        read(jsonl(tmp_path, {"answer": "x", "id": "y"}), response="anser")
    with pytest.raises(InputError, match="no row has the instruction column 'question'"):
        read(jsonl(tmp_path, {"response": "x"}), instruction="question")


def test_a_hub_address_needs_a_fixed_revision():
    with pytest.raises(InputError, match="40 hexadecimal digits"):
        read_hub("owner/name@main")


def test_a_hub_that_cannot_be_reached_is_named(monkeypatch):
    import datasets

    def unreachable(*_, **__):
        raise ConnectionError("no route\nmore")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(MissingDataError, match=r"hub:owner/name@0{40}: cannot be had: no route\n"):
        read_hub("owner/name@" + "0" * 40)


def test_hub_rows_are_read_like_any_others(monkeypatch):
    import datasets

    seen = {}

    def load(repo, revision, split):
        seen.update(repo=repo, revision=revision, split=split)
        return datasets.Dataset.from_list([{"prompt": "I", "completion": "R"}, {"prompt": "J", "completion": None}])

    monkeypatch.setattr(datasets, "load_dataset", load)
    reading = read_hub("owner/name@" + "a" * 40, "test")
    assert seen == {"repo": "owner/name", "revision": "a" * 40, "split": "test"}
    assert pairs(reading) == [("I", "R")]
    assert reading.records[0].source == "owner/name"
    assert [entry.row for entry in reading.quarantined] == [1]
