"""Shipping a run of the testbed: its results go to `artifacts/results/testbed/`, with how they were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifacts.chain import Node, chain_of, nodes
from artifacts.errors import InputError, UserError
from artifacts.files import write_json
from artifacts.manifest import Artifact, read_manifest, verify_outputs
from artifacts.shipped_pins import write_pin
from paper_repro.report.stage import SCORES, SHIPPED_RESULTS
from paper_repro.report.testbed_cells import parse_base
from paper_repro.report.testbed_shipped import RUN, read_shipped
from paper_repro.score.schema import Result, read_results, write_parquet

PIN = "results-testbed"


def ship_results(report: Path, profile: str, *, alone: bool = False) -> Path:
    """Put the results of a finished run among what comes with the package, study by study; returns their folder.

    A study that is shipped already is replaced; the others stay. Every number is taken from the scores that the report
    was made from, and how they were made from the manifests of everything above these.

    Args:
        report: Folder of the run's report.
        profile: Name of the profile whose studies these are.
        alone: Drop the studies that this run does not have.

    Raises:
        InputError: the report has no testbed results, or something that they were made from is gone.
        UserError: made by code that is in no commit; or the studies that would stay were made by other versions.
        DigestError: the scores were changed.
    """
    top = chain_of(read_manifest(report, kind="report"))
    scores = {role.removeprefix(SCORES): node for role, node in top.inputs.items() if role.startswith(SCORES)}
    results = [result for node in scores.values() for result in _results(node, report)]
    if not results:
        raise InputError("a report without results of the testbed", where=str(report))
    run = _facts(scores, {result.study for result in results}, report)
    kept, runs = ([], []) if alone else _others(run)
    SHIPPED_RESULTS.mkdir(parents=True, exist_ok=True)
    write_parquet([*kept, *results], SHIPPED_RESULTS)
    runs = sorted([*runs, run], key=lambda one: (one["date"], one["studies"]))
    write_json(SHIPPED_RESULTS / RUN, {"profile": profile, "date": runs[-1]["date"], "runs": runs})
    write_pin(PIN)
    return SHIPPED_RESULTS


def _results(node: Node, report: Path) -> list[Result]:
    """A study's rows of the testbed's bases."""
    if node.artifact is None:
        raise InputError("the scores that this report was made from are gone", where=str(report))
    verify_outputs(node.artifact)
    return [result for result in read_results(node.artifact.path) if parse_base(result.base_model) is not None]


def _facts(scores: Mapping[str, Node], studies: set[str], report: Path) -> dict[str, Any]:
    """How the scores were made: one entry of `runs`."""
    chain = {node.digest: node for top in scores.values() for node in nodes(top)}
    gone = [node.name for node in chain.values() if node.kind == "unknown"]
    if gone:
        names = ", ".join(sorted(gone)[:3])
        raise InputError(f"{len(gone)} things that it was made from are gone ({names})", where=str(report))
    made = [node.artifact for node in chain.values() if node.artifact is not None]
    commits = sorted({str(one.provenance.get("commit")) for one in made})
    if any(one.endswith("-dirty") for one in commits):
        raise UserError("made by code that is in no commit", where=str(report), fix="commit, and run it again")
    return {
        "studies": sorted(studies),
        "date": max(one.provenance["started"] for one in made)[:10],
        "commit": ", ".join(commits),
        "machine": _machine(made),
        "python": _one({one.provenance["python"] for one in made}, "Pythons", report),
        "packages": _packages(made, report),
        "threads": _one({one.identity.threads for one in made} - {None}, "numbers of threads", report),
        "versions": _versions(made, report),
        "cells": _per_stage(made, lambda one: 1),
        "seconds": _per_stage(made, lambda one: one.provenance["duration_s"]),
        "scores": {study: node.digest for study, node in sorted(scores.items()) if study in studies},
    }


def _machine(made: Sequence[Artifact]) -> str:
    return "; ".join(sorted({f"{one.provenance['processor']}, {one.provenance['machine']}" for one in made}))


def _packages(made: Sequence[Artifact], report: Path) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for one in made:
        for name, version in one.identity.packages.items():
            found.setdefault(name, set()).add(version)
    return {name: _one(versions, f"versions of {name}", report) for name, versions in sorted(found.items())}


def _versions(made: Sequence[Artifact], report: Path) -> dict[str, int]:
    """Versions of stages, and of the judges that were asked."""
    found: dict[str, set[int]] = {}
    for one in made:
        identity = one.identity
        found.setdefault(identity.stage, set()).add(identity.stage_version)
        if identity.kind == "verdicts" and "judge" in identity.settings:
            found.setdefault(identity.settings["judge"], set()).add(identity.settings["version"])
    return {name: _one(versions, f"versions of {name}", report) for name, versions in sorted(found.items())}


def _one(found: set, what: str, report: Path) -> Any:
    """The only value; None where there is none."""
    if len(found) > 1:
        raise UserError(f"made with {len(found)} {what}: {', '.join(sorted(map(str, found)))}", where=str(report))
    return next(iter(found), None)


def _per_stage(made: Sequence[Artifact], amount: Callable[[Artifact], float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in made:
        found[one.identity.stage] = found.get(one.identity.stage, 0) + amount(one)
    return {stage: round(total, 1) for stage, total in sorted(found.items())}


def _others(run: Mapping[str, Any]) -> tuple[list[Result], list[dict[str, Any]]]:
    """What is shipped of studies that this run does not have: rows, and the entries of their runs."""
    if not (SHIPPED_RESULTS / RUN).is_file():
        return [], []
    there = read_shipped(SHIPPED_RESULTS)
    left = {study for entry in there.runs for study in entry["studies"]}.difference(run["studies"])
    entries = [
        {
            **entry,
            "studies": sorted(left.intersection(entry["studies"])),
            "scores": {study: digest for study, digest in entry["scores"].items() if study in left},
        }
        for entry in there.runs
        if left.intersection(entry["studies"])
    ]
    for entry in entries:
        if unlike := _unlike(run, entry):
            raise UserError(
                f"the shipped studies {', '.join(entry['studies'])} were made with other versions: {', '.join(unlike)}",
                where=str(SHIPPED_RESULTS),
                fix="run them again, or pass --alone to drop them",
            )
    return [result for result in there.results if result.study in left], entries


def _unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What two runs both have in different versions: packages, stages, and the number of threads."""
    ours, theirs = (run["packages"] | run["versions"] | {"threads": run["threads"]} for run in (one, other))
    return sorted(name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name])
