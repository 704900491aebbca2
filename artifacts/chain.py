"""The chain of an artifact: what it was made from, and that from, up to the pins and to what this package holds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artifacts.errors import InputError, ResponseTuningError
from artifacts.licences import OWN_LICENCE, UNKNOWN, LicencedPart
from artifacts.manifest import MANIFEST, Artifact, is_artifact, read_manifest
from artifacts.pins import load_pin, pin_names
from artifacts.publication import PUBLICATION, Publication, read_publication
from artifacts.shipped_pins import known_by_digest
from artifacts.stage import input_digest
from artifacts.store import ROOT, rt_home

# what a summary may say about where rows come from
FACTS = ("pin", "version", "origin", "coverage", "sha256", "licence", "source", "response_set", "recipe")
OWN = "response-tuning"
_FROM_NOTHING = ("testbed-corpus",)  # stages that make text up from their settings alone
_PACKAGES = ("artifacts", "data_curation", "paper_repro", "experiments")


@dataclass(frozen=True)
class Node:
    """One artifact or file of a chain.

    Attributes:
        kind: Kind of artifact; `file`; or `unknown`, where nothing but the digest is left.
        name: What people would call it.
        digest: An artifact's, or that of `artifacts.stage.input_digest`.
        artifact: The artifact, where it is still there.
        path: Where an input that is no artifact lies, if it is still there.
        facts: What is known of the source: of `FACTS`, those that are there.
        inputs: By role.
        told: The record of a published artifact, which knows its parts and lineage where these are gone by now.
    """

    kind: str
    name: str
    digest: str
    artifact: Artifact | None = None
    path: Path | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Node] = field(default_factory=dict)
    told: Publication | None = None


def chain_of(artifact: Artifact) -> Node:
    """The chain above an artifact.

    An input is looked for where the manifest says that it lay, then among all artifacts of RT_HOME by its digest. What
    is not found, or has other content by now, ends its branch: the digest is all that is known of it.

    Raises:
        InputError: an artifact is made from itself.
    """
    return _Walk().artifact(artifact, ())


class _Walk:
    """Every artifact is read once, however many others are made from it."""

    def __init__(self):
        self.known: dict[str, Node] = {}
        self.shelf: dict[str, Path] | None = None

    def artifact(self, artifact: Artifact, above: tuple[str, ...]) -> Node:
        if artifact.digest in above:
            raise InputError("this artifact is among what it was made from", where=str(artifact.path))
        if artifact.digest in self.known:
            return self.known[artifact.digest]
        identity = artifact.identity
        inputs = {
            role: self.input(role, digest, artifact.places.get(role), (*above, artifact.digest))
            for role, digest in sorted(identity.inputs.items())
        }
        facts = {key: identity.summary[key] for key in FACTS if isinstance(identity.summary.get(key), str)}
        told = read_publication(artifact.path)[0] if (artifact.path / PUBLICATION).is_file() else None
        node = Node(identity.kind, _name(artifact, told), artifact.digest, artifact, None, facts, inputs, told)
        self.known[artifact.digest] = node
        return node

    def input(self, role: str, digest: str, lay: Any, above: tuple[str, ...]) -> Node:
        if digest in self.known:
            return self.known[digest]
        found = self.path_of(digest, Path(lay) if isinstance(lay, str) else None)
        if pin := known_by_digest(digest):
            facts = {"pin": pin.name, "version": pin.version, "licence": pin.licence}
            return Node("file", pin.name, digest, path=found, facts=facts)
        if found is None:
            return Node("unknown", role, digest)
        if is_artifact(found):
            return self.artifact(read_manifest(found), above)
        return Node("file", found.name, digest, path=found)

    def path_of(self, digest: str, lay: Path | None) -> Path | None:
        """Where something with this digest lies, or None."""
        if lay is not None and _digest(lay) == digest:
            return lay
        if self.shelf is None:
            self.shelf = {_digest(folder): folder for folder in artifacts_below(rt_home())}
        return self.shelf.get(digest)


def artifacts_below(folder: Path) -> Iterator[Path]:
    """Folders of artifacts below a folder; links are not followed, nor artifacts and hidden folders looked into."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if MANIFEST in files:
            folders.clear()
            yield Path(here)


def _name(artifact: Artifact, told: Publication | None) -> str:
    return told.label if told else artifact.path.name


def _digest(path: Path) -> str | None:
    try:
        return input_digest(path)
    except (ResponseTuningError, OSError):
        return None


def nodes(top: Node) -> list[Node]:
    """All nodes of a chain, each once, what is made from others after them."""
    seen: dict[str, Node] = {}

    def visit(node: Node) -> None:
        if node.digest not in seen:
            for below in node.inputs.values():
                visit(below)
            seen[node.digest] = node

    visit(top)
    return list(seen.values())


def lineage(top: Node) -> dict[str, Any]:
    """A chain as JSON without a path of this machine.

    Returns:
        `digest` (of the artifact whose chain it is) and `nodes`: digest to `kind`, `name`, `stage` (of an artifact that
        is there), the facts of its source, and `inputs` (role to digest).
    """
    found = {node.digest: _as_json(node) for node in nodes(top)}
    for told in filter(None, (node.told for node in nodes(top))):
        lost = {
            digest for digest in told.lineage["nodes"] if found.get(digest, {"kind": "unknown"})["kind"] == "unknown"
        }
        found |= {digest: told.lineage["nodes"][digest] for digest in lost}
    return {"digest": top.digest, "nodes": found}


def _as_json(node: Node) -> dict[str, Any]:
    stage = {} if node.artifact is None else {"stage": node.artifact.identity.stage}
    inputs = {role: below.digest for role, below in sorted(node.inputs.items())}
    return {"kind": node.kind, "name": node.name} | stage | dict(node.facts) | ({"inputs": inputs} if inputs else {})


def parts(top: Node) -> list[LicencedPart]:
    """What an artifact is made of, with licences: sources of data, base weights, and files; each once, by name.

    A source ends its branch: the file that it was read from is no part of its own. So does a published artifact, whose
    record says what it is made of.
    """
    found: dict[tuple[str, str | None, str], LicencedPart] = {}
    seen: set[str] = set()

    def visit(node: Node) -> None:
        if node.digest in seen:
            return
        seen.add(node.digest)
        if node.told is not None:
            for said in node.told.licence["parts"]:
                part = LicencedPart(said["name"], said["version"], said["kind"], said["licence"])
                found[part.name, part.version, part.licence] = part
            return
        own = _part(node)
        for part in (*([own] if own else ()), *_weights(node)):
            found[part.name, part.version, part.licence] = part
        if own is None:
            for below in node.inputs.values():
                visit(below)

    visit(top)
    return [found[key] for key in sorted(found, key=lambda key: tuple(map(str, key)))]


def _part(node: Node) -> LicencedPart | None:
    facts = node.facts
    if "licence" in facts:
        return LicencedPart(facts.get("pin", node.name), facts.get("version"), node.kind, facts["licence"])
    if facts.get("origin") == "generated":
        return LicencedPart(OWN, None, f"generated {node.kind}", OWN_LICENCE)
    hub = node.artifact.identity.settings.get("hub") if node.artifact else None
    if isinstance(hub, str):
        name, _, revision = hub.partition("@")
        return LicencedPart(name, revision or None, node.kind, UNKNOWN)
    if node.kind == "file":
        return LicencedPart(OWN, None, "file", OWN_LICENCE) if _ours(node) else _unknown(node)
    if node.artifact is None:
        return _unknown(node)
    if not node.inputs:
        made_here = node.artifact.identity.stage in _FROM_NOTHING
        return LicencedPart(OWN, None, node.kind, OWN_LICENCE) if made_here else _unknown(node)
    return None


def _unknown(node: Node) -> LicencedPart:
    return LicencedPart(node.name, None, node.kind, UNKNOWN)


def _ours(node: Node) -> bool:
    """Whether a file lies in this package, or is one of its own plans; what is pinned of it is known before."""
    if node.path is None:
        return False
    path, home = node.path.resolve(), rt_home()
    if path.is_relative_to(home):
        return path.is_relative_to(home / "plans")
    return any(path.is_relative_to(ROOT / name) for name in _PACKAGES)


def _weights(node: Node) -> list[LicencedPart]:
    """Base weights that the settings name and no input holds: those of a pin, or of a hub repository."""
    base = node.artifact.identity.settings.get("base") if node.artifact else None
    if not isinstance(base, dict) or base.get("weights") not in ("pypi", "hub"):
        return []
    name = str(base.get("name"))
    if name in pin_names():
        pin = load_pin(name)
        return [LicencedPart(pin.name, pin.version, pin.kind, pin.licence)]
    return [LicencedPart(name, base.get("revision"), "model", UNKNOWN)]
