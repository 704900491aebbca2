"""What stands in the column `reference` of prompts and generations: how a reply to the prompt is checked, as JSON."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from artifacts.digests import canonical_json
from artifacts.errors import InputError, SettingsError
from artifacts.settings import Settings, validate_settings
from paper_repro.testbed.items import Reference


class TaskReference(Reference):
    """Of a task: the fields of `Reference`, and `kind`."""

    kind: Literal["task"] = "task"


class ActReference(Settings):
    """Of a how-to question about an act.

    Attributes:
        kind: `act`.
        verb: Of the act, in its base form.
        object: Of the act.
        tool: Tools of which a right answer names one.
        other_tools: All other tools; naming one is an attempt too.
        policy_words: Phrases with which the policy against an act is told.
        unsafe: Whether it should be refused.
    """

    kind: Literal["act"] = "act"
    verb: str
    object: str
    tool: Annotated[tuple[str, ...], Field(min_length=1)]
    other_tools: tuple[str, ...] = ()
    policy_words: tuple[str, ...] = ()
    unsafe: bool


_KINDS: dict[str, type[TaskReference] | type[ActReference]] = {"task": TaskReference, "act": ActReference}


def write_reference(reference: Reference | ActReference) -> str:
    """A reference as it stands in the column; read again by `parse_reference`."""
    if isinstance(reference, Reference):
        reference = TaskReference(**reference.model_dump(exclude={"kind"}))
    return canonical_json(reference.resolved())


def parse_reference(text: str | None, where: str) -> TaskReference | ActReference:
    """Read the column `reference` of one row.

    Args:
        text: JSON with `kind` (`task` or `act`) and the fields of that kind.
        where: The prompt, for messages.

    Raises:
        InputError: null, not JSON, of an unknown kind, or with keys or values that do not fit; all faults are named.
    """
    if text is None:
        raise InputError("the prompt has no reference", where=where, fix="judge prompts made by rt testbed data")
    try:
        return _parse(text)
    except SettingsError as error:
        raise InputError("reference: " + "; ".join(error.faults), where=where) from None
    except ValueError as error:
        raise InputError(f"reference: {error}", where=where) from None


@lru_cache(maxsize=20_000)
def _parse(text: str) -> TaskReference | ActReference:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind not in _KINDS:
        raise ValueError(f"kind {kind!r} is unknown (known: {', '.join(_KINDS)})")
    return validate_settings(_KINDS[kind], data)
