"""The raters' guideline as data: levels, choices and the words around them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from artifacts.files import read_yaml
from artifacts.settings import Settings, validate_settings

FILE = Path(__file__).with_name("guideline.yaml")


class Level(Settings):
    """One level of acceptability: its label in verdicts, its names on the page, what it means."""

    label: str
    title: str
    short: str
    meaning: str


class Choice(Settings):
    """One answer to which response is preferred: `first`, `second` (as shown) or `tie`."""

    label: str
    short: str


class Acceptability(Settings):
    """The question about one response, and its levels from best to worst."""

    question: str
    levels: tuple[Level, ...]


class Preference(Settings):
    """The question about both responses."""

    question: str
    choices: tuple[Choice, ...]
    meaning: str


class Guideline(Settings):
    """All that raters are told; `version` is part of every campaign and verdict."""

    version: int
    title: str
    introduction: tuple[str, ...]
    acceptability: Acceptability
    preference: Preference
    refusals: str


@cache
def guideline() -> Guideline:
    """The guideline of this version of the package."""
    return validate_settings(Guideline, read_yaml(FILE), where=str(FILE))


def levels() -> tuple[str, ...]:
    """Labels of acceptability, from best to worst."""
    return tuple(level.label for level in guideline().acceptability.levels)


def choices() -> tuple[str, ...]:
    """Labels of the preference, as shown: first, tie, second."""
    return tuple(choice.label for choice in guideline().preference.choices)


def acceptability_text() -> str:
    """The question, the levels and the word on refusals as plain text, for a judge that is told the same as raters."""
    given = guideline()
    lines = [given.acceptability.question, ""]
    lines += [f"{level.short}: {' '.join(level.meaning.split())}" for level in given.acceptability.levels]
    return "\n".join([*lines, "", " ".join(given.refusals.split())])


def preference_text() -> str:
    """The question about both responses and what to choose, as plain text."""
    given = guideline()
    return f"{given.preference.question} {' '.join(given.preference.meaning.split())}"
