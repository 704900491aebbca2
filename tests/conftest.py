"""Fixtures shared by all tests: the mirror, an own RT_HOME, no network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the real data sets; tests that need it skip where RT_MIRROR is unset."""
    given = os.environ.get("RT_MIRROR")
    if not given:
        pytest.skip("needs real data sets: set RT_MIRROR to a folder laid out as the pins say")
    folder = Path(given).resolve()
    if not folder.is_dir():
        pytest.fail(f"RT_MIRROR={given} is not a folder")
    return folder


@pytest.fixture
def rt_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty RT_HOME for one test."""
    home = tmp_path / "home"
    monkeypatch.setenv("RT_HOME", str(home))
    return home
