"""Texts of prompts: places filled in, and a prompt taken out of somebody's Python file without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

from artifacts.errors import InputError


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with each `{name}` of `values` filled, in one pass: a value that holds `{name}` is not filled again.

    Other braces stay as they are.
    """
    places = re.compile(r"\{(" + "|".join(map(re.escape, values)) + r")\}")
    return places.sub(lambda match: values[match[1]], template)


def python_constant(path: Path, name: str) -> str:
    """The text assigned to `name` at the top of a Python file, without the blank space that `.strip()` takes off."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        raise InputError("not a Python file", where=str(path)) from None
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            texts = [part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
            if len(texts) == 1 and isinstance(texts[0], str):
                return texts[0].strip()
    raise InputError(f"holds no text called {name}", where=str(path))
