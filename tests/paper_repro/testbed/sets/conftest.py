"""Sets of the development world, made once and shared by the tests."""

from __future__ import annotations

from functools import lru_cache

import pytest

from paper_repro.testbed.sets.catalogue import find_set
from paper_repro.testbed.sets.prompts import prompt_rows
from paper_repro.testbed.sets.stage import TestbedDataSettings, draw_rows, make_set
from paper_repro.testbed.version import DEVELOPMENT_SEED


@pytest.fixture(scope="session")
def drawn():
    """A function: the rows of a corpus set, in full unless told."""
    return lru_cache(
        lambda name, rows=None: draw_rows(TestbedDataSettings(name=name, world_seed=DEVELOPMENT_SEED, rows=rows))
    )


@pytest.fixture(scope="session")
def prompts():
    """A function: the prompts of a set, in full unless told."""
    return lru_cache(lambda name, rows=None: prompt_rows(find_set(name), DEVELOPMENT_SEED, rows))


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A function: the artifact of a set, in full unless told."""
    root = tmp_path_factory.mktemp("sets")

    @lru_cache
    def make(name, rows=None):
        settings = TestbedDataSettings(name=name, world_seed=DEVELOPMENT_SEED, rows=rows)
        return make_set(settings, root / f"{name}-{rows}")

    return make
