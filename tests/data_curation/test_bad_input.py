"""The whole path on what should not be there: rows are kept, dropped or quarantined, or the error says what to do."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifacts.errors import InputError, StageError, UserError
from data_curation import curate as curating
from data_curation import memory
from data_curation.curate import CurateSettings, curate
from data_curation.shards import store
from data_curation.shards.settings import ShardedSettings
from data_curation.shards.stage import curate_shards

ROOT = Path(__file__).resolve().parents[2]
PLAIN = "Water the seedlings in the morning, and turn the tray once a day so that they grow straight."


def in_memory(path, out, recipe="lexical"):
    return curate(CurateSettings(recipe=recipe), out, path)


def in_shards(path, out, recipe="lexical"):
    return curate_shards(ShardedSettings(recipe=recipe, shard_rows=4_000), out, path)


@pytest.fixture(params=[in_memory, in_shards], ids=["memory", "shards"])
def way(request):
    """Curating in memory, and in shards."""
    return request.param


def decisions(artifact):
    return pq.read_table(artifact.file("decisions.parquet")).to_pylist()


def kept(artifact):
    return pq.read_table(artifact.file("data.parquet"))["response"].to_pylist()


def quarantined(artifact):
    with open(artifact.file("quarantine.jsonl"), encoding="utf-8", newline="\n") as lines:
        return [json.loads(line) for line in lines]


def accounted(artifact, rows):
    """That every row is in one of three places, by its number."""
    found = [row["row"] for row in decisions(artifact)] + [entry["row"] for entry in quarantined(artifact)]
    assert sorted(found) == list(range(rows))
    summary = artifact.summary
    assert summary["rows_in"] == rows == summary["kept"] + summary["dropped"] + summary["quarantined"]


def test_huge_odd_and_broken_rows_in_one_file(way, tmp_path):
    megabyte = " ".join(f"part{number * 7919 % 99991} of{number}" for number in range(70_000))
    assert len(megabyte) > 1_000_000
    rows = [
        json.dumps({"response": PLAIN}).encode(),
        json.dumps({"response": megabyte}).encode(),
        json.dumps({"response": "x" * 1_000_000}).encode(),
        json.dumps({"response": "\0" * 5}).encode(),
        json.dumps({"response": "S\0o\0w\0 \0peas in\0 March, and beans when the soil has warmed.\0"}).encode(),
        b'{"response": "a lone \\ud83d half"}',
        b'{"response": "both halves \\ud83d\\ude00 of a smile stand here, and so it stays."}',
        '{"response": "Latin-1: caf\u00e9"}'.encode("latin-1"),
        '{"response": "UTF-16"}'.encode("utf-16-le"),
        b'{"response": "raw \0 byte"}',
        json.dumps({"response": "Windows: \u00e2\u20ac\u0153Keep the lid closed,\u00e2\u20ac\u009d it says."}).encode(),
    ]
    path = tmp_path / "odd.jsonl"
    path.write_bytes(b"\n".join(rows) + b"\n")
    artifact = way(path, tmp_path / "out")
    accounted(artifact, len(rows))
    assert {entry["line"]: entry["reason"].split(" at ")[0].split(":")[0] for entry in quarantined(artifact)} == {
        6: "'response' holds a lone surrogate, which is not valid text",
        8: "not UTF-8",
        9: "not JSON",
        10: "not JSON",
    }
    left = {row["row"]: (row["step"], row["reason"]) for row in decisions(artifact) if not row["kept"]}
    assert [left[row][0] for row in (1, 2)] == ["too_long", "too_long"]
    assert left[3] == ("near_empty", "blank")
    texts = kept(artifact)
    assert PLAIN in texts
    assert "Sow peas in March, and beans when the soil has warmed." in texts
    assert any("\U0001f600" in text for text in texts)
    assert any("\u201cKeep the lid closed,\u201d" in text for text in texts)
    assert not any("\0" in text for text in texts)


def test_ten_thousand_identical_rows_leave_one(way, tmp_path):
    path = tmp_path / "same.jsonl"
    path.write_text(json.dumps({"instruction": "i", "response": PLAIN}) + "\n")
    path.write_text(path.read_text() * 10_000)
    artifact = way(path, tmp_path / "out", {"steps": [{"step": "near_empty"}, {"step": "exact_dedup"}]})
    accounted(artifact, 10_000)
    assert kept(artifact) == [PLAIN]
    rows = decisions(artifact)
    assert len({row["row_id"] for row in rows}) == 10_000
    assert {row["by"] for row in rows if not row["kept"]} == {row["row_id"] for row in rows if row["kept"]}


def cut(path, share=0.6):
    """The first part of a file, as a write or a download that was interrupted leaves it."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def test_files_that_were_cut_short(way, tmp_path):
    rows = [{"response": f"{PLAIN} {number}"} for number in range(300)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(lines.encode()))
    table = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows), table)
    for path, message in ((packed, "cannot be read"), (table, "not a readable Parquet file")):
        with pytest.raises(InputError, match=rf"rows\..*: {message}"):
            way(cut(path), tmp_path / f"out-{path.name}", "paper")
    plain = tmp_path / "rows.jsonl"
    plain.write_text(lines)
    count = cut(plain, 0.501).read_text().count("\n") + 1
    artifact = way(plain, tmp_path / "out", "paper")
    accounted(artifact, count)
    assert [entry["line"] for entry in quarantined(artifact)] == [count]  # the row in which it was cut


def test_utf16_and_wrong_columns_are_named(way, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"response": "x"}\n'.encode("utf-16"))
    with pytest.raises(InputError, match="UTF-16 text"):
        way(path, tmp_path / "out")
    path.write_text('{"answr": "x"}\n{"respons": "x"}\n')
    with pytest.raises(InputError, match="nearest: 'respons'"):
        way(path, tmp_path / "out")


def test_an_encoder_that_returns_nan_names_the_row(tiny_encoder, tmp_path, monkeypatch):
    from data_curation.encoder import Encoder

    forward = Encoder.forward
    monkeypatch.setattr(Encoder, "forward", lambda self, windows: forward(self, windows) * np.nan)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"response": f"{PLAIN} {number}"}) + "\n" for number in range(3)))
    step = {"step": "semantic_dedup", "encoder": {"model": str(tiny_encoder), "cache": False}}
    with pytest.raises(StageError, match=r"rows\.jsonl, row \d .*: the encoder .* no number \(NaN or infinite\)"):
        in_memory(path, tmp_path / "out", {"steps": [step]})
    assert not (tmp_path / "out" / "manifest.json").exists()


# --- disks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"response": f"{PLAIN} {number % 7}"}) + "\n" for number in range(50)))
    return path


def contents(folder):
    left_out = ("manifest.json", "partial.json")  # times and places
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in left_out]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(way, tmp_path, rows, monkeypatch):
    whole = way(rows, tmp_path / "whole")
    calls = []
    module = curating if way is in_memory else store
    write_table = module.write_table

    def full(path, table):
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", str(path))
        write_table(path, table)

    monkeypatch.setattr(module, "write_table", full)
    with pytest.raises(StageError, match=r"(?s)the disk is full.*run the same command again"):
        way(rows, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()
    again = way(rows, tmp_path / "out")
    assert again.identity == whole.identity
    assert contents(again.path) == contents(whole.path)


def test_files_that_may_not_grow_end_the_command_plainly(tmp_path, rows):
    """A real refusal by the system (a limit on the size of files), seen through the command."""
    code = "import sys; from paper_repro.cli import main; main()"
    command = [sys.executable, "-c", code, "curate", str(rows), "--recipe", "paper", "--out", str(tmp_path / "out")]
    limit = (1_500, 1_500)
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "the disk is full, or its quota is" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert not list((tmp_path / "out").glob("*.parquet"))  # whole or absent


def test_a_folder_that_cannot_be_written_is_named(way, tmp_path, rows, monkeypatch):
    with pytest.raises(UserError, match=r"rows\.jsonl/out: cannot be used: Not a directory\n.*--out"):
        way(rows, rows / "out")
    locked = tmp_path / "locked"
    locked.mkdir()
    mkdir = Path.mkdir

    def refused(path, *given, **named):
        if locked in path.parents:
            raise PermissionError(30, "Read-only file system", str(path))
        mkdir(path, *given, **named)

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(UserError, match=r"locked/out: cannot be used: Read-only file system\n.*--out"):
        way(rows, locked / "out")


# --- memory --------------------------------------------------------------------------------------------------------


def test_a_set_that_does_not_fit_is_refused_with_the_way_to_do_it(tmp_path, rows, monkeypatch):
    needed = memory.needed_memory(rows)
    assert 50 * memory.ROW < needed < 50 * memory.ROW + 5 * rows.stat().st_size
    monkeypatch.setattr(memory, "free_memory", lambda: needed - 1)
    with pytest.raises(UserError, match=r"rows\.jsonl: to curate it at once takes about .*(.|\n)*--executor local"):
        in_memory(rows, tmp_path / "out")
    assert in_shards(rows, tmp_path / "shards").summary["rows_in"] == 50
    monkeypatch.setattr(memory, "free_memory", lambda: needed)
    in_memory(rows, tmp_path / "out")


def test_what_is_needed_is_estimated_from_any_kind_of_file(tmp_path, rows):
    table = pa.Table.from_pylist([json.loads(line) for line in rows.read_text().splitlines()] * 40)
    pq.write_table(table, tmp_path / "rows.parquet", compression="zstd")
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.jsonl").write_bytes(rows.read_bytes())
    wanted = 40 * memory.needed_memory(rows)
    (folder / "_left_out.jsonl").write_bytes(rows.read_bytes())
    assert memory.needed_memory(folder) == wanted
    assert memory.needed_memory(tmp_path / "rows.parquet") > 2_000 * memory.ROW
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1")
    assert memory.needed_memory(tmp_path / "damaged.parquet") == 0


def test_free_memory_is_the_least_that_anyone_says(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_LIMIT", tmp_path / "max")
    monkeypatch.setattr(memory, "_USED", tmp_path / "current")
    assert memory.free_memory() is None
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   300 kB\nSwapFree: 100 kB\n")
    assert memory.free_memory() == 400 * 1024
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "current").write_text("1000\n")
    assert memory.free_memory() == 400 * 1024
    (tmp_path / "max").write_text("5000\n")
    assert memory.free_memory() == 4000
