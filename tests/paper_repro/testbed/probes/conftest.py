"""The world's own tokenizer, trained on few documents."""

from __future__ import annotations

import pytest

from paper_repro.testbed.corpus import train_tokenizer
from paper_repro.testbed.version import DEVELOPMENT_SEED
from paper_repro.testbed.world import build_world


@pytest.fixture(scope="session")
def world():
    return build_world(DEVELOPMENT_SEED)


@pytest.fixture(scope="session")
def tokenizer():
    return train_tokenizer(DEVELOPMENT_SEED, count=1_000)
