"""Response sets that a language model makes of others: refined responses, news passages in the tone of a response."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from artifacts.settings import Settings
from artifacts.stage import input_digest
from data_curation.llm_client import ServerSettings
from data_curation.rewrite import REWRITE, RewriteSettings
from experiments.cells import Cell
from paper_repro.judge import JudgeSettings

NOT_GIVEN = "FILE-NOT-GIVEN"  # stands in a plan in the place of a file that the user has to give


class Rewritten(Settings):
    """A response set made by `rt rewrite`, under a name that studies use like that of a source.

    Attributes:
        of: Corpus that is rewritten.
        file: In its place, a file of texts that no source holds; as long as it is not given, it is listed as missing.
        what: What that file holds, for the list of what is missing.
        rewrite: Settings of `rt rewrite`; its server is an address, or one of the profile's servers by its model.
    """

    of: str | None = None
    file: Path | None = None
    what: Annotated[str, Field(min_length=1)] | None = None
    rewrite: RewriteSettings

    @model_validator(mode="after")
    def _one_origin(self) -> Rewritten:
        if (self.of is None) == (self.what is None):
            raise ValueError("give of, a corpus, or what, the content of a file; one of them")
        if self.file is not None and self.what is None:
            raise ValueError("file: goes with what, which says what it holds")
        return self

    @property
    def lacks_file(self) -> bool:
        """Whether the user has to give a file, and has not."""
        return self.what is not None and self.file is None


def rewrite_cell(name: str, one: Rewritten, origin: Cell | None) -> Cell:
    """The cell that makes the set.

    Args:
        name: What studies call it.
        one: How it is made.
        origin: The cell of the corpus `one.of`; None: a file.
    """
    options = llm_options(one.rewrite)
    if origin is not None:
        return Cell(REWRITE, name, one.rewrite, ("{input}", *options), {"input": origin})
    settings = one.rewrite.model_copy(update={"source": name})
    given = {} if one.lacks_file else {"input": input_digest(one.file)}
    return Cell(REWRITE, name, settings, (NOT_GIVEN if one.lacks_file else str(one.file), *options), extra=given)


def llm_options(asking: RewriteSettings | JudgeSettings) -> tuple[str, ...]:
    """The server, where it differs from the usual one, and the file of kept answers, as options of a command.

    Neither is a part of a result's identity, so neither stands among the settings of a cell.
    """
    common = ServerSettings().resolved()
    flat = {f"server.{key}": value for key, value in asking.server.resolved().items() if value != common[key]}
    cache = () if asking.cache is None else ("--cache", str(asking.cache))
    return (*(text for name, value in flat.items() for text in ("--set", f"{name}={json.dumps(value)}")), *cache)


def lacking_files(cells: Iterable[Cell]) -> list[str]:
    """Names of the rewritten sets whose file is not given."""
    return [cell.label for cell in cells if cell.stage.name == REWRITE.name and cell.arguments[0] == NOT_GIVEN]


def origin_of(made: Cell) -> str | None:
    """The corpus that a curated set was made from by rewriting; None: it was not rewritten."""
    before = made.inputs.get("input")
    if before is None or before.stage.name != REWRITE.name:
        return None
    return before.inputs["input"].label if before.inputs else before.label
