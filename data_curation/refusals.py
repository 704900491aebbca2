"""Which refusals enter a training set: the paper's word rule, and how so many are taken of those that pass it.

Other rules, filters and strategies are in `refusal_selection`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from artifacts.errors import UserError
from data_curation.embeddings import EncoderSettings, embed_texts
from data_curation.records import Record

Rule = Literal["paper", "none", "detector"]
Strategy = Literal["paper", "random", "diverse", "targeted"]
_PAPER_WORDS = re.compile(r"\b(?:ai|sorry)\b")


def passes_rule(response: str, rule: Literal["paper", "none"] = "paper") -> bool:
    """Whether a response counts as an explanatory refusal.

    The paper's rule (experiment 2): the stripped, lower-cased response holds `ai` or `sorry` as a word. It is a rule
    about words: `A.I.` does not pass, `Sorry, here it is` does.
    """
    return rule == "none" or _PAPER_WORDS.search(response.strip().lower()) is not None


def shuffled(count: int, seed: int) -> list[int]:
    """The paper's order of `count` rows: the index list after `random.seed(seed)` and `random.shuffle`.

    An own generator gives the same order and leaves the global one alone.
    """
    order = list(range(count))
    random.Random(seed).shuffle(order)  # noqa: S311 (a reproducible sample, no secret)
    return order


def farthest_points(vectors: np.ndarray, count: int) -> list[int]:
    """The first `count` rows of a k-centre greedy (farthest point) order.

    The start is the row nearest to the mean, that is the most ordinary one; each next row is the one farthest (by
    cosine) from all rows before it. Ties go to the earlier row. The first k rows are the same for every `count`.

    Args:
        vectors: float32, n x d, unit rows.
        count: At most n.
    """
    if not count:
        return []
    rows = vectors.astype(np.float64)
    chosen = [int(np.argmax((rows * rows.mean(axis=0)).sum(axis=1)))]
    nearest = np.full(len(rows), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, 1 - (rows * rows[chosen[-1]]).sum(axis=1))
        nearest[chosen] = -np.inf
        chosen.append(int(np.argmax(nearest)))
    return chosen


def select(
    pool: Sequence[Record],
    count: int,
    *,
    strategy: Literal["paper", "diverse"] = "paper",
    rule: Literal["paper", "none"] = "paper",
    seed: int = 0,
    encoder: EncoderSettings | None = None,
    scratch: Path | None = None,
) -> list[Record]:
    """Take `count` refusals, near duplicates and all; the first k of a larger count are the selection of count k.

    Args:
        pool: Records to take from, in the order of their source.
        count: How many.
        strategy: `paper`: the first of the shuffled list. `diverse`: farthest points in embedding space, which
            uses no chance, no seed and not the order of the pool.
        rule: Which records may be taken at all.
        seed: Of the shuffle.
        encoder: For `diverse`; None = the default encoder.
        scratch: Folder for embedding shards.

    Raises:
        UserError: fewer than `count` records pass the rule.
    """
    passing = [record for record in pool if passes_rule(record.response, rule)]
    if count > len(passing):
        raise UserError(
            f"{count} refusals are asked for, but {len(passing)} of the pool's {len(pool)} rows pass the rule '{rule}'",
            where="num_refusals",
            fix=f"ask for at most {len(passing)}, or give a larger pool",
        )
    if strategy == "paper":
        return [passing[index] for index in shuffled(len(passing), seed)[:count]]
    if not count:
        return []
    passing.sort(key=lambda record: record.row_id)
    # one thread: the choice must not hang on how a sum was split over threads
    vectors = embed_texts([record.response for record in passing], encoder or EncoderSettings(), scratch, threads=1)
    return [passing[index] for index in farthest_points(vectors, count)]
