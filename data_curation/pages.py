"""HTML pages from templates: one set-up of Jinja. Every page escapes what data say; a name not given is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_curation.optional import require

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(
    folder: Path,
    *,
    filters: Mapping[str, Callable[..., Any]] | None = None,
    tests: Mapping[str, Callable[..., bool]] | None = None,
    values: Mapping[str, Any] | None = None,
    extra: str = "report",
) -> Environment:
    """An environment for the templates of a folder.

    Everything that a template prints is escaped, and a name that it was not given is an error. Lines that hold only
    a block leave no blank line behind; the last line's end is kept.

    Args:
        folder: Where the templates are, with the style sheets and scripts that they include.
        filters: Filters beside Jinja's own.
        tests: Tests beside Jinja's own.
        values: What every template can name.
        extra: Extra of this package that installs Jinja for the one who calls.

    Raises:
        UserError: Jinja is not installed.
    """
    jinja2 = require("jinja2", extra)
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= filters or {}
    made.tests |= tests or {}
    made.globals |= values or {}
    return made


def trusted(text: str) -> str:
    """Text of our own that is mark-up already and is not escaped again: a script of the package, never data."""
    return require("jinja2").utils.markupsafe.Markup(text)
