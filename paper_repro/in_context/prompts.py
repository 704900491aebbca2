"""Text of in-context prompts, and the demonstrations that they show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from artifacts.errors import InputError
from artifacts.files import read_jsonl, read_yaml
from artifacts.manifest import is_artifact, read_manifest
from artifacts.settings import validate_settings
from paper_repro.in_context.template import Demonstration, Template

Style = Literal["urial", "urial-r", "zero-shot"]
METHOD_OF_STYLE = {"chat": "untuned", "urial": "URIAL", "urial-r": "URIAL-R", "zero-shot": "0-shot"}


def prompt_text(template: Template, style: Style, query: str, demonstrations: Sequence[Demonstration] = ()) -> str:
    """What untuned weights read before they answer `query`.

    Args:
        template: Texts and separators.
        style: `urial` (pairs), `urial-r` (the same without queries) or `zero-shot` (no demonstrations).
        query: The instruction; not stripped.
        demonstrations: Shown in their order; unused by `zero-shot`.
    """
    opening = _filled(template.opening, query=query)
    if style == "zero-shot":
        return template.zero_shot + opening
    shape = template.pair if style == "urial" else template.response
    shown = (_filled(shape, query=one.query, answer=one.answer) for one in demonstrations)
    own = template.system_r if style == "urial-r" and template.system_r is not None else template.system
    return own + "".join(shown) + opening


def _filled(shape: str, **texts: str) -> str:
    """Put texts for their fields, in one pass: braces in the texts themselves stay as they are."""
    return re.sub(r"\{(query|answer)\}", lambda field: texts[field[1]], shape)


def trimmed(response: str, template: Template) -> str:
    """An answer without what the template's separators leave at its ends: white space, and its `strip`."""
    text = response.strip()
    return text.rstrip(template.strip).rstrip() if template.strip else text


def read_demonstrations(path: Path) -> tuple[Demonstration, ...]:
    """Demonstrations of a file (YAML list, JSONL) or of a `corpus` artifact (its rows in order).

    Raises:
        InputError: nothing in it, or a row without query and answer.
        SettingsError: rows with other keys.
    """
    rows = _artifact_rows(path) if is_artifact(path) else _file_rows(path)
    if not isinstance(rows, list) or not rows:
        raise InputError("holds no demonstrations", where=str(path), fix="give a list of rows with query and answer")
    return tuple(validate_settings(Demonstration, row, where=f"{path}, row {at}") for at, row in enumerate(rows, 1))


def _artifact_rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    artifact = read_manifest(path, kind="corpus")
    rows = pq.read_table(artifact.file("data.parquet"), columns=["instruction", "response"]).to_pylist()
    return [{"query": row["instruction"], "answer": row["response"]} for row in rows]


def _file_rows(path: Path) -> Any:
    return read_jsonl(path) if path.suffix == ".jsonl" else read_yaml(path)
