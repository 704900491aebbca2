"""Templates of in-context prompts as data: `templates/<name>.yaml`, or a YAML file like them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from artifacts.errors import UserError
from artifacts.files import read_yaml
from artifacts.settings import Settings, validate_settings
from paper_repro.in_context.official import NAME as OFFICIAL
from paper_repro.in_context.official import official_template

FOLDER = Path(__file__).resolve().parent / "templates"
Text = Annotated[str, Field(min_length=1)]


class Demonstration(Settings):
    """One example that a prompt shows.

    Attributes:
        query: What is asked; URIAL-R leaves it out.
        answer: A good answer.
    """

    query: Text
    answer: Text


class Template(Settings):
    """How a prompt is put together: system text, demonstrations, and the query with an answer left open.

    `{query}` and `{answer}` stand for texts; nothing else in braces has a meaning.

    Attributes:
        name: Name of the template.
        source: Where its structure comes from, and what was changed.
        system: Text before demonstrations (URIAL and URIAL-R).
        zero_shot: Text before the query where there are no demonstrations.
        pair: One demonstration of URIAL.
        response: One demonstration of URIAL-R: a pair less its query.
        opening: The query, up to where the answer starts.
        stops: Texts that end an answer; it is cut before them and trimmed.
        system_r: Text before the demonstrations of URIAL-R where it is another than `system`.
        strip: Characters that are taken off the end of an answer too.
        demonstrations: Shown where none are given.
    """

    name: Text
    source: Text
    system: str
    zero_shot: str
    pair: Text
    response: Text
    opening: Text
    stops: Annotated[tuple[Text, ...], Field(min_length=1)]
    demonstrations: tuple[Demonstration, ...] = ()
    system_r: str | None = Field(default=None, exclude_if=lambda text: text is None)
    strip: str = Field(default="", exclude_if=lambda characters: not characters)

    @field_validator("pair", "opening")
    @classmethod
    def _asks(cls, value: str) -> str:
        return _holds(value, "{query}")

    @field_validator("pair", "response")
    @classmethod
    def _answers(cls, value: str) -> str:
        return _holds(value, "{answer}")


def _holds(value: str, field: str) -> str:
    if value.count(field) != 1:
        raise ValueError(f"{field} must stand in it once")
    return value


def template_names() -> list[str]:
    """Names of the templates that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_template(given: str) -> Template:
    """A template by name or by the path of a YAML file; `official` is read from pinned downloads.

    Raises:
        UserError: no such template.
        MissingDataError: the official files cannot be had.
        SettingsError: all faults of the file.
    """
    if given == OFFICIAL:
        return validate_settings(Template, official_template(), where=OFFICIAL)
    path = FOLDER / f"{given}.yaml"
    if Path(given).suffix in (".yaml", ".yml"):
        path = Path(given)
    elif "/" in given or not path.is_file():
        fix = f"known templates: {', '.join([*template_names(), OFFICIAL])}; or give the path of a YAML file"
        raise UserError(f"no template is called '{given}'", fix=fix)
    return validate_settings(Template, read_yaml(path), where=str(path))
