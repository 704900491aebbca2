"""Embeddings: one unit vector a text (and one a window), computed once, resumable, the same in any input order."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artifacts.digests import canonical_json
from artifacts.files import atomic_path
from data_curation.encoder import Encoder, EncoderSettings, load_encoder, unit_rows

__all__ = ["EncoderSettings", "TextVectors", "embed_texts", "embed_windows", "pool"]

TEXTS_AT_ONCE = 2_000  # tokenised together; bounds memory, decides nothing
SHARD_WINDOWS = 1_024  # windows saved together: what a stop can cost
log = logging.getLogger("rt")


@dataclass(frozen=True)
class TextVectors:
    """Vectors of a list of texts and of their windows.

    Attributes:
        windows: float32, m x d, unit rows: every window of every text, in the texts' order.
        pieces: int64, m: word pieces in each window.
        starts: int64, n + 1: windows of text i are `starts[i]:starts[i + 1]`, at least one.
        pooled: float32, n x d, unit rows: mean of a text's windows, weighted by their pieces.
    """

    windows: np.ndarray
    pieces: np.ndarray
    starts: np.ndarray
    pooled: np.ndarray

    def of(self, text: int) -> np.ndarray:
        """Window vectors of one text."""
        return self.windows[self.starts[text] : self.starts[text + 1]]


def embed_texts(
    texts: Sequence[str], settings: EncoderSettings, scratch: Path | None = None, threads: int | None = None
) -> np.ndarray:
    """One vector a text.

    Args:
        texts: Any texts; one longer than the encoder reads is cut into windows and pooled, nothing is lost.
        settings: The encoder.
        scratch: Folder for finished shards, so that a stopped call goes on; None keeps none.
        threads: Compute threads; None = `artifacts.stage.thread_count()`.

    Returns:
        float32, n x d, rows of length 1 (so the inner product is the cosine).
    """
    return embed_windows(texts, settings, scratch, threads).pooled


def embed_windows(
    texts: Sequence[str], settings: EncoderSettings, scratch: Path | None = None, threads: int | None = None
) -> TextVectors:
    """Vectors of every text and of its windows; see `embed_texts` for the arguments."""
    started = time.monotonic()
    encoder = load_encoder(settings, threads)
    distinct: dict[bytes, int] = {}
    rows, pieces, starts = [], [], [0]
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        for windows in encoder.windows(texts[first : first + TEXTS_AT_ONCE]):
            for ids in windows:
                rows.append(distinct.setdefault(ids.tobytes(), len(distinct)))
                pieces.append(len(ids))
            starts.append(len(rows))
    vectors = _embed_distinct(list(distinct), encoder, settings.batch_tokens, scratch)
    windows = vectors[np.asarray(rows, dtype=np.int64)]
    seconds = time.monotonic() - started
    log.info(
        "embeddings: %d texts, %d windows, %.1f s (%.0f texts/s)",
        len(texts),
        len(rows),
        seconds,
        len(texts) / max(seconds, 1e-9),
    )
    weights, bounds = np.asarray(pieces, dtype=np.int64), np.asarray(starts, dtype=np.int64)
    return TextVectors(windows, weights, bounds, pool(windows, weights, bounds))


def pool(windows: np.ndarray, pieces: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Mean of each text's windows weighted by their length, scaled to length 1 (float32, n x d)."""
    if len(starts) == 1:
        return np.zeros((0, windows.shape[1]), dtype=np.float32)
    weights = np.maximum(pieces, 1).astype(np.float64)[:, None]
    return unit_rows(np.add.reduceat(windows * weights, starts[:-1], axis=0))


def _embed_distinct(keys: list[bytes], encoder: Encoder, batch_tokens: int, scratch: Path | None) -> np.ndarray:
    """Vectors (float32) of distinct windows given as the bytes of their int32 ids, in the order given.

    The windows are worked through by length, then content: no padding is wasted, and a batch holds the same
    windows whatever the input order and however often the work was stopped.
    """
    order = sorted(range(len(keys)), key=lambda index: (len(keys[index]), keys[index]))
    vectors = np.zeros((len(keys), encoder.dimensions), dtype=np.float32)
    special = len(encoder.prefix) + len(encoder.suffix)
    lengths = [len(keys[index]) // 4 + special for index in order]
    shards = list(_shards(lengths, batch_tokens))
    done = 0
    for batches in shards:
        first, last = batches[0][0], batches[-1][1]
        members = [np.frombuffer(keys[index], dtype=np.int32) for index in order[first:last]]
        parts = [(start - first, stop - first) for start, stop in batches]
        vectors[order[first:last]] = _shard(members, parts, encoder, scratch)
        done += last - first
        if len(shards) > 1:
            log.info("embeddings: %d of %d windows", done, len(keys))
    return vectors


def _shards(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[tuple[int, int]]]:
    """Batches `(start, stop)` of at most `batch_tokens` padded tokens, in groups of about `SHARD_WINDOWS` windows.

    `lengths` is ascending, so the last window of a batch sets its width.
    """
    shard: list[tuple[int, int]] = []
    start = 0
    for stop in range(1, len(lengths) + 1):
        full = stop == len(lengths) or (stop - start + 1) * lengths[stop] > batch_tokens
        if not full:
            continue
        shard.append((start, stop))
        start = stop
        if stop == len(lengths) or stop - shard[0][0] >= SHARD_WINDOWS:
            yield shard
            shard = []


def _shard(members: list[np.ndarray], parts: list[tuple[int, int]], encoder: Encoder, scratch: Path | None):
    """Vectors of one shard, from its file where an earlier run left it."""
    path = None if scratch is None else scratch / f"embeddings-{_shard_digest(members, encoder)}.npy"
    if path is not None and path.exists():
        return np.load(path, allow_pickle=False)
    vectors = np.concatenate([encoder.forward(members[start:stop]) for start, stop in parts])
    if path is not None:
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.save(file, vectors, allow_pickle=False)
    return vectors


def _shard_digest(members: list[np.ndarray], encoder: Encoder) -> str:
    digest = hashlib.sha256(canonical_json(encoder.identity).encode())
    for ids in members:
        digest.update(len(ids).to_bytes(4, "little") + ids.tobytes())
    return digest.hexdigest()[:32]
