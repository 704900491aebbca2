"""Every pair of texts that share enough of their n-grams, found without hashing to signatures: the yardstick of recall.

An exact similarity join by prefixes (Chaudhuri and others 2006, Bayardo and others 2007): two sets of similarity t or
more must share an element among the rarest (1 - t) of each, so only pairs that do are compared, and none is missed.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from data_curation.ngram_hashes import hash_ngrams
from data_curation.shingles import ShingleCache, jaccard


def every_pair(texts: list[str], threshold: float, ngram: int, least: int) -> list[tuple[int, int]]:
    """Pairs `(i, j)`, i < j, of texts with at least `least` different n-grams and that Jaccard similarity or more."""
    hashes = hash_ngrams(texts, ngram)
    sets = {text: hashes.distinct(row) for row, text in enumerate(hashes.texts.tolist())}
    sets = {text: grams for text, grams in sets.items() if len(grams) >= least}
    known, counts = np.unique(np.concatenate(list(sets.values())), return_counts=True)
    prefixes: defaultdict[int, list[int]] = defaultdict(list)
    for text, grams in sorted(sets.items()):
        rarest = grams[np.argsort(counts[np.searchsorted(known, grams)], kind="stable")]
        for gram in rarest[: len(grams) - math.ceil(threshold * len(grams)) + 1].tolist():
            prefixes[gram].append(text)
    candidates = set()
    for met in prefixes.values():
        candidates.update((left, right) for place, right in enumerate(met) for left in met[:place])
    cache = ShingleCache(ngram)
    found = []
    for left, right in sorted(candidates):
        sizes = sorted((len(sets[left]), len(sets[right])))
        if sizes[0] >= threshold * sizes[1]:
            pair = (cache.of(str(text), texts[text]) for text in (left, right))
            if jaccard(*pair) >= threshold:
                found.append((left, right))
    return found
