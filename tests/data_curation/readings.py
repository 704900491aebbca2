"""What the tests of the readers write and look at."""

from __future__ import annotations

import json

from data_curation.readers import Columns, read_file


def read(path, **columns):
    return read_file(path, path.name, Columns(**columns))


def pairs(reading):
    return [(record.instruction, record.response) for record in reading.records]


def faults(reading):
    return [(entry.line, entry.reason) for entry in reading.quarantined]


def jsonl(tmp_path, *rows, name="rows.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
