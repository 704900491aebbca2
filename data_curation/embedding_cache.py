"""Vectors on disk, by encoder digest and record id: what has been embedded once is not embedded again.

A store is a folder of parts. A part holds the windows of some texts, is written whole or not at all, and never changes,
so any number of processes can read and add at once; two that embed one text both add it, with the same bits.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artifacts.errors import StageError
from artifacts.files import atomic_path, write_json
from artifacts.store import rt_home
from data_curation.encoder import Encoder
from data_curation.optional import require

KEY_BYTES = 16
PART = "part-{}.safetensors"
log = logging.getLogger("rt")


def cache_folder() -> Path:
    """Folder of all stores of this RT_HOME; it can be deleted at any time that nothing runs."""
    return rt_home() / "embeddings"


def folder_bytes(folder: Path) -> int:
    """Bytes of the files in a folder, 0 if it is not there."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def cache_store(encoder: Encoder) -> VectorStore:
    """The store of an encoder's vectors in this RT_HOME; what the encoder is stands beside them."""
    folder = cache_folder() / encoder.digest
    if not (folder / "encoder.json").exists():
        try:
            write_json(folder / "encoder.json", encoder.identity)
        except OSError as error:
            log.warning("embeddings: no cache in %s (%s)", folder, error.strerror)
    return VectorStore(folder, optional=True)


@dataclass(frozen=True)
class Found:
    """Texts of a request that one part holds.

    Attributes:
        part: Its file.
        asked: int64, k: positions in the request.
        starts: int64, k: first window of each in the part.
        counts: int64, k: windows of each.
    """

    part: Path
    asked: np.ndarray
    starts: np.ndarray
    counts: np.ndarray


class VectorStore:
    """A folder of parts.

    Args:
        folder: Made when the first part is added.
        optional: Whether work goes on, with a warning, when a part cannot be written (a full disk).
    """

    def __init__(self, folder: Path, *, optional: bool = False):
        self.folder = folder
        self._optional = optional

    def find(self, keys: Sequence[bytes]) -> list[Found]:
        """Which of the keys (distinct, `KEY_BYTES` each) are there, part by part; a part that is damaged holds none."""
        wanted = {key: position for position, key in enumerate(keys)}
        found = []
        for part in sorted(self.folder.glob(PART.format("*"))):
            if not wanted:
                break
            try:
                with require("safetensors").safe_open(part, framework="numpy") as file:
                    held, starts = file.get_tensor("keys").tobytes(), file.get_tensor("starts")
            except Exception as error:  # safetensors raises its own kind, which is no subclass of OSError
                log.warning("embeddings: %s is not readable and not used (%s)", part, error)
                continue
            parts = [held[at : at + KEY_BYTES] for at in range(0, len(held), KEY_BYTES)]
            rows = np.asarray([row for row, key in enumerate(parts) if key in wanted], dtype=np.int64)
            if len(rows):
                asked = np.asarray([wanted.pop(parts[row]) for row in rows], dtype=np.int64)
                found.append(Found(part, asked, starts[rows], starts[rows + 1] - starts[rows]))
        return found

    def read(self, found: Found) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (float32) and pieces (int64) of the windows of `found`, text after text.

        Raises:
            StageError: the part has gone since it was found.
        """
        try:
            with require("safetensors").safe_open(found.part, framework="numpy") as file:
                windows, pieces = file.get_tensor("windows"), file.get_tensor("pieces")
        except OSError:
            raise StageError(
                "a part of the embedding cache went away while it was used",
                where=str(found.part),
                fix="run again; delete the cache only while nothing runs",
            ) from None
        rows = np.concatenate(
            [np.arange(start, start + count) for start, count in zip(found.starts, found.counts, strict=True)]
        )
        return windows[rows], pieces[rows].astype(np.int64)

    def add(self, keys: Sequence[bytes], counts: Sequence[int], windows: np.ndarray, pieces: np.ndarray) -> None:
        """Write the windows of some texts, given text after text, as one part."""
        save = require("safetensors.numpy").save_file
        starts = np.concatenate([[0], np.cumsum(np.asarray(counts, dtype=np.int64))]).astype(np.int64)
        name = hashlib.sha256(b"".join(keys)).hexdigest()[: 2 * KEY_BYTES]
        held = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, KEY_BYTES)
        try:
            with atomic_path(self.folder / PART.format(name)) as temporary:
                save({"keys": held, "starts": starts, "pieces": pieces.astype(np.int32), "windows": windows}, temporary)
        except OSError as error:
            if not self._optional:
                raise
            log.warning("embeddings: a part was not kept in %s (%s)", self.folder, error.strerror or error)
