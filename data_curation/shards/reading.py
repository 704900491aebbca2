"""First phase: files into shards of rows, and the ids that only all rows together give."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artifacts.errors import InputError, StageError, UserError
from artifacts.files import atomic_path, read_json, write_json
from artifacts.manifest import is_artifact, read_manifest
from data_curation.readers import Columns, Layout
from data_curation.readers.formats import folder_files, raw_rows
from data_curation.readers.layout import RowFault
from data_curation.readers.read import choose_layout, row_texts
from data_curation.readers.rows import quarantined
from data_curation.records import QUALITY, SCORED, Record, from_table, record_id, row_digest
from data_curation.shards.store import ids, same_as_before, save_array
from data_curation.tables import write_table

CHARACTERS = 64_000_000  # at which a shard is closed, however few rows it has
WHOLE_JSON = 64_000_000  # bytes of a JSON array, which can only be read as a whole
LOOKED_AT = 100_000  # first rows, of which one must have the columns needed
# rows of a plain file: `row` counts within the file, `key` is the row_id of a row that no earlier row repeats
RAW = pa.schema(
    [
        ("row", pa.int64()),
        ("instruction", pa.string()),
        ("response", pa.string()),
        (QUALITY, pa.float64()),
        ("key", pa.string()),
    ]
)


@dataclass(frozen=True)
class Source:
    """Files that are read into one set.

    Attributes:
        files: Each with its name in messages.
        source: Name that rows of plain files bear; None: the files are tables of records, which have theirs.
        layout: Columns of plain files.
    """

    files: tuple[tuple[Path, str], ...]
    source: str | None
    layout: Layout | None = None


@dataclass(frozen=True)
class Shard:
    """A part of one file: where it is, its rows, and how many rows the files before have."""

    path: Path
    rows: int
    before: int


@dataclass(frozen=True)
class Read:
    """What reading a set gave.

    Attributes:
        folder: Of the set.
        source: As given.
        shards: All parts, in order.
        facts: rows_in, rows, quarantined, multi_turn, scored (rows with a quality score), sources.
    """

    folder: Path
    source: Source
    shards: tuple[Shard, ...]
    facts: dict[str, Any]

    def records(self, shard: int) -> list[Record]:
        """The records of a shard, just as reading the whole into memory makes them."""
        part = self.shards[shard]
        table = pq.read_table(part.path)
        if self.source.source is None:
            return from_table(table)
        again = np.load(self.folder / "repeats" / f"{shard:05d}.npy").tolist()
        return [self._record(row, part.before, times) for row, times in zip(table.to_pylist(), again, strict=True)]

    def _record(self, row: dict[str, Any], before: int, times: int) -> Record:
        name, instruction, response = self.source.source, row["instruction"], row["response"]
        row_id = row_digest(name, instruction, response, times) if times else row["key"]
        return Record(row_id, record_id(response), name, row["row"] + before, instruction, response, row[QUALITY])

    def quarantine(self) -> Iterator[dict[str, Any]]:
        """Lines of quarantine.jsonl, read one after the other."""
        before = 0
        for file in range(len(self.source.files)):
            folder = part_folder(self.folder, file)
            with open(folder / "quarantine.jsonl", encoding="utf-8", newline="\n") as lines:
                for line in lines:
                    entry = json.loads(line)
                    yield entry | {"row": entry["row"] + before}
            before += read_json(folder / "counts.json")["rows_in"]


def find_source(path: Path, source: str | None, columns: Columns) -> Source:
    """The files of an input: an artifact's table, a file, a folder of files."""
    if is_artifact(path):
        found = read_manifest(path).file("data.parquet")
        files = sorted(found.glob("*.parquet")) if found.is_dir() else [found]
        return Source(tuple((file, file.name) for file in files), None)
    files = folder_files(path) if path.is_dir() else [path]
    for file in files:
        if ".json" in file.suffixes and file.stat().st_size > WHOLE_JSON:
            raise UserError(
                f"a JSON array of more than {WHOLE_JSON // 1_000_000} MB cannot be read in parts",
                where=str(file),
                fix="write it as JSON Lines (.jsonl): one object a line",
            )
    named = tuple((file, source if file == path else f"{source}/{file.relative_to(path).as_posix()}") for file in files)
    layout, _ = choose_layout(islice(chain.from_iterable(map(raw_rows, files)), LOOKED_AT), columns, str(path))
    return Source(named, source, layout)


def part_folder(folder: Path, file: int) -> Path:
    """Where the parts of one file are."""
    return folder / "read" / f"{file:05d}"


@dataclass(frozen=True)
class ReadTask:
    """Reads one file: its rows into parts of bounded size, what cannot be used into quarantine.jsonl."""

    folder: Path
    source: Source
    shard_rows: int

    def __call__(self, rank: int) -> dict[str, int]:
        """Read file `rank`; counts.json is written last."""
        path, name = self.source.files[rank]
        folder = part_folder(self.folder, rank)
        folder.mkdir(parents=True, exist_ok=True)
        counts: dict[str, Any] = {"rows_in": 0, "quarantined": 0, "multi_turn": 0, "scored": 0, "parts": []}
        with atomic_path(folder / "quarantine.jsonl") as temporary, open(temporary, "w", encoding="utf-8") as faults:
            if self.source.source is None:
                parts = _table_parts(path, self.shard_rows, counts)
            else:
                parts = _parts(self._rows(path, name, counts, faults), self.shard_rows)
            for number, table in enumerate(parts):
                write_table(folder / f"{number:05d}.parquet", table)
                counts["parts"].append(table.num_rows)
                counts["scored"] += len(table) - table[QUALITY].null_count
        write_json(folder / "counts.json", counts)
        return {name: counts[name] for name in ("rows_in", "quarantined")}

    def _rows(self, path: Path, name: str, counts: dict[str, Any], faults: TextIO) -> Iterator[dict[str, Any]]:
        for raw in raw_rows(path):
            counts["rows_in"] += 1
            try:
                found = row_texts(self.source.layout, raw, str(path))
            except RowFault as fault:
                counts["quarantined"] += 1
                entry = asdict(quarantined(raw, str(fault), name))
                faults.write(json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n")
                continue
            counts["multi_turn"] += found.turns_left_out > 0
            key = row_digest(self.source.source, found.instruction, found.response, 0)
            yield {
                "row": raw.row,
                "instruction": found.instruction,
                "response": found.response,
                QUALITY: found.quality,
                "key": key,
            }


def _parts(rows: Iterator[dict[str, Any]], most: int) -> Iterator[pa.Table]:
    """Tables of at most so many rows and about `CHARACTERS` characters."""
    held, size = [], 0
    for row in rows:
        held.append(row)
        size += len(row["response"]) + len(row["instruction"] or "")
        if len(held) == most or size >= CHARACTERS:
            yield pa.Table.from_pylist(held, schema=RAW)
            held, size = [], 0
    if held:
        yield pa.Table.from_pylist(held, schema=RAW)


def _table_parts(path: Path, most: int, counts: dict[str, Any]) -> Iterator[pa.Table]:
    """Tables of records, from an artifact's table."""
    sources: set[str] = set()
    with pq.ParquetFile(path) as file:
        held: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in file.iter_batches(batch_size=min(most, 1_024)):
            while batch.num_rows:
                piece = batch.slice(0, most - rows)
                batch = batch.slice(piece.num_rows)
                held.append(piece)
                rows, size = rows + piece.num_rows, size + piece.nbytes
                if rows == most or size >= CHARACTERS:
                    yield _records_table(held, sources)
                    counts["rows_in"] += rows
                    held, rows, size = [], 0, 0
        if held:
            yield _records_table(held, sources)
            counts["rows_in"] += rows
    counts["sources"] = sorted(sources)


def _records_table(held: list[pa.RecordBatch], sources: set[str]) -> pa.Table:
    table = pa.Table.from_batches(held)
    if QUALITY not in table.column_names:
        table = table.append_column(QUALITY, pa.nulls(len(table), pa.float64()))
    sources.update(table["source"].unique().to_pylist())
    return table.select(SCORED.names)


def gather(folder: Path, source: Source) -> Read:
    """After all files have been read: the parts in order, the counts, and which rows repeat an earlier one.

    Raises:
        InputError: no row can be used.
        StageError: rows of an artifact share a row_id.
    """
    shards: list[Shard] = []
    facts: dict[str, Any] = dict.fromkeys(("rows_in", "rows", "quarantined", "multi_turn", "scored"), 0)
    sources: set[str] = set()
    for file in range(len(source.files)):
        part = part_folder(folder, file)
        counts = read_json(part / "counts.json")
        for number, rows in enumerate(counts["parts"]):
            shards.append(Shard(part / f"{number:05d}.parquet", rows, facts["rows_in"]))
            facts["rows"] += rows
        sources.update(counts.get("sources", ()))
        for name in ("rows_in", "quarantined", "multi_turn", "scored"):
            facts[name] += counts[name]
    facts["sources"] = sorted(sources) if source.source is None else [source.source]
    read = Read(folder, source, tuple(shards), facts)
    if facts["rows_in"] != facts["rows"] + facts["quarantined"]:
        raise StageError("rows in are not rows out plus quarantined", where=source.files[0][1])
    if not shards and source.source is not None:
        first = next(read.quarantine())
        message = f"none of its {facts['rows_in']} rows can be used; the first: {first['reason']}"
        raise InputError(message, where=f"{first['file']}, row {first['row']}")
    _repeats(read)
    return read


def _repeats(read: Read) -> None:
    """How many earlier rows each row repeats, as an array a shard."""
    column = "row_id" if read.source.source is None else "key"
    keys = [ids(pq.read_table(shard.path, columns=[column])[column]) for shard in read.shards]
    times = repeats(np.concatenate(keys) if keys else np.empty((0, 2), dtype=np.uint64))
    if read.source.source is None:
        if times.any():
            raise StageError("two input rows share one row_id")
        return
    at = 0
    for shard, part in enumerate(keys):
        save_array(read.folder / "repeats" / f"{shard:05d}.npy", times[at : at + len(part)])
        at += len(part)


def repeats(keys: np.ndarray) -> np.ndarray:
    """How often each key (uint64, n x 2) stands before; int32, n."""
    order = np.lexsort((keys[:, 1], keys[:, 0]))  # stable: equal keys stay in their order
    same = same_as_before(keys[order, 0], keys[order, 1])
    places = np.arange(len(order), dtype=np.int64)
    firsts = np.maximum.accumulate(np.where(same, 0, places))
    times = np.empty(len(order), dtype=np.int32)
    times[order] = places - firsts
    return times


def scored(reads: Sequence[Read]) -> bool:
    """Whether any row has a quality score."""
    return any(read.facts["scored"] for read in reads)
