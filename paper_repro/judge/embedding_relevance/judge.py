"""Cosine of reply and query, and whether the own query is the nearest of its set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.digests import canonical_json
from artifacts.settings import Settings
from data_curation.embeddings import EncoderSettings, embed_texts
from paper_repro.judge.schema import Opinion

if TYPE_CHECKING:
    import numpy as np


class Parameters(Settings):
    """Which encoder, and how texts are fed to it."""

    encoder: EncoderSettings = EncoderSettings()


def judge(rows: Sequence[dict[str, Any]], parameters: Parameters, scratch: Path) -> list[Opinion]:
    """One opinion a row of generations, in their order.

    Replies are compared with the prompts of their own benchmark and subset, those of wordless replies included.
    """
    texts = [row["prompt"] for row in rows] + [row["response"] for row in rows]
    vectors = embed_texts(texts, parameters.encoder, scratch)
    prompts, replies = vectors[: len(rows)], vectors[len(rows) :]
    opinions: list[Opinion] = [Opinion("unclassified", raw="no words")] * len(rows)
    for members in _groups(rows):
        for place, index in enumerate(members):
            if re.search(r"[^\W_]", rows[index]["response"]):
                opinions[index] = compare(replies[index], prompts[members], place)
    return opinions


def _groups(rows: Sequence[dict[str, Any]]) -> list[list[int]]:
    groups: dict[tuple, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault((row["benchmark"], row["subset"]), []).append(index)
    return list(groups.values())


def compare(reply: np.ndarray, prompts: np.ndarray, own: int) -> Opinion:
    """Opinion on one reply.

    Args:
        reply: Unit vector (d).
        prompts: Unit vectors (n x d) of the set's prompts.
        own: Row of the reply's own prompt. Prompts as near as it (equal ones) do not count against it.
    """
    cosines = prompts @ reply
    rank = 1 + int((cosines > cosines[own] + 1e-6).sum())
    raw = canonical_json({"rank": rank, "prompts": len(prompts)})
    label = "own-prompt" if rank == 1 else "other-prompt"
    return Opinion("ok", label=label, score=float(min(1.0, max(-1.0, cosines[own]))), raw=raw)
