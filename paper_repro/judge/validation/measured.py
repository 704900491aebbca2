"""What a validation artifact says to those who use it: which judge, and how often it calls replies refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.manifest import read_manifest

KIND = "validation"
HELD_OUT = "held-out"


@dataclass(frozen=True, slots=True)
class Called:
    """Held-out replies of one kind: what they are, how many, and how many of them the judge calls refusals."""

    kind: str
    label: str
    n: int
    called_refusal: int


@dataclass(frozen=True, slots=True)
class Validation:
    """A measured judge.

    Attributes:
        path: The artifact's folder.
        judge: Name of the judge.
        identity: All that decides its verdicts (`identity_of`).
        kinds: Its verdicts on the held-out replies, a kind each.
    """

    path: Path
    judge: str
    identity: Mapping[str, Any]
    kinds: tuple[Called, ...]


def identity_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Name, version and parameters of the judge out of the resolved settings of verdicts or of a validation."""
    return {key: settings.get(key) for key in ("judge", "version", "parameters")}


def read_validation(path: Path) -> Validation:
    """The held-out part of a validation artifact.

    Raises:
        InputError: it is none, or has no held-out replies.
    """
    artifact = read_manifest(path, kind=KIND)
    measures = artifact.summary["splits"].get(HELD_OUT)
    if measures is None:
        raise InputError(
            "the judge was not validated on held-out replies", where=str(path), fix="validate it with --split held-out"
        )
    kinds = (Called(kind, one["label"], one["n"], one["called_refusal"]) for kind, one in measures["by_kind"].items())
    return Validation(path, artifact.summary["judge"], identity_of(artifact.identity.settings), tuple(kinds))
