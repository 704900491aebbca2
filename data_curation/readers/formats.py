"""From a path to its rows: the extension tells the format and the compression."""

from __future__ import annotations

import gzip
import io
import logging
import os
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from artifacts.aside import PARTIAL
from artifacts.errors import InputError
from artifacts.manifest import MANIFEST
from data_curation.readers.csv_rows import csv_rows
from data_curation.readers.json_rows import json_rows, jsonl_rows
from data_curation.readers.parquet_rows import parquet_rows
from data_curation.readers.rows import RawRow, is_utf8

_FORMATS = {
    ".jsonl": jsonl_rows,
    ".ndjson": jsonl_rows,
    ".json": json_rows,
    ".csv": lambda stream, where: csv_rows(stream, where, ","),
    ".tsv": lambda stream, where: csv_rows(stream, where, "\t"),
}
KNOWN = "JSONL, JSON array, CSV, TSV (each also .gz or .zst), Parquet"
log = logging.getLogger("rt")


def raw_rows(path: Path) -> Iterator[RawRow]:
    """Rows of a file, in order, read as a stream (a JSON array is held as text); of a folder, those of all its files.

    Raises:
        InputError: absent, of an unknown extension, empty, damaged, or not splittable into rows.
    """
    if path.is_dir():
        return _folder_rows(path)
    if not path.is_file():
        raise InputError("no such file", where=str(path))
    suffix, packing = _suffixes(path)
    if suffix == ".parquet":
        return parquet_rows(path)
    return _stream_rows(path, suffix, packing)


def folder_files(folder: Path, tell: bool = True) -> list[Path]:
    """Files of a folder of shards and of the folders in it, by name.

    Left out, with a warning if `tell`: what begins with `.` or `_`, and folders in it that are the output of a stage.

    Raises:
        InputError: there is none, one that is no file of rows, or a link that leads to a folder or nowhere.
    """
    found: list[Path] = []
    hidden, outputs = 0, []
    for place, folders, names in os.walk(folder):
        here = Path(place)
        if here != folder and not {MANIFEST, PARTIAL}.isdisjoint(names):
            outputs.append(here)
            folders.clear()
            continue
        shut = [name for name in folders if name[0] in "._"]
        hidden += sum(name[0] in "._" for name in names) + sum(_count(here / name) for name in shut)
        folders[:] = [name for name in folders if name[0] not in "._"]
        paths = [here / name for name in names if name[0] not in "._"]
        for path in [*(here / name for name in folders), *paths]:
            _refuse_link(path)
        found += [path for path in paths if path.is_file()]
    if tell:
        _tell_left_out(folder, hidden, outputs)
    if not found:
        raise InputError("there are no files in it", where=str(folder), fix=f"known: {KNOWN}")
    for path in found:
        _suffixes(path)
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _count(folder: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(folder))


def _refuse_link(path: Path) -> None:
    """A linked file is read; a linked folder is not, since it may lead anywhere, back to where it stands included."""
    if path.is_symlink() and not path.is_file():
        kind = "a link to a folder" if path.is_dir() else "a link that leads nowhere"
        raise InputError(
            f"{kind}: the files behind it would be left out",
            where=str(path),
            fix="put the files themselves, or links to files, in its place, or remove it",
        )


def _tell_left_out(folder: Path, hidden: int, outputs: list[Path]) -> None:
    if hidden:
        log.warning("%s: %d files left out: they, or their folders, have names that begin with _ or .", folder, hidden)
    if outputs:
        names = ", ".join(sorted(path.relative_to(folder).as_posix() for path in outputs))
        files = sum(map(_count, outputs))
        log.warning("%s: %d files left out, in folders that are the output of a stage: %s", folder, files, names)


def _folder_rows(folder: Path) -> Iterator[RawRow]:
    """Rows of the files of a folder, numbered through."""
    first = 0
    for path in folder_files(folder):
        rows = 0
        for raw in raw_rows(path):
            rows += 1
            yield replace(raw, row=first + raw.row, file=path.relative_to(folder).as_posix())
        first += rows


def _suffixes(path: Path) -> tuple[str, str]:
    """Format and compression by extension; raises InputError for an unknown one, and for a name that is no text."""
    if not is_utf8(str(path)):
        raise InputError("the name is not valid UTF-8", where=ascii(str(path)), fix="rename it")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packing = suffixes.pop() if suffixes and suffixes[-1] in (".gz", ".zst") else ""
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in _FORMATS and not (suffix == ".parquet" and not packing):
        raise InputError(f"unknown kind of file '{suffix + packing}'", where=str(path), fix=f"known: {KNOWN}")
    return suffix, packing


def _stream_rows(path: Path, suffix: str, packing: str) -> Iterator[RawRow]:
    try:
        with open_stream(path, packing) as stream:
            start = stream.peek(4)[:4]
            if not start:
                raise InputError("the file is empty", where=str(path))
            if start[:2] in (b"\xff\xfe", b"\xfe\xff") and 0 in start[2:]:
                raise InputError("UTF-16 text", where=str(path), fix="save it as UTF-8")
            yield from _FORMATS[suffix](stream, str(path))
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise InputError(f"cannot be read: {str(error) or type(error).__name__}", where=str(path)) from None


def open_stream(path: Path, packing: str = "") -> BinaryIO:
    """A buffered binary stream of a file, unpacked (`.gz`, `.zst`) on the way."""
    if packing == ".gz":
        return io.BufferedReader(gzip.open(path))
    if packing == ".zst":
        return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
    return open(path, "rb")
