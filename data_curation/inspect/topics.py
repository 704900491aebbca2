"""Groups of responses and a map of them: vectors, clusters with their words, and two dimensions to draw."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from data_curation.encoder import unit_rows
from data_curation.optional import require

MapMethod = Literal["pca", "tsne"]
MOST_CLUSTERS = 12
TERMS = 8
DIMENSIONS = 50  # of the word vectors after truncated SVD
_TOKEN = r"(?u)\b[^\W\d_][^\W_]+(?:['\u2019][^\W_]+)?\b"  # noqa: S105 (a pattern of words)
log = logging.getLogger("rt")


@dataclass(frozen=True)
class Topics:
    """Clusters of texts and their places on a map.

    Attributes:
        vectors: What the texts were compared by, in words.
        method: How the map was made.
        labels: Cluster of each text, 0 the largest.
        terms: For each cluster the words that set it apart, best first.
        places: float32, n x 2: the map, within -1 and 1.
        inside: float32, k: mean cosine of each cluster's texts with its middle.
        between: float32, k x k: cosines of the clusters' middles.
    """

    vectors: str
    method: MapMethod
    labels: np.ndarray
    terms: tuple[tuple[str, ...], ...]
    places: np.ndarray
    inside: np.ndarray
    between: np.ndarray


def topics(
    texts: Sequence[str],
    *,
    encoder: Any = None,
    scratch: Path | None = None,
    clusters: int | None = None,
    method: MapMethod = "pca",
    seed: int = 0,
) -> Topics | None:
    """Cluster texts and place them on a map.

    Args:
        texts: The texts.
        encoder: `EncoderSettings` of a sentence encoder; None compares by words (TF-IDF, truncated SVD).
        scratch: Folder for embedding shards, so that a second look embeds nothing.
        clusters: Number of clusters; None = by the number of texts, at most `MOST_CLUSTERS`.
        method: `pca` keeps large distances; `tsne` pulls groups apart and distorts distances.
        seed: Of everything that draws by chance.

    Returns:
        None if there is nothing to compare: fewer than three texts, or no words in them.
    """
    require("sklearn")
    from threadpoolctl import threadpool_limits

    if len(texts) < 3:
        return None
    with threadpool_limits(limits=1):  # the order of a sum would otherwise hang on the machine
        weights, words = _word_weights(texts)
        if encoder is None:
            if weights is None:
                return None
            vectors, name = _reduced(weights, seed), "their words (TF-IDF)"
        else:
            from data_curation.embeddings import embed_texts

            vectors, name = embed_texts(texts, encoder, scratch), f"embeddings ({encoder.model})"
        labels = _labels(vectors, clusters or _cluster_count(len(texts)), seed)
        terms, places = _terms(weights, words, labels), _places(vectors, method, seed)
        return Topics(name, method, labels, terms, places, *_alike(vectors, labels))


def _word_weights(texts: Sequence[str]):
    """TF-IDF of the texts (sparse, n x words) and the words; None and no words if there are none to weigh."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    for rare, common in ((2, 0.5), (1, 1.0)):
        vectoriser = TfidfVectorizer(
            sublinear_tf=True,
            min_df=rare,
            max_df=common,
            stop_words="english",
            max_features=20_000,
            token_pattern=_TOKEN,
        )
        try:
            return vectoriser.fit_transform(texts), vectoriser.get_feature_names_out()
        except ValueError:  # no word is left
            continue
    return None, np.empty(0, dtype=object)


def _reduced(weights, seed: int) -> np.ndarray:
    from sklearn.decomposition import TruncatedSVD

    dimensions = min(DIMENSIONS, min(weights.shape) - 1)
    if dimensions < 2:
        return unit_rows(weights.toarray().astype(np.float32))
    return unit_rows(TruncatedSVD(dimensions, random_state=seed).fit_transform(weights).astype(np.float32))


def _cluster_count(texts: int) -> int:
    return int(np.clip(round((texts / 20) ** 0.5), 2, MOST_CLUSTERS))


def _labels(vectors: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """k-means labels, numbered by size, then by the first text of the cluster."""
    from sklearn.cluster import KMeans

    distinct = len(np.unique(vectors.round(6), axis=0))
    found = KMeans(min(clusters, distinct), n_init=4, random_state=seed).fit_predict(vectors)
    names, first, counts = np.unique(found, return_index=True, return_counts=True)
    order = sorted(range(len(names)), key=lambda place: (-counts[place], first[place]))
    rank = {names[place]: number for number, place in enumerate(order)}
    return np.array([rank[label] for label in found], dtype=np.int64)


def _terms(weights, words: np.ndarray, labels: np.ndarray) -> tuple[tuple[str, ...], ...]:
    """Words whose mean weight in a cluster exceeds their mean weight elsewhere the most."""
    clusters = range(int(labels.max()) + 1)
    if weights is None:
        return tuple(() for _ in clusters)
    total = np.asarray(weights.sum(axis=0)).ravel()
    found = []
    for cluster in clusters:
        inside = labels == cluster
        own = np.asarray(weights[inside].sum(axis=0)).ravel()
        gain = own / inside.sum() - (total - own) / max(1, (~inside).sum())
        best = sorted(range(len(words)), key=lambda place: (-gain[place], words[place]))[:TERMS]
        found.append(tuple(str(words[place]) for place in best if gain[place] > 0))
    return tuple(found)


def _alike(vectors: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`inside` and `between` of `Topics`."""
    groups = [vectors[labels == label] for label in range(int(labels.max()) + 1)]
    middles = unit_rows(np.stack([group.mean(axis=0) for group in groups]))
    inside = [float((group @ middle).mean()) for group, middle in zip(groups, middles, strict=True)]
    return np.asarray(inside, dtype=np.float32), middles @ middles.T


def _places(vectors: np.ndarray, method: MapMethod, seed: int) -> np.ndarray:
    """Two dimensions of the vectors, centred and scaled into -1 to 1."""
    from sklearn.decomposition import PCA

    if (vectors == vectors[0]).all():  # nothing to tell apart; t-SNE dies of it
        return np.zeros((len(vectors), 2), dtype=np.float32)
    if method == "tsne" and len(vectors) > 5:
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(vectors) - 1) / 3)
        places = TSNE(2, init="pca", perplexity=perplexity, random_state=seed, n_jobs=1).fit_transform(vectors)
    else:
        places = np.zeros((len(vectors), 2))
        found = PCA(min(2, *vectors.shape), svd_solver="full").fit_transform(vectors)  # two of one text have one axis
        places[:, : found.shape[1]] = found
        places *= np.where(
            places[np.abs(places).argmax(axis=0), [0, 1]] < 0, -1, 1
        )  # a sign of its own, not the library's
    middle = (places.max(axis=0) + places.min(axis=0)) / 2
    spread = np.abs(places - middle).max() or 1.0
    return ((places - middle) / spread).astype(np.float32)
