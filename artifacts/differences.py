"""What differs between two artifacts by their manifests: settings, data, code, numbers, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from artifacts.manifest import Identity

Part = Literal["code", "settings", "data", "numbers", "files"]
PARTS: tuple[Part, ...] = ("code", "settings", "data", "numbers", "files")
ABSENT = "(absent)"


@dataclass(frozen=True)
class Difference:
    """One value that two artifacts do not share.

    Attributes:
        part: `code` (kind, stage, its version, packages, threads), `settings`, `data` (inputs), `numbers` (the
            stage's summary) or `files` (outputs).
        key: Dotted name within the part.
        a: Value in the first; `ABSENT` where it has none.
        b: Value in the second.
    """

    part: Part
    key: str
    a: Any
    b: Any


def differences(a: Identity, b: Identity) -> list[Difference]:
    """All differences between two identities, in the order of `PARTS`, then by key; none only where they are equal."""
    sides = [_by_part(identity) for identity in (a, b)]
    found = []
    for part in PARTS:
        one, other = (flat(side[part]) for side in sides)
        for key in sorted(one.keys() | other.keys()):
            left, right = one.get(key, ABSENT), other.get(key, ABSENT)
            if not _equal(left, right):
                found.append(Difference(part, key, left, right))
    return found


def _by_part(identity: Identity) -> dict[Part, Mapping[str, Any]]:
    value = identity.model_dump(mode="json")
    code = {name: value[name] for name in ("kind", "stage", "stage_version", "packages", "threads")}
    files = {name: f"{output['sha256'][:12]}, {output['bytes']} bytes" for name, output in value["outputs"].items()}
    return {
        "code": code,
        "settings": value["settings"],
        "data": {name: digest[:12] for name, digest in value["inputs"].items()},
        "numbers": value["summary"],
        "files": files,
    }


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves of nested mappings and lists by dotted name, list places in brackets: `steps[2].step`.

    Empty groups, and lists of plain values, are leaves too.
    """
    return dict(_leaves(value, prefix))


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, (list, Mapping)) for inner in value):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{name}[{place}]")
    else:
        yield name, value


def _equal(a: Any, b: Any) -> bool:
    """Equal as JSON: 1 is not true, and 1.0 is another text than 1."""
    return type(a) is type(b) and a == b
