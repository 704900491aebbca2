"""The pinned sources that `collect` knows, and how a file of each is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from artifacts.errors import InputError, UserError
from data_curation.prompt_shapes import advbench, harmbench, infobench
from data_curation.readers.formats import raw_rows
from data_curation.readers.layout import Columns
from data_curation.readers.rows import RawRow

_RECOGNISED = Columns()


@dataclass(frozen=True, slots=True)
class Source:
    """A pinned file as a source of responses or of prompts.

    Attributes:
        name: Name of the source and of its pin.
        kind: `corpus` (responses) or `prompts`.
        columns: Columns to read from a corpus; what is None is recognised.
        rows: How many of its first rows are taken unless the settings say otherwise.
        prompt: Column of a prompt file; None = the file is plain text, one prompt a line.
        subset: Column that names the subset of a prompt, or None.
        shape: Makes the columns `prompt`, `subset` and `reference` out of a row that holds them in another form, or
            gives why the row does not belong to the benchmark; None = the columns above are taken as they are.
    """

    name: str
    kind: Literal["corpus", "prompts"]
    columns: Columns = _RECOGNISED
    rows: int | Literal["all"] = "all"
    prompt: str | None = None
    subset: str | None = None
    shape: Callable[[Mapping[str, Any]], dict[str, Any] | str] | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that the file has and the benchmark as the paper used it has not; `reason` can be counted."""

    reason: str


_DOLLY = Columns(instruction="instruction", context="context", response="response")
_ALPACA = Columns(instruction="instruction", context="input", response="output")
SOURCES = {
    source.name: source
    for source in (
        Source("dolly", "corpus", _DOLLY),
        # the mirror's file has `messages`, the hub's `conversations`: recognised. The paper takes the first 1,000 rows,
        # those with a single turn.
        Source("lima", "corpus", rows=1000),
        Source("alpaca", "corpus", _ALPACA),
        Source("alpaca-cleaned", "corpus", _ALPACA),
        Source("safety-tuned-llamas", "corpus", _ALPACA),
        Source("alpaca-eval", "prompts", prompt="instruction"),
        Source("xstest", "prompts", prompt="prompt", subset="label"),
        Source("malicious-instruct", "prompts"),
        Source("advbench", "prompts", prompt="goal", shape=advbench),
        Source("harmbench", "prompts", prompt="Behavior", subset="FunctionalCategory", shape=harmbench),
        Source("just-eval", "prompts", prompt="instruction", subset="category"),
        Source("infobench", "prompts", prompt="instruction", subset="subset", shape=infobench),
    )
}


def find_source(name: str) -> Source:
    """A source by name; an unknown name is refused with the known ones."""
    if name not in SOURCES:
        raise UserError(
            f"no source is called '{name}'",
            fix=f"known sources: {', '.join(sorted(SOURCES))}; for a file of your own: rt curate FILE --out DIR",
        )
    return SOURCES[name]


def prompt_rows(source: Source, path: Path) -> Iterator[RawRow | LeftOut]:
    """Rows of a prompt file with the columns `prompt` and, where the source has them, `subset` and `reference`."""
    if source.prompt is None:
        yield from _text_lines(path)
        return
    for raw in raw_rows(path):
        if raw.values is None:
            yield raw
            continue
        values = {"prompt": raw.values.get(source.prompt)}
        if source.subset is not None:
            values["subset"] = raw.values.get(source.subset)
        shaped = values if source.shape is None else source.shape(raw.values)
        if isinstance(shaped, str):
            yield LeftOut(shaped)
        else:
            yield RawRow(raw.row, raw.line, shaped, None, raw.raw)


def _text_lines(path: Path) -> Iterator[RawRow]:
    """One prompt a line; only LF ends a line, and the last may lack it."""
    with open(path, "rb") as stream:
        for row, line in enumerate(stream):
            raw = line.removesuffix(b"\n").removesuffix(b"\r")
            try:
                yield RawRow(row, row + 1, {"prompt": raw.decode("utf-8")}, None, raw)
            except UnicodeDecodeError as error:
                yield RawRow(row, row + 1, None, f"not UTF-8 at byte {error.start + 1} of the line", raw)
        if stream.tell() == 0:
            raise InputError("the file is empty", where=str(path))
