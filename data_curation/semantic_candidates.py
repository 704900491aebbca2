"""Which texts are worth the full encoder: those that something else comes near, by cheaper vectors.

Two sieves, one after the other. The first is coarse and fast: a static model distilled from the encoder, and lengths.
It loses some pairs; how many was measured, see `SIEVES`. The second is the encoder itself in 16 bits, where the
processor has such products; its cosines are wrong by less than `HALF_MARGIN`, so it loses none, and decisions are the
same without. Pairs of long texts must be near by all of their windows there: of answers of many models to the same
instructions, 73 % have one with a near pooled vector, and 39 % one that is near by all windows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from data_curation.embeddings import EncoderSettings, TextVectors, embed_windows, held, merged
from data_curation.encoder import has_bfloat16, unit_rows
from data_curation.records import normalise_for_id
from data_curation.semantic_neighbours import Sieve, alike, passing
from data_curation.static_model import static_vectors

CALIBRATED = "all-minilm-l6-v2"
HALF_MARGIN = 0.01  # cosines of Dolly's pairs moved by up to 0.003, of windows of long responses by up to 0.005
LEAST_TEXTS = 4_000  # with fewer, there is nothing to whiten by, and reading all of them costs little
RIDGE = 0.5  # of whitening: part of the mean variance that is added to that of every axis
AT_ONCE = 65_536  # rows whitened together, in 64 bits
Label = Callable[[int], str]
log = logging.getLogger("rt")


# Threshold of the encoder: sieve. Measured on the 12,161 different responses of Dolly of at least ten words
# (benchmarks/results/semantic_dedup_cpu.json): 99.1 % of 828 pairs, 99.4 % of 360 and 99.2 % of 121 were found.
SIEVES: dict[float, Sieve] = {
    0.8: Sieve(0.41),
    0.85: Sieve(0.42),
    0.9: Sieve(0.46, far=0.62, times=1.5, more=400),
}


def calibrated_sieve(encoder: EncoderSettings, threshold: float) -> Sieve | None:
    """Sieve of the static model for this encoder and threshold, or None if there is none: then all are embedded.

    It is the one of the nearest threshold of `SIEVES` that is not above, so it errs to the side of more candidates.
    """
    below = [known for known in SIEVES if known <= threshold]
    if encoder.model != CALIBRATED or encoder.window is not None or not below:
        return None
    return SIEVES[max(below)]


def whitened(vectors: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Vectors of a corpus with what all its texts share taken away: centred, then every axis scaled by its spread.

    Means of many word pieces are all alike, and plain cosines of them tell little: at the radius that finds 99 % of
    the pairs of 0.9, 76 % of Dolly's rows had a neighbour, and 50 % after this.

    Args:
        vectors: float32, n x d, unit rows or rows of zeros, which stay.
        out: Where the result goes; may be `vectors` itself. None = a new array.

    Returns:
        float32, n x d, unit rows; a row of zeros also where nothing but the shared part was there. Depends on the set
        of vectors, not on their order beyond rounding in 64 bits.
    """
    out = np.zeros_like(vectors) if out is None else out
    known = np.flatnonzero(vectors.any(axis=1))
    if not len(known):
        out[:] = vectors
        return out
    parts = [known[first : first + AT_ONCE] for first in range(0, len(known), AT_ONCE)]
    centre = sum(vectors[part].astype(np.float64).sum(axis=0) for part in parts) / len(known)
    products = np.zeros((vectors.shape[1], vectors.shape[1]))
    for part in parts:
        rows = vectors[part].astype(np.float64) - centre
        products += rows.T @ rows
    spread, axes = np.linalg.eigh(products / len(known))
    scale = np.sqrt(np.maximum(spread, 0) + RIDGE * max(float(spread.mean()), 1e-12))
    for part in parts:
        out[part] = unit_rows((vectors[part].astype(np.float64) - centre) @ (axes / scale))
    return out


def worth_embedding(
    texts: Sequence[str],
    encoder: EncoderSettings,
    threshold: float,
    sieve: Sieve | None,
    *,
    given: int = 0,
    within: bool = True,
    scratch: Path | None = None,
    label: Label = "text {}".format,
) -> tuple[np.ndarray, np.ndarray]:
    """Texts that can have a neighbour of at least `threshold`.

    Args:
        texts: Those of the reference first.
        encoder: The full encoder.
        threshold: Of the cosine.
        sieve: Of the static model; None leaves it out, as does a small set.
        given: How many are of the reference.
        within: Whether the others are compared with each other.
        scratch: Folder for finished parts where vectors are not cached.
        label: What an error calls the text at a position.

    Returns:
        Positions that pass the first sieve, and those of them that pass the second (both int64, ascending). The first
        is the same on every machine.
    """
    passed = np.arange(len(texts))
    if sieve is not None and len(texts) >= LEAST_TEXTS:
        vectors = whitened(static_vectors(texts, encoder))
        unknown = ~vectors.any(axis=1)  # nothing known (no piece, or as all others are): not for this sieve to drop
        sizes = np.asarray([len(normalise_for_id(text)) for text in texts])
        passed = np.flatnonzero(passing(vectors, sizes, sieve, given, within) | unknown)
        log.info("semantic candidates: %d of %d by the static model", len(passed), len(texts))
    if not len(passed) or not halves(encoder):
        return passed, passed
    vectors = half_windows([texts[text] for text in passed], encoder, scratch, lambda text: label(int(passed[text])))
    near = alike(vectors, threshold - HALF_MARGIN, int(np.searchsorted(passed, given)), within)
    log.info("semantic candidates: %d of %d by the encoder in 16 bits", near.sum(), len(passed))
    return passed, passed[near]


def halves(encoder: EncoderSettings) -> bool:
    """Whether the second sieve is used: where 16 bits are the faster type here, and not the encoder's own anyway."""
    return encoder.dtype == "float32" and has_bfloat16(encoder)


def half_windows(texts: list[str], encoder: EncoderSettings, scratch: Path | None, label: Label) -> TextVectors:
    """Vectors of at least one text in 16 bits; where those in 32 bits are there already, these."""
    there = held(texts, encoder)
    half = encoder.model_copy(update={"dtype": "bfloat16"})
    parts = []
    for positions, settings in ((np.flatnonzero(there), encoder), (np.flatnonzero(~there), half)):
        if len(positions):
            found = embed_windows(
                [texts[position] for position in positions],
                settings,
                scratch,
                label=lambda text, positions=positions: label(int(positions[text])),
            )
            parts.append((positions, found))
    return merged(parts)
