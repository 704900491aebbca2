"""Embeddings: one unit vector a text (and one a window), computed once, resumable, the same in any input order."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artifacts.errors import StageError
from artifacts.stage import thread_count
from data_curation.embedding_cache import Found, VectorStore, cache_store, folder_bytes
from data_curation.encoder import Encoder, EncoderSettings, load_encoder, unit_rows
from data_curation.encoder_pool import Forwards, forwards
from data_curation.records import normalise_for_id, record_id

__all__ = [
    "EncoderSettings",
    "TextVectors",
    "embed_texts",
    "embed_windows",
    "held",
    "merged",
    "pool",
    "window_rows",
]

TEXTS_AT_ONCE = 2_000  # tokenised or pooled together; bounds memory, decides nothing
PART_WINDOWS = 1_024  # windows saved together: what a stop can cost
Label = Callable[[int], str]
log = logging.getLogger("rt")


@dataclass(frozen=True)
class TextVectors:
    """Vectors of a list of texts and of their windows.

    They take 4 * d * (m + n) bytes, for d dimensions, m windows and n texts; half of that where every text is one
    window, because then both are one array.

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
    texts: Sequence[str],
    settings: EncoderSettings,
    scratch: Path | None = None,
    threads: int | None = None,
    label: Label = "text {}".format,
) -> np.ndarray:
    """One vector a text.

    Args:
        texts: Any texts; one longer than the encoder reads is cut into windows and pooled, nothing is lost. They are
            embedded as the fixed normalisation behind `record_id` leaves them.
        settings: The encoder, and whether its vectors are cached in RT_HOME.
        scratch: Folder for finished parts where they are not cached, so that a stopped call goes on; None keeps none.
        threads: Compute threads; None = `artifacts.stage.thread_count()`.
        label: What an error calls the text at a position.

    Returns:
        float32, n x d, rows of length 1 (so the inner product is the cosine).

    Raises:
        StageError: the encoder gives no finite vector for a text; names the text.
    """
    return embed_windows(texts, settings, scratch, threads, label).pooled


def embed_windows(
    texts: Sequence[str],
    settings: EncoderSettings,
    scratch: Path | None = None,
    threads: int | None = None,
    label: Label = "text {}".format,
) -> TextVectors:
    """Vectors of every text and of its windows; see `embed_texts` for the arguments."""
    started = time.monotonic()
    encoder = load_encoder(settings, threads)
    keys, firsts, which = _distinct(texts)
    work = _Work(encoder, _store(encoder, settings, scratch), keys, [texts[first] for first in firsts])
    try:
        with forwards(encoder, threads or thread_count()) as forward_all:
            vectors = work.vectors(settings.batch_tokens, forward_all)
    except _NotFiniteError as error:
        raise StageError(
            f"the encoder '{settings.model}' gives a vector that holds no number (NaN or infinite)",
            where=label(firsts[error.text]),
            fix="check the model's weights, or use dtype: float32",
        ) from None
    if len(firsts) < len(texts):
        vectors = _repeated(vectors, which)
    seconds = time.monotonic() - started
    log.info(
        "embeddings: %d texts, %d of them computed now, %d windows, %.1f s%s",
        len(texts),
        work.computed,
        len(vectors.windows),
        seconds,
        f"; cache: {folder_bytes(work.store.folder) / 1e6:.1f} MB in {work.store.folder}" if work.store else "",
    )
    return vectors


def held(texts: Sequence[str], settings: EncoderSettings) -> np.ndarray:
    """Which texts (bool, n) have their vectors in the cache."""
    keys, _, which = _distinct(texts)
    there = np.zeros(len(keys), dtype=bool)
    if settings.cache:
        for found in cache_store(load_encoder(settings)).find(keys):
            there[found.asked] = True
    return there[which]


def pool(windows: np.ndarray, pieces: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Mean of each text's windows weighted by their length, scaled to length 1 (float32, n x d).

    One window is its text's vector as it stands. If all texts are of one window, the result is `windows` itself.
    """
    counts = np.diff(starts)
    if len(counts) == len(windows):
        return windows
    pooled = windows[starts[:-1]]
    long = np.flatnonzero(counts > 1)
    for first in range(0, len(long), TEXTS_AT_ONCE):
        texts = long[first : first + TEXTS_AT_ONCE]
        rows = np.concatenate([np.arange(starts[text], starts[text + 1]) for text in texts])
        weighted = windows[rows] * np.maximum(pieces[rows], 1).astype(np.float64)[:, None]
        bounds = np.concatenate([[0], np.cumsum(counts[texts])[:-1]])
        pooled[texts] = unit_rows(np.add.reduceat(weighted, bounds, axis=0))
    return pooled


def _distinct(texts: Sequence[str]) -> tuple[list[bytes], list[int], np.ndarray]:
    """Keys of the distinct texts, where each is first found, and which of them each text is."""
    numbers: dict[bytes, int] = {}
    firsts: list[int] = []
    which = np.empty(len(texts), dtype=np.int64)
    for position, text in enumerate(texts):
        key = bytes.fromhex(record_id(text))
        which[position] = numbers.setdefault(key, len(numbers))
        if len(numbers) > len(firsts):
            firsts.append(position)
    return list(numbers), firsts, which


def _repeated(vectors: TextVectors, which: np.ndarray) -> TextVectors:
    """Vectors of texts that are the given ones again and again, in the order `which` says."""
    starts = np.concatenate([[0], np.cumsum(np.diff(vectors.starts)[which])])
    rows = window_rows(vectors.starts, which)
    windows = vectors.windows[rows]
    return TextVectors(windows, vectors.pieces[rows], starts, pool(windows, vectors.pieces[rows], starts))


def merged(parts: Sequence[tuple[np.ndarray, TextVectors]]) -> TextVectors:
    """Vectors of texts that came in parts: of each the texts' positions (int64), together all of them once."""
    if len(parts) == 1 and (np.diff(parts[0][0]) == 1).all():
        return parts[0][1]
    counts = np.empty(sum(len(positions) for positions, _ in parts), dtype=np.int64)
    for positions, part in parts:
        counts[positions] = np.diff(part.starts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    width = parts[0][1].windows.shape[1]
    windows, pieces = np.empty((starts[-1], width), dtype=np.float32), np.empty(starts[-1], dtype=np.int64)
    pooled = windows if len(counts) == len(windows) else np.empty((len(counts), width), dtype=np.float32)
    for positions, part in parts:
        rows = window_rows(starts, positions)
        windows[rows], pieces[rows] = part.windows, part.pieces
        pooled[positions] = part.pooled
    return TextVectors(windows, pieces, starts, pooled)


def _store(encoder: Encoder, settings: EncoderSettings, scratch: Path | None) -> VectorStore | None:
    if settings.cache:
        return cache_store(encoder)
    return None if scratch is None else VectorStore(scratch / f"embeddings-{encoder.digest}")


class _NotFiniteError(Exception):
    """The vector of a window of this text is not finite."""

    def __init__(self, text: int):
        super().__init__(text)
        self.text = text


class _Work:
    """Distinct texts on their way to vectors; those that a store holds are read, the others computed and stored."""

    def __init__(self, encoder: Encoder, store: VectorStore | None, keys: list[bytes], texts: list[str]):
        self.encoder, self.store, self._keys = encoder, store, keys
        self._found: list[Found] = [] if store is None else store.find(keys)
        self._counts = np.zeros(len(keys), dtype=np.int64)
        for found in self._found:
            self._counts[found.asked] = found.counts
        missing = np.flatnonzero(self._counts == 0)
        self.computed = len(missing)
        self._tokens: dict[int, list[np.ndarray]] = {}
        for first in range(0, len(missing), TEXTS_AT_ONCE):
            part = missing[first : first + TEXTS_AT_ONCE].tolist()
            self._tokens.update(
                zip(part, encoder.windows([normalise_for_id(texts[text]) for text in part]), strict=True)
            )
        for text, windows in self._tokens.items():
            self._counts[text] = len(windows)

    def vectors(self, batch_tokens: int, forward_all: Forwards) -> TextVectors:
        """Vectors of all texts; a window's depends on nothing but the encoder and the window."""
        starts = np.concatenate([[0], np.cumsum(self._counts)])
        windows = np.empty((starts[-1], self.encoder.dimensions), dtype=np.float32)
        pieces = np.empty(starts[-1], dtype=np.int64)
        for found in self._found:
            rows = window_rows(starts, found.asked)
            windows[rows], pieces[rows] = self.store.read(found)
        done = 0
        for group in self._groups():
            rows = window_rows(starts, group)
            tokens = [ids for text in group for ids in self._tokens.pop(text)]
            windows[rows], pieces[rows] = (
                self._embed(tokens, group, batch_tokens, forward_all),
                [len(ids) for ids in tokens],
            )
            if self.store is not None:
                keys = [self._keys[text] for text in group]
                self.store.add(keys, self._counts[group].tolist(), windows[rows], pieces[rows])
            done += len(group)
            if done < self.computed or done > len(group):
                log.info("embeddings: %d of %d texts", done, self.computed)
        return TextVectors(windows, pieces, starts, pool(windows, pieces, starts))

    def _groups(self) -> Iterator[list[int]]:
        """Texts to compute, alike in length, about `PART_WINDOWS` windows together."""
        group, held = [], 0
        for text in sorted(self._tokens, key=lambda text: (len(self._tokens[text][0]), self._keys[text])):
            group.append(text)
            held += len(self._tokens[text])
            if held >= PART_WINDOWS:
                yield group
                group, held = [], 0
        if group:
            yield group

    def _embed(
        self, tokens: list[np.ndarray], group: list[int], batch_tokens: int, forward_all: Forwards
    ) -> np.ndarray:
        """Vectors of the windows of a group."""
        vectors = np.empty((len(tokens), self.encoder.dimensions), dtype=np.float32)
        parts = list(batches([self.encoder.padded(len(ids)) for ids in tokens], batch_tokens))
        found = forward_all([tokens[window] for window in batch] for batch in parts)
        for batch, rows in zip(parts, found, strict=True):
            vectors[batch] = rows
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            owner = np.repeat(group, self._counts[group])
            raise _NotFiniteError(int(owner[bad].min()))
        return vectors


def window_rows(starts: np.ndarray, texts: Sequence[int] | np.ndarray) -> np.ndarray:
    """Rows of the windows of some texts, text after text; `starts` as in `TextVectors`."""
    return np.concatenate([np.empty(0, dtype=np.int64), *(np.arange(starts[text], starts[text + 1]) for text in texts)])


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Positions in batches of one length each, of at most `batch_tokens` tokens (one window may be longer)."""
    by_length: dict[int, list[int]] = {}
    for position, length in enumerate(lengths):
        by_length.setdefault(length, []).append(position)
    for length, positions in sorted(by_length.items()):
        size = max(1, batch_tokens // length)
        for first in range(0, len(positions), size):
            yield positions[first : first + size]
