"""Columns of `generations.parquet`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from artifacts.errors import InputError
from paper_repro.columns import optional, read_rows

GENERATIONS = "generations.parquet"
PROMPTS = pa.schema(
    [
        pa.field("prompt_id", pa.string(), nullable=False),
        pa.field("benchmark", pa.string(), nullable=False),
        pa.field("subset", pa.string()),
        pa.field("prompt", pa.string(), nullable=False),
        # how a reply is checked, where a judge needs to be told: JSON (paper_repro.testbed.rules.references)
        optional("reference", pa.string()),
    ]
)
SCHEMA = pa.schema(  # of what is written
    [
        *PROMPTS,
        pa.field("response", pa.string(), nullable=False),
        pa.field("finish_reason", pa.string(), nullable=False),  # eos, length or stop
        # tokens generated, end-of-sequence not counted; a server counts in its own way
        pa.field("num_tokens", pa.int64(), nullable=False),
    ]
)
# a server may not tell
UNCOUNTED = SCHEMA.set(SCHEMA.get_field_index("num_tokens"), pa.field("num_tokens", pa.int64()))


def read_generations(folder: Path) -> list[dict[str, Any]]:
    """Rows of a generations artifact, in prompt order; ids must be unique within it."""
    rows = read_rows(folder / GENERATIONS, UNCOUNTED)
    if len({row["prompt_id"] for row in rows}) != len(rows):
        raise InputError("a prompt_id occurs twice", where=str(folder / GENERATIONS))
    return rows
