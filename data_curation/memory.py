"""Whether a set fits into memory: a plain word before the work, not the kernel's in the middle of it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from artifacts.errors import UserError
from artifacts.manifest import is_artifact, read_manifest
from data_curation.readers.formats import folder_files

# What `rt curate --recipe lexical` held at its peak beyond what it holds at rest, on rows of some 200 characters and of
# some 2,000 (benchmarks/results/curate_scale_cpu.json, near_dedup_cpu.json): bytes a row, and bytes a byte of text.
ROW, BYTE = 1_500, 2.5
SAMPLE = 1 << 20  # bytes of a file in which lines are counted
UNPACKED = {".gz": 3.0, ".zst": 3.0}  # bytes a byte of a packed file: text packs three to one or better
_MEMINFO, _LIMIT, _USED = (
    Path(name) for name in ("/proc/meminfo", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current")
)


def check_memory(path: Path) -> None:
    """Refuse a set that cannot be curated at once on this machine.

    What is needed is estimated from the size of the files, on the low side; where free memory is not known, or where
    it suffices, nothing happens.

    Raises:
        UserError: says how much is needed and free, and how the same is done in shards.
    """
    free = free_memory()
    needed = needed_memory(path)
    if free is not None and needed > free:
        raise UserError(
            f"to curate it at once takes about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free",
            where=str(path),
            fix="work in shards: add --executor local (docs/build-a-response-dataset.md)",
        )


def needed_memory(path: Path) -> int:
    """Bytes that curating a file, a folder of files or an artifact takes, about and at least."""
    if is_artifact(path):
        path = read_manifest(path).file("data.parquet")
    files = folder_files(path, tell=False) if path.is_dir() else [path]
    return sum(map(_file_needs, files))


def _file_needs(path: Path) -> int:
    if path.suffix == ".parquet":
        try:
            found = pq.read_metadata(path)
        except (OSError, ValueError):
            return 0  # damaged: its reader says so
        size = sum(found.row_group(group).total_byte_size for group in range(found.num_row_groups))
        return int(ROW * found.num_rows + BYTE * size)
    size = path.stat().st_size * UNPACKED.get(path.suffix.lower(), 1.0)
    if path.suffix.lower() in UNPACKED:
        return int(BYTE * size)
    with open(path, "rb") as file:
        start = file.read(SAMPLE)
    return int(ROW * start.count(b"\n") * size / max(len(start), 1) + BYTE * size)


def free_memory() -> int | None:
    """Bytes that this process may still take (of the machine, and of its control group); None where nobody says."""
    known = [value for value in (_machine(), _group()) if value is not None]
    return min(known, default=None)


def _machine() -> int | None:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").split("\n")
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    free = values.get("MemAvailable")
    return None if free is None else (int(free.split()[0]) + int(values.get("SwapFree", "0").split()[0])) * 1024


def _group() -> int | None:
    try:
        limit, used = (file.read_text(encoding="ascii").strip() for file in (_LIMIT, _USED))
    except OSError:
        return None
    return None if limit == "max" else max(int(limit) - int(used), 0)
