"""A static model: one vector a word piece, distilled from a sentence encoder by model2vec.

It is coarse and many times as fast. It serves to find what may be alike; nothing is dropped by it.
Method: https://github.com/MinishLab/model2vec (token vectors of the encoder, PCA, SIF weights; a text is their mean).
"""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from filelock import FileLock

from artifacts.digests import digest_json
from artifacts.files import read_json, write_json
from data_curation import embedding_cache
from data_curation.encoder import Encoder, EncoderSettings, load_encoder, read_encoder, unit_rows
from data_curation.optional import require
from data_curation.records import normalise_for_id

DIMENSIONS = 256
RECIPE = 1  # raised when the distillation changes
TEXTS_AT_ONCE = 1_024
_POOLING = {"mean": "mean", "cls": "first", "lasttoken": "last"}
_DONE = "distilled.json"
log = logging.getLogger("rt")


def static_vectors(texts: Sequence[str], settings: EncoderSettings) -> np.ndarray:
    """One coarse vector a text, of all its word pieces however long it is.

    Args:
        texts: Any texts.
        settings: The encoder that the static model is distilled from; on first use, which costs what embedding some
            thousand texts costs. The distilled model stays in RT_HOME, by the encoder's digest.

    Returns:
        float32, n x `DIMENSIONS` (less for a smaller encoder), rows of length 1; a row of zeros for a text of which
        the model knows no piece.
    """
    started = time.monotonic()
    model = load_static(settings)
    vectors = np.zeros((len(texts), model.dim), dtype=np.float32)
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        part = [normalise_for_id(text) for text in texts[first : first + TEXTS_AT_ONCE]]
        # one thread, and each text for itself: neither order nor company changes a bit
        vectors[first : first + len(part)] = unit_rows(
            model.encode(part, max_length=None, normalize=False, use_multiprocessing=False)
        )
    log.info("static vectors: %d texts, %.1f s", len(texts), time.monotonic() - started)
    return vectors


def load_static(settings: EncoderSettings) -> Any:
    """The static model of an encoder (a `model2vec.StaticModel`), from RT_HOME or distilled now."""
    library = require("model2vec")
    # in 32 bits on the CPU whatever the encoder is used with: one static model for one encoder
    plain = settings.model_copy(update={"dtype": "float32", "device": "cpu"})
    encoder = load_encoder(plain)
    identity = {
        "encoder": encoder.identity,
        "dimensions": DIMENSIONS,
        "recipe": RECIPE,
        "model2vec": library.__version__,
    }
    folder = embedding_cache.cache_folder() / f"static-{digest_json(identity)[:32]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if not (folder / _DONE).exists() or read_json(folder / _DONE) != identity:
            shutil.rmtree(folder, ignore_errors=True)
            started = time.monotonic()
            _distil(read_encoder(plain)).save_pretrained(folder)
            write_json(folder / _DONE, identity)  # last: without it the folder is made again
            log.info("static model: distilled from '%s' in %.1f s", settings.model, time.monotonic() - started)
    return library.StaticModel.from_pretrained(folder, max_length=None)


def _distil(encoder: Encoder) -> Any:
    """Distil a static model; the encoder is spent by it."""
    distil = require("model2vec.distill").distill_from_model
    modes = [getattr(module, "pooling_mode", None) for module in encoder.model]
    pooling = next((mode for mode in modes if isinstance(mode, str)), "mean")
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        model = distil(
            model=encoder.model.transformers_model,
            tokenizer=encoder.model.tokenizer,
            device="cpu",
            pca_dims=min(DIMENSIONS, encoder.dimensions),
            pooling=_POOLING.get(pooling, "mean"),
            quantize_to="float32",
        )
    model.config["max_length"] = model.max_length = None
    return model
