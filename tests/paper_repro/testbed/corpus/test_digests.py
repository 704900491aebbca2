"""The corpora are the bytes they were: of each preset the beginning, with a tokenizer trained on few documents.

Run this file to write the digests anew, after a change that is meant to change corpora.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import pytest

from artifacts.files import read_json, write_json
from paper_repro.testbed.corpus import PRESETS
from paper_repro.testbed.corpus.stage import encode
from paper_repro.testbed.corpus.tokenizer import train_tokenizer
from paper_repro.testbed.version import DEVELOPMENT_SEED, WORLD_VERSION

DIGESTS = Path(__file__).with_name("digests.json")
TOKENS = 30_000


@lru_cache(maxsize=1)
def small_tokenizer():
    return train_tokenizer(DEVELOPMENT_SEED, 1_000)


def digest(name: str) -> str:
    """Of the tokens (little-endian, 16 bits) of a short corpus, half of it simple."""
    settings = PRESETS[name].model_copy(update={"tokens": TOKENS, "simple_share": 0.5})
    return hashlib.sha256(encode(settings, small_tokenizer()).astype("<u2").tobytes()).hexdigest()


def tokenizer_digest() -> str:
    return hashlib.sha256(small_tokenizer().backend_tokenizer.to_str().encode()).hexdigest()


def test_the_digests_are_of_this_world():
    assert read_json(DIGESTS)["world_version"] == WORLD_VERSION


def test_the_tokenizer_is_the_one_it_was():
    assert tokenizer_digest() == read_json(DIGESTS)["tokenizer"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_corpus_is_the_one_it_was(name):
    assert digest(name) == read_json(DIGESTS)["corpora"][name]


if __name__ == "__main__":
    found = {name: digest(name) for name in PRESETS}
    write_json(DIGESTS, {"world_version": WORLD_VERSION, "tokenizer": tokenizer_digest(), "corpora": found})
