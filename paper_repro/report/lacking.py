"""Why a run's scores have no length-controlled win rates, in words, and how to get what they lacked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from artifacts.manifest import is_artifact, read_manifest
from artifacts.pin_types import Origin
from artifacts.pins import load_pin
from paper_repro.report.run_forms import CONTROLLED, Measure
from paper_repro.score.length_controlled import GAMED_PIN, INSTRUCTIONS, NO_GAMED

Lacking = Mapping[str, str]  # metric to the reason


def read_lacking(scores: Iterable[Path]) -> Lacking:
    """Metrics that scores say they could not make, each with all their reasons; those without any are absent.

    Args:
        scores: `scores` artifacts; folders that no stage made say nothing.
    """
    found: dict[str, set[str]] = {}
    for folder in scores:
        if is_artifact(folder):
            for metric, reasons in read_manifest(folder).summary.get("missing", {}).items():
                found.setdefault(metric, set()).update(reasons.values())
    return {metric: "; ".join(_with_remedy(reason) for reason in sorted(why)) for metric, why in found.items()}


def _with_remedy(reason: str) -> str:
    return f"{reason}: {get_gamed()}" if reason == NO_GAMED else reason


def why_lacking(measures: Iterable[Measure], lacking: Lacking) -> str:
    """What is said of columns that a run has no value of: what its scores say, or else what it would take."""
    metrics = {metric for one in measures for _, metric, _ in one.parts}
    found = ["ratings of people are collected with rt annotate"] if any(map(_is_of_people, metrics)) else []
    if CONTROLLED in lacking:
        found += [f"{CONTROLLED}: {lacking[CONTROLLED]}"] if CONTROLLED in metrics else []
    elif CONTROLLED in metrics:
        found.append(
            f"{CONTROLLED} takes a judge of preference (preference-llm) on the pairs of all {INSTRUCTIONS} "
            f"instructions, and the file of the pin {GAMED_PIN}: {get_gamed()}"
        )
    return "; ".join(found)


def _is_of_people(metric: str) -> bool:
    return metric.startswith("human_")


def get_gamed() -> str:
    """How to get the pinned file of gamed answers that the rate is made with, by its origins."""
    ways = [_way(origin) for origin in load_pin(GAMED_PIN).origins]
    return f"{' or '.join(ways)}; then score again"


def _way(origin: Origin) -> str:
    (file,) = origin.files
    if origin.kind == "mirror":
        return f"put it at RT_MIRROR/{file.path}"
    return f"with a network it is fetched from the hub ({origin.repo}, {file.path}, revision {origin.revision[:7]})"
