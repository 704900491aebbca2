"""What semantic_dedup_cpu.py measures on: samples, their near pairs, and the sieve of the static model beside them."""

from __future__ import annotations

import argparse
import os
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from common import SEED

FILES = {"alpaca": "train/alpaca_data.jsonl.zst", "dolly": "train/dolly_15k.jsonl.zst"}
RADII = [round(0.2 + 0.01 * number, 2) for number in range(71)]
THRESHOLDS = (0.8, 0.85, 0.9, 0.95)


def records(name: str, rows: int) -> list[Any]:
    """A seeded sample of a data set's rows, in its order."""
    from data_curation.readers import Columns, read_file

    path = Path(os.environ["RT_MIRROR"]) / FILES[name]
    found = read_file(path, name, Columns()).records
    chosen = sorted(random.Random(SEED).sample(range(len(found)), min(rows, len(found))))  # noqa: S311
    return [found[position] for position in chosen]


def compared(name: str, rows: int) -> list[str]:
    """Different responses of the sample that are long enough to be compared, in one fixed order."""
    from data_curation.semantic_dedup import SemanticDedupSettings
    from data_curation.shingles import words

    least = SemanticDedupSettings().min_words
    texts = {record.record_id: record.response for record in records(name, rows)}
    return [text for _, text in sorted(texts.items()) if len(words(text)) >= least]


def near_pairs(texts: list[str], threshold: float, dtype: str) -> list[list[int]]:
    """Every pair of texts that similar, by the full encoder on all of them."""
    from data_curation.embeddings import EncoderSettings, embed_windows
    from data_curation.semantic_dedup import similarity

    vectors = embed_windows(texts, EncoderSettings(dtype=dtype))
    pairs = []
    for first in range(0, len(texts), 1024):
        near = vectors.pooled[first : first + 1024] @ vectors.pooled[first:].T >= threshold - 1e-4
        for left, right in np.argwhere(np.triu(near, 1)):
            pair = first + int(left), first + int(right)
            if similarity(vectors, *pair) >= threshold:
                pairs.append([*pair, similarity(vectors, *pair)])
    return pairs


def best_cosines(rows: np.ndarray) -> np.ndarray:
    """Cosine of each unit row with the row nearest to it."""
    best = np.empty(len(rows), dtype=np.float32)
    for first in range(0, len(rows), 1024):
        cosines = rows[first : first + 1024] @ rows.T
        cosines[np.arange(len(cosines)), np.arange(first, first + len(cosines))] = -1
        best[first : first + 1024] = cosines.max(axis=1)
    return best


def calibrate(given: argparse.Namespace) -> dict[str, Any]:
    """For each radius, the share of pairs it finds and of rows it lets through."""
    from data_curation.embeddings import EncoderSettings
    from data_curation.records import normalise_for_id
    from data_curation.semantic_candidates import SIEVES, whitened
    from data_curation.semantic_neighbours import passing
    from data_curation.static_model import static_vectors

    texts = compared("dolly", given.rows)
    pairs = near_pairs(texts, min(THRESHOLDS), given.dtype)
    white = whitened(static_vectors(texts, EncoderSettings()))
    best = best_cosines(white)
    sizes = np.asarray([len(normalise_for_id(text)) for text in texts])
    sieves = {}
    for threshold, sieve in SIEVES.items():
        through = passing(white, sizes, sieve)
        both = [through[left] and through[right] for left, right, score in pairs if score >= threshold]
        sieves[str(threshold)] = {
            "sieve": asdict(sieve) | {"times": None if np.isinf(sieve.times) else sieve.times},
            "pairs": len(both),
            "share_found": round(float(np.mean(both)), 4),
            "rows_passing": round(float(through.mean()), 4),
            "characters_passing": round(float(sizes[through].sum() / sizes.sum()), 4),
        }
    table = {}
    for threshold in THRESHOLDS:
        ends = np.asarray([[best[left], best[right]] for left, right, score in pairs if score >= threshold])
        least = ends.min(axis=1)
        table[str(threshold)] = {
            "pairs": len(least),
            "found": {str(radius): round(float((least >= radius).mean()), 4) for radius in RADII},
            "radius_for_99": max((radius for radius in RADII if (least >= radius).mean() >= 0.99), default=None),
            "radius_for_99_5": max((radius for radius in RADII if (least >= radius).mean() >= 0.995), default=None),
        }
    rows = {str(radius): round(float((best >= radius).mean()), 4) for radius in RADII}
    facts = {"data": "dolly", "texts": len(texts), "dtype": given.dtype}
    return facts | {"sieves": sieves, "thresholds": table, "rows_passing": rows}
