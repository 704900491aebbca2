"""lineage.json: where each row of a set came from, what changed it, and the chain of artifacts up to the pins."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.chain import FACTS
from artifacts.errors import InputError
from artifacts.files import atomic_path, read_json
from artifacts.licences import OWN_LICENCE, UNKNOWN
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.stage import input_digest
from data_curation.records import Record

LINEAGE = "lineage.json"
CAME_IN = ("input", "base", "pool")  # inputs whose rows are those of the set; others, as a reference, only decide
SCHEMA = 1


@dataclass(frozen=True)
class Part:
    """One source of a set's rows.

    Attributes:
        source: Name the records bear.
        rows: How many of the set's rows are from it.
        licence: As its pin states it; `unknown` where nobody stated one.
        facts: Pin, version, origin, coverage and SHA-256 where the source is pinned; else what is known of it.
    """

    source: str
    rows: int
    licence: str
    facts: Mapping[str, str]


def write_lineage(
    artifact: Artifact,
    inputs: Mapping[str, Path],
    records: Sequence[Record],
    changes: Mapping[str, Sequence[str]] | None,
) -> dict[str, Any]:
    """Write `lineage.json` into the artifact's folder, one row a line.

    Args:
        artifact: The finished artifact (its manifest need not be written yet).
        inputs: Its inputs, by name.
        records: The rows of its data file, in order.
        changes: `row_id` to the steps of this artifact's own recipe that changed the text; None = not recorded.

    Returns:
        The chain: this artifact's node, with its inputs' nodes below it.
    """
    chain = node(artifact, inputs)
    earlier: dict[str, Sequence[str] | None] = {}
    for name, path in inputs.items():
        if name in CAME_IN:  # a row that is in the reference too came from the input, with its text there
            earlier |= _changes_of(path)
    with atomic_path(artifact.path / LINEAGE) as temporary, open(temporary, "w", encoding="utf-8") as file:
        head = json.dumps({"schema": SCHEMA, "artifact": chain}, indent=2, sort_keys=True, ensure_ascii=False)
        file.write(head.removesuffix("\n}") + ',\n  "rows": {\n')
        file.write(",\n".join(_lines(records, changes, earlier)))
        file.write("\n  }\n}\n")
    return chain


def _lines(records: Sequence[Record], changes, earlier) -> Iterator[str]:
    texts: dict[Any, str] = {}  # sources and lists of steps as JSON: there are few of them, and rows by the million

    def text(value) -> str:
        if value not in texts:
            texts[value] = json.dumps(value, ensure_ascii=False)
        return texts[value]

    for record in records:
        before = earlier.get(record.row_id, ())
        own = None if changes is None else changes.get(record.row_id, ())
        changed = None if before is None or own is None else (*before, *own)
        place = f'"source": {text(record.source)}, "row": {record.row}'
        yield f'    "{record.row_id}": {{{place}, "changed_by": {text(changed)}}}'


def node(artifact: Artifact, inputs: Mapping[str, Path]) -> dict[str, Any]:
    """What an artifact is in a chain: kind, stage, digest, facts about its source, and its inputs' nodes."""
    identity = artifact.identity
    facts = {key: identity.summary[key] for key in FACTS if isinstance(identity.summary.get(key), str)}
    hub = identity.settings.get("hub")
    return (
        {"kind": identity.kind, "stage": identity.stage, "stage_version": identity.stage_version}
        | facts
        | ({"hub": hub} if isinstance(hub, str) else {})
        | {"digest": artifact.digest, "inputs": {name: _input_node(path) for name, path in sorted(inputs.items())}}
    )


def _input_node(path: Path) -> dict[str, Any]:
    if not is_artifact(path):
        return {"kind": "file", "name": path.name, "digest": input_digest(path)}
    artifact = read_manifest(path)
    known = read_lineage(artifact)
    if known is not None:
        return known["artifact"]
    # a collected source is made from the pin's file, which its facts name; of other inputs the digest is known, and
    # what the summary says of the one that was curated
    said = artifact.summary.get("input")
    facts = {key: said[key] for key in FACTS if isinstance(said.get(key), str)} if isinstance(said, dict) else {}
    below = {name: facts | {"digest": digest} for name, digest in sorted(artifact.identity.inputs.items())}
    return node(artifact, {}) | {"inputs": below}


def read_lineage(artifact: Artifact) -> dict[str, Any] | None:
    """The lineage beside an artifact, or None if there is none or it belongs to another version of the folder."""
    path = artifact.path / LINEAGE
    if not path.is_file():
        return None
    value = read_json(path)
    try:
        return value if value["artifact"]["digest"] == artifact.digest else None
    except (KeyError, TypeError):
        raise InputError("not a lineage of this package", where=str(path), fix="delete it; it is made again") from None


def _changes_of(path: Path) -> dict[str, Sequence[str] | None]:
    """Steps that changed the rows of an input before; a collected source or a plain file has none."""
    if not is_artifact(path):
        return {}
    artifact = read_manifest(path)
    lineage = read_lineage(artifact)
    if lineage is not None:
        return {row_id: row["changed_by"] for row_id, row in lineage["rows"].items() if row["changed_by"] != []}
    if artifact.summary.get("changed"):
        import pyarrow.parquet as pq

        return dict.fromkeys(pq.read_table(artifact.file("data.parquet"), columns=["row_id"])["row_id"].to_pylist())
    return {}


def parts(chain: Mapping[str, Any], records: Sequence[Record]) -> list[Part]:
    """The sources of a set's rows, each with its licence as far as the chain knows it, in alphabetical order."""
    counts: dict[str, int] = {}
    for record in records:
        counts[record.source] = counts.get(record.source, 0) + 1
    known = {leaf["source"]: leaf for leaf in _leaves(chain)}
    return [_part(source, rows, known.get(source, {})) for source, rows in sorted(counts.items())]


def _part(source: str, rows: int, leaf: Mapping[str, Any]) -> Part:
    facts = {key: str(leaf[key]) for key in ("pin", "version", "origin", "coverage", "sha256", "hub") if key in leaf}
    # rows of the testbed's world are made by this package and stand under its own licence
    made_here = OWN_LICENCE if leaf.get("origin") == "generated" else UNKNOWN
    return Part(source, rows, leaf.get("licence") or made_here, facts)


def _leaves(chain: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Nodes of the chain that name a source; a file or a hub repository is its own source."""
    if chain.get("kind") == "file":
        yield dict(chain) | {"source": chain["name"]}
    elif "hub" in chain:
        yield dict(chain) | {"source": chain["hub"].partition("@")[0]}
    elif "source" in chain:
        yield dict(chain)
    for child in chain.get("inputs", {}).values():
        yield from _leaves(child)
