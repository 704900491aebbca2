"""Two artifacts, or two runs: where their settings, data, code and numbers part, and what follows from what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from artifacts.catalogue import resolve
from artifacts.chain import Node, artifacts_below, chain_of
from artifacts.differences import Difference, differences
from artifacts.errors import InputError, UserError
from artifacts.manifest import Artifact, is_artifact, read_manifest, verify_outputs
from paper_repro.file_differences import FileDifference, compare_files

Cause = Literal["own", "follows", "unexplained"]
_DIGEST = re.compile(r"-[0-9a-f]{10}$")  # what a profile's folders end in
PROVENANCE = ("commit", "machine", "processor", "python")
RUN = "report"  # the kind that a run ends in


@dataclass(frozen=True)
class Pair:
    """Two artifacts that stand at the same place of two chains, and are not equal.

    Attributes:
        stage: Command word of both.
        name: Folder of the first without its digest.
        a: The first.
        b: The second.
        cause: `own`: recipe, code or a plain input differ here; `follows`: only what they were made from does;
            `unexplained`: neither, and yet the results do.
        differences: Settings, code and inputs that are no artifacts; of an unexplained pair its numbers and files.
    """

    stage: str
    name: str
    a: Artifact
    b: Artifact
    cause: Cause
    differences: list[Difference]


@dataclass(frozen=True)
class RunComparison:
    """Two artifacts with all they were made from.

    Attributes:
        a: The first.
        b: The second.
        differences: Between the two themselves.
        provenance: Commit, machine and Python where they differ; no part of any digest.
        files: Each file of the two that differs.
        pairs: Artifacts above the two that differ, upstream first.
        equal: How many artifacts above them are the same in both.
        only_a: `stage name` of artifacts that only the first was made from.
        only_b: Those of the second.
        lost: Inputs that differ and are not at hand, in one of the two at least: what is above them is not known.
        scores: `study` to the difference of its table of results, of scores at the same place in both.
    """

    a: Artifact
    b: Artifact
    differences: list[Difference]
    provenance: list[Difference]
    files: list[FileDifference]
    pairs: list[Pair] = field(default_factory=list)
    equal: int = 0
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    scores: dict[str, FileDifference] = field(default_factory=dict)


def find_artifact(given: str) -> Artifact:
    """An artifact by its folder, by NAME@VERSION, or by a run's folder: the one report below it.

    Raises:
        UserError: nothing there, or several reports.
    """
    path = Path(given)
    if is_artifact(path):
        return read_manifest(path)
    if path.is_dir():
        found = [folder for folder in artifacts_below(path) if read_manifest(folder).identity.kind == RUN]
        if len(found) == 1:
            return read_manifest(found[0])
        reports = "\n  ".join(str(folder) for folder in found)
        raise UserError(
            f"{len(found) or 'no'} reports below it: not one run",
            where=given,
            fix=f"give an artifact's folder{', one of these' if found else ''}\n  {reports}".rstrip(),
        )
    if path.exists() or "/" in given:
        raise InputError("no artifact, and no folder of a run", where=given)
    named = resolve(given)
    if not isinstance(named, tuple):
        raise UserError("a pin: its files are not made here", where=given, fix="give an artifact's folder, or its name")
    return named[1]


def compare_runs(a: Artifact, b: Artifact) -> RunComparison:
    """Compare two artifacts of one kind and everything that they were made from, as far as it is at hand.

    Raises:
        UserError: two kinds.
        DigestError: a file of one of the two was changed.
    """
    kinds = a.identity.kind, b.identity.kind
    if kinds[0] != kinds[1]:
        fix = "compare two artifacts of one kind, two response sets, or two runs"
        raise UserError(f"'{kinds[0]}' and '{kinds[1]}' have nothing to compare", where=str(b.path), fix=fix)
    for artifact in (a, b):
        verify_outputs(artifact)
    walk = _Walk()
    walk.pair(chain_of(a), chain_of(b))
    walk.pairs = [pair for pair in walk.pairs if pair.a.digest != a.digest]  # the two have their own place
    found = differences(a.identity, b.identity)
    return RunComparison(
        a,
        b,
        found,
        list(_provenance(a, b)),
        _files(a, b, found),
        walk.pairs,
        len(walk.equal),
        sorted(walk.only[0]),
        sorted(walk.only[1]),
        sorted(walk.lost),
        dict(_scores(walk.pairs, a, b)),
    )


def _provenance(a: Artifact, b: Artifact) -> Iterator[Difference]:
    for name in PROVENANCE:
        one, other = (artifact.provenance.get(name) for artifact in (a, b))
        if one != other:
            yield Difference("code", name, one, other)


def _files(a: Artifact, b: Artifact, found: list[Difference]) -> list[FileDifference]:
    names = [one.key for one in found if one.part == "files"]
    compared = (compare_files(name, a.path / name, b.path / name) for name in names)
    return [one for one in compared if one is not None]


def _scores(pairs: list[Pair], a: Artifact, b: Artifact) -> Iterator[tuple[str, FileDifference]]:
    """Tables of results of scores at the same place, of the two themselves if they are scores."""
    both = [(pair.a, pair.b) for pair in pairs]
    for one, other in [*both, *([] if (a, b) in both else [(a, b)])]:
        if one.identity.kind == "scores" and "results.csv" in one.identity.outputs:
            found = compare_files("results.csv", one.path / "results.csv", other.path / "results.csv", examples=None)
            if found is not None:
                yield one.summary.get("study", one.path.name), found


class _Walk:
    """Goes up two chains side by side; inputs are paired by their role, else by what their folders are called."""

    def __init__(self):
        self.pairs: list[Pair] = []
        self.equal: set[str] = set()
        self.only: tuple[set[str], set[str]] = (set(), set())
        self.seen: set[tuple[str, str]] = set()
        self.lost: set[str] = set()

    def pair(self, a: Node, b: Node) -> None:
        if (a.digest, b.digest) in self.seen:
            return
        self.seen.add((a.digest, b.digest))
        if a.digest == b.digest:
            self._count(a)
            return
        if a.artifact is None or b.artifact is None:  # a file, or nothing is left: its user's input differs, and tells
            self.lost.update(node.name for node in (a, b) if node.kind == "unknown")
            return
        matched, lonely = _matched(a, b)
        for one, other in matched:
            self.pair(one, other)
        for place, nodes in enumerate(lonely):
            self.only[place].update(_title(node) for node in nodes)
        self.pairs.append(_pair(a.artifact, b.artifact, {role for role, _ in _plain(a, b)}))

    def _count(self, node: Node) -> None:
        """An equal artifact, and all that it was made from."""
        if node.artifact is not None and node.digest not in self.equal:
            self.equal.add(node.digest)
            for below in node.inputs.values():
                self._count(below)


def _matched(a: Node, b: Node) -> tuple[list[tuple[Node, Node]], tuple[list[Node], list[Node]]]:
    """Inputs of two nodes that stand for one another, and those that have no partner."""
    shared = [(a.inputs[role], b.inputs[role]) for role in sorted(a.inputs.keys() & b.inputs.keys())]
    rest = [[node.inputs[role] for role in sorted(node.inputs.keys() - other.inputs.keys())]
            for node, other in ((a, b), (b, a))]  # fmt: skip
    named = {_title(node): node for node in rest[1]}
    partners = [(node, named.pop(_title(node))) for node in rest[0] if _title(node) in named]
    taken = {node.digest for pair in partners for node in pair}
    return shared + partners, tuple([node for node in nodes if node.digest not in taken] for nodes in rest)


def _title(node: Node) -> str:
    """Stage and name without its digest."""
    stage = node.kind if node.artifact is None else node.artifact.identity.stage
    return f"{stage} {_DIGEST.sub('', node.name)}"


def _plain(a: Node, b: Node) -> Iterator[tuple[str, str]]:
    """Roles of inputs that are no artifacts in one of two nodes, with the word for it."""
    for node in (a, b):
        yield from ((role, below.kind) for role, below in node.inputs.items() if below.artifact is None)


def _pair(a: Artifact, b: Artifact, plain: set[str]) -> Pair:
    found = differences(a.identity, b.identity)
    own = [one for one in found if one.part in ("code", "settings") or (one.part == "data" and one.key in plain)]
    cause: Cause = "own" if own else "follows" if any(one.part == "data" for one in found) else "unexplained"
    shown = own or ([] if cause == "follows" else [one for one in found if one.part != "data"])
    return Pair(a.identity.stage, _DIGEST.sub("", a.path.name), a, b, cause, shown)


def causes(comparison: RunComparison) -> dict[tuple[str, str, str, str], list[str]]:
    """Part, key and both values of each difference that does not follow from another, to the artifacts that have it."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for pair in comparison.pairs:
        for one in pair.differences if pair.cause == "own" else ():
            found.setdefault((one.part, one.key, str(one.a), str(one.b)), []).append(f"{pair.stage} {pair.name}")
    return found


def as_json(comparison: RunComparison) -> dict[str, Any]:
    """The whole comparison, JSON-ready."""
    sides = {}
    for name, artifact in (("a", comparison.a), ("b", comparison.b)):
        identity = artifact.identity
        sides[name] = {"path": str(artifact.path), "kind": identity.kind, "stage": identity.stage}
        sides[name] |= {"digest": artifact.digest, "started": artifact.provenance.get("started")}
    rows = [
        {"stage": pair.stage, "name": pair.name, "cause": pair.cause, "a": pair.a.digest, "b": pair.b.digest}
        | {"differences": [asdict(one) for one in pair.differences]}
        for pair in comparison.pairs
    ]
    return sides | {
        "same": comparison.a.digest == comparison.b.digest,
        "differences": [asdict(one) for one in comparison.differences],
        "provenance": [asdict(one) for one in comparison.provenance],
        "files": [asdict(one) for one in comparison.files],
        "artifacts": {"equal": comparison.equal, "differing": len(rows)}
        | {"only_a": comparison.only_a, "only_b": comparison.only_b, "lost": comparison.lost},
        "pairs": rows,
        "scores": {study: asdict(found) for study, found in comparison.scores.items()},
    }
