"""Columns of an `annotations` artifact: every item and every assignment, rated or not. No text of a prompt or reply."""

from __future__ import annotations

import pyarrow as pa

ITEMS = "items.parquet"
ASSIGNMENTS = "assignments.parquet"
EVENTS = "events.jsonl"
AGREEMENT = "agreement.json"

ITEM_COLUMNS = pa.schema(
    [
        pa.field("prompt_id", pa.string(), nullable=False),
        pa.field("benchmark", pa.string(), nullable=False),
        pa.field("subset", pa.string()),
        pa.field("flagged", pa.bool_(), nullable=False),  # of a set of unsafe queries
        pa.field("prompt_digest", pa.string(), nullable=False),
        pa.field("response_digest_a", pa.string(), nullable=False),
        pa.field("response_digest_b", pa.string(), nullable=False),
    ]
)
ASSIGNMENT_COLUMNS = pa.schema(
    [
        pa.field("rater", pa.string(), nullable=False),
        pa.field("prompt_id", pa.string(), nullable=False),
        pa.field("position", pa.int64(), nullable=False),  # among the rater's turns, from 1
        pa.field("shown_first", pa.string(), nullable=False),  # a or b
        pa.field("state", pa.string(), nullable=False),  # rated, skipped or open
        pa.field("acceptability_a", pa.string()),
        pa.field("acceptability_b", pa.string()),
        pa.field("preferred", pa.string()),  # a, b or tie
        pa.field("comment", pa.string()),
        pa.field("undone", pa.int64(), nullable=False),  # how often it was opened again
        pa.field("source", pa.string()),  # page or label-studio
        pa.field("at", pa.string()),  # UTC
    ]
)
STATES = ("rated", "skipped", "open")
