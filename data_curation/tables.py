"""Parquet files whose bytes depend on their content only."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from artifacts.files import atomic_path


def write_table(path: Path, table: pa.Table) -> None:
    """Write `table` atomically; equal tables give equal bytes under one pyarrow version (no times, fixed options)."""
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", compression_level=3, row_group_size=65_536)
