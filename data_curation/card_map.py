"""The similarity map of a dataset card: groups of alike responses, how alike they are, and which lies next to which."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np

from artifacts.markdown import plain, table
from data_curation.inspect.measures import sample
from data_curation.inspect.topics import topics
from data_curation.records import Record

LEAST_ROWS = 100  # of a set that has groups worth a table
ROWS = 1_000  # that are looked at
WORDS = 4  # that name a group


def similarity_map(records: Sequence[Record]) -> str:
    """Text and table of the map, in Markdown.

    Args:
        records: Rows of the set; so many of them as `ROWS` says are compared, drawn by row id, by their words.

    Returns:
        Nothing for a set of few rows, for one that has no words, and where scikit-learn is not installed.
    """
    if len(records) < LEAST_ROWS or importlib.util.find_spec("sklearn") is None:
        return ""
    chosen = sample(records, ROWS)
    found = topics([record.response for record in chosen])
    if found is None or len(found.terms) < 2:
        return ""
    others = np.where(np.eye(len(found.terms), dtype=bool), -np.inf, found.between)
    nearest = others.argmax(axis=1)
    names = [f"{number}: {plain(', '.join(terms[:WORDS]))}" for number, terms in enumerate(found.terms, 1)]
    shares = np.bincount(found.labels) / len(chosen)
    rows = [
        (name, f"{shares[group]:.1%}", f"{found.inside[group]:.2f}", names[near], f"{others[group, near]:.2f}")
        for group, (name, near) in enumerate(zip(names, nearest, strict=True))
    ]
    text = (
        f"Groups of responses that are alike by {found.vectors}, of {len(chosen):,} of {len(records):,} rows, drawn by "
        "row id. `alike inside`: mean cosine of a group's rows with its middle; `alike`: cosine of its middle with "
        "that of the nearest group. `rt inspect` draws the map."
    )
    return f"{text}\n\n{table(('group', 'rows', 'alike inside', 'nearest group', 'alike'), rows)}"
