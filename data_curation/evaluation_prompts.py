"""Evaluation prompt sets, from wherever they are: a pin, a `prompts` artifact, or a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from artifacts.digests import digest_json
from artifacts.errors import InputError, UserError
from artifacts.manifest import is_artifact, read_manifest
from artifacts.pins import availability, fetch, load_pin
from artifacts.settings import Settings
from artifacts.stage import input_digest
from data_curation.readers.formats import raw_rows
from data_curation.records import ID_LENGTH
from data_curation.sources import SOURCES, LeftOut, prompt_rows

COLUMNS = ("prompt", "instruction", "question", "goal", "Behavior", "query", "question_stem")


class PromptSet(Settings):
    """One prompt set.

    Attributes:
        name: Its name in decisions; None = the pin's, the artifact's benchmark, or the file's.
        place: Name of a pinned prompt source, folder of a `prompts` artifact, or a file (JSONL, JSON, CSV, TSV,
            Parquet, or `.txt` with one prompt a line).
        column: Column of a file's prompts; None = the only one of `COLUMNS` that it has.
        content: Digest of what is there; filled in, and refused if it is another.
    """

    name: str | None = None
    place: str
    column: str | None = None
    content: str | None = None

    def pinned(self) -> PromptSet:
        """The same set with its content's digest.

        Raises:
            ValueError: nothing is there, or something else than `content` names.
        """
        found = self._digest()
        if self.content not in (None, found):
            raise ValueError(f"{self.place} holds other prompts than content names")
        return self.model_copy(update={"content": found, "name": self.name or self._own_name()})

    def _digest(self) -> str:
        if self.place in SOURCES:
            pin = load_pin(self.place)
            return digest_json([pin.name, pin.version])[:ID_LENGTH]
        path = Path(self.place).expanduser()
        if not (path.is_file() or is_artifact(path)):
            known = ", ".join(prompt_sources())
            raise ValueError(f"'{self.place}' is no pinned prompt set ({known}), no prompts artifact and no file")
        return input_digest(path)[:ID_LENGTH]

    def _own_name(self) -> str:
        return self.place if self.place in SOURCES else Path(self.place).name


@dataclass(frozen=True, slots=True)
class Prompt:
    """One evaluation prompt: the set's name, an id within it, and the text."""

    set: str
    id: str
    text: str


def prompt_sources() -> list[str]:
    """Names of the pinned prompt sources."""
    return sorted(name for name, source in SOURCES.items() if source.kind == "prompts")


def sets_here() -> list[PromptSet]:
    """The pinned prompt sets that the mirror or an earlier fetch has: those that need no network."""
    return [PromptSet(place=name) for name in prompt_sources() if availability(name).startswith("here")]


def read_prompts(given: PromptSet) -> list[Prompt]:
    """The prompts of a set, in order; blank ones are left out.

    Raises:
        UserError: not a set of prompts, no prompt in it, or no column that is known to hold them.
    """
    name = given.name or given.place
    prompts = [Prompt(name, id, text) for id, text in _texts(given) if text.strip()]
    if not prompts:
        raise InputError("there is no prompt in it", where=given.place)
    return prompts


def _texts(given: PromptSet) -> Iterator[tuple[str, str]]:
    path = Path(given.place).expanduser()
    if given.place in SOURCES:
        if SOURCES[given.place].kind != "prompts":
            raise UserError("a source of responses, not of prompts", where=given.place)
        yield from _of_source(given.place)
    elif is_artifact(path):
        table = pq.read_table(read_manifest(path, kind="prompts").file("prompts.parquet"))
        yield from zip(table["prompt_id"].to_pylist(), table["prompt"].to_pylist(), strict=True)
    elif path.suffix == ".txt":
        # one prompt a line; only LF ends a line
        for row, line in enumerate(_decoded(path).split("\n")):
            yield f"line {row + 1}", line.removesuffix("\r")
    else:
        yield from _of_file(path, given.column)


def _decoded(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start + 1}", where=str(path)) from None


def _of_source(name: str) -> Iterator[tuple[str, str]]:
    for raw in prompt_rows(SOURCES[name], fetch(name).paths[0]):
        if isinstance(raw, LeftOut):
            continue
        text = None if raw.values is None else raw.values.get("prompt")
        if isinstance(text, str):
            yield f"row {raw.row}", text


def _of_file(path: Path, column: str | None) -> Iterator[tuple[str, str]]:
    for raw in raw_rows(path):
        if raw.values is None:
            raise InputError(f"unusable: {raw.fault}", where=f"{path}:{raw.line or raw.row + 1}")
        column = column or _column(raw.values, path)
        text = raw.values.get(column)
        if not isinstance(text, str):
            fix = f"columns: {', '.join(raw.values)}"
            raise InputError(f"no text in column '{column}'", where=f"{path}:{raw.line or raw.row + 1}", fix=fix)
        yield f"row {raw.row}", text


def _column(values, path: Path) -> str:
    known = [name for name in COLUMNS if isinstance(values.get(name), str)]
    if len(known) == 1:
        return known[0]
    problem = "no column is known to hold prompts" if not known else f"several could: {', '.join(known)}"
    raise InputError(problem, where=str(path), fix=f"name it with `column`; columns: {json.dumps(list(values))}")
