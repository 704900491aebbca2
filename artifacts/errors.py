"""The one exception family. A message says what is wrong, where, and what would be right."""

from __future__ import annotations


class ResponseTuningError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        message: What is wrong, in plain words.
        where: File, line, key or id the message is about.
        fix: What would be right, or what to do next.
    """

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, fix: str | None = None):
        super().__init__(message)
        self.message = message
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.fix}" if self.fix else text


class UserError(ResponseTuningError):
    """A mistake the user can mend (settings, input, missing data). Exit status 2."""

    exit_code = 2


class SettingsError(UserError):
    """Settings that do not fit their schema; holds every fault found, not only the first."""

    def __init__(self, faults: list[str], *, where: str | None = None):
        self.faults = faults
        noun = "fault" if len(faults) == 1 else "faults"
        super().__init__(f"{len(faults)} {noun} in the settings:\n  - " + "\n  - ".join(faults), where=where)


class InputError(UserError):
    """An input file or folder that cannot be used."""


class MissingDataError(UserError):
    """Pinned data that no reachable origin holds."""


class DigestError(UserError):
    """A file whose bytes are not the pinned or recorded ones."""


class StageError(ResponseTuningError):
    """A stage that failed or broke one of its own promises. Exit status 1."""


def first_line(error: Exception) -> str:
    """What another library's error says, in one line; its class if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
