"""Data-example tables: a few rows of each curated response set, as IT and as RT are tuned on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifacts.digests import digest_text
from artifacts.errors import InputError
from paper_repro.report.samples import shown
from paper_repro.report.table import Column, Table

DATA = "data.parquet"
KINDS = {"news": "made from news", "refined": "refined"}  # words in a set's name: its examples are a table of their own
COLUMNS = (
    Column("set", "Response set", names_row=True),
    Column("instruction", "Instruction (IT alone reads it)", names_row=True),
    Column("response", "Response (RT and IT are tuned on it)", names_row=True),
)
NOTES = ("Rows are chosen by a digest of their id; \u21b5 is a line end, and a text that was cut says so.",)


def example_tables(curated: Mapping[str, Path], count: int) -> list[Table]:
    """One table of plain responses, one of those made from news, one of refined ones; only those with rows.

    Args:
        curated: Name to `curated` artifact.
        count: Rows a set.

    Raises:
        InputError: a set without its data, or data without instruction and response.
    """
    rows: dict[str, list[tuple[str, str, str]]] = {}
    for name, folder in sorted(curated.items()):
        kind = next((kind for kind in KINDS if kind in name), "")
        rows.setdefault(kind, []).extend(_rows(name, folder, count))
    return [_table(kind, rows[kind]) for kind in ("", *KINDS) if rows.get(kind)]


def _table(kind: str, rows: list[tuple[str, str, str]]) -> Table:
    name = f"training_examples_{kind}" if kind else "training_examples"
    title = f"Examples of responses {KINDS[kind]}" if kind else "Examples of training data"
    return Table(name, title, "this run's curated sets", COLUMNS, tuple(rows), NOTES)


def _rows(name: str, folder: Path, count: int) -> list[tuple[str, str, str]]:
    import pyarrow.parquet as pq

    path = folder / DATA
    if not path.is_file():
        return []
    file = pq.ParquetFile(path)
    needed = ["row_id", "instruction", "response"]
    absent = [column for column in needed if column not in file.schema_arrow.names]
    if absent:
        raise InputError(
            f"no column {', '.join(absent)}", where=str(path), fix="give the folder of a finished `rt curate`"
        )
    rows: list[dict[str, Any]] = file.read(columns=needed).to_pylist()
    chosen = sorted(rows, key=lambda row: digest_text(row["row_id"]))[:count]
    return [(name, shown(row["instruction"] or ""), shown(row["response"])) for row in chosen]
