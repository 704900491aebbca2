"""Imports go one way, the way of the flow: artifacts <- data_curation <- paper_repro <- experiments."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORDER = ["artifacts", "data_curation", "paper_repro", "experiments"]
HEAVY = ["torch", "transformers", "trl", "datasets", "datatrove", "sentence_transformers", "matplotlib", "faiss"]


def modules():
    return [path for package in ORDER for path in sorted((ROOT / package).rglob("*.py")) if "runs" not in path.parts]


def imported_packages(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_its_left(path):
    package = path.relative_to(ROOT).parts[0]
    to_the_right = set(ORDER[ORDER.index(package) + 1 :])
    assert not imported_packages(path) & to_the_right


def test_the_command_line_starts_without_heavy_libraries():
    script = (
        "import importlib, sys; from paper_repro.cli import COMMANDS; import experiments.expand; "
        "[importlib.import_module(f'paper_repro.cli.{name}') for name in COMMANDS]; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
