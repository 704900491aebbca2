"""The card of a shipped base: what it is, how it was made, what it knows, and the digests of its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.files import read_json
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.shipped import CARD, digests
from paper_repro.testbed.corpus import CorpusSettings
from paper_repro.testbed.version import WORLD_VERSION

CURVE_POINTS = 60


def make_card(name: str, base: Artifact, files: Path, probes: dict[str, Any]) -> dict[str, Any]:
    """The card of the base model `base`, as `name`, with the files of the folder `files`."""
    identity, provenance = base.identity, base.provenance
    summary = identity.summary
    return {
        "schema": 1,
        "name": name,
        "parameters": summary["parameters"],
        "tokens": summary["tokens"],
        "optimiser_steps": summary["optimiser_steps"],
        "held_out_loss": summary["held_out_loss"],
        "world_version": WORLD_VERSION,
        "corpus": {"artifact": identity.inputs["corpus"], **summary["corpus"]},
        "settings": identity.settings,
        "probes": probes,
        "curve": thinned(read_json(base.file("curve.json"))),
        "made": {
            "device": summary["device"],
            "hardware": provenance["hardware"],
            "machine": provenance["machine"],
            "threads": identity.threads,
            "seconds": provenance["pretraining_s"],
            "tokens_per_s": provenance["tokens_per_s"],
            "packages": identity.packages,
            "commit": provenance["commit"],
            "day": provenance["started"][:10],
        },
        "artifact": base.digest,
        "files": digests(files),
    }


def thinned(curve: list[dict[str, float]], points: int = CURVE_POINTS) -> list[dict[str, float]]:
    """At most so many points of a loss curve, evenly spread, the first and the last among them."""
    if len(curve) <= points:
        return curve
    last = len(curve) - 1
    return [curve[round(place * last / (points - 1))] for place in range(points)]


def corpus_of(folder: Path) -> CorpusSettings:
    """Settings of the corpus that the base in a folder was trained on, by its card or its manifest.

    Raises:
        InputError: the folder has neither, or its corpus was not made by the testbed.
    """
    if (folder / CARD).is_file():
        settings = read_json(folder / CARD)["corpus"]["settings"]
    elif is_artifact(folder):
        settings = read_manifest(folder, kind="base-model").summary["corpus"]["settings"]
    else:
        raise InputError("no base model of the testbed", where=str(folder), fix="give what rt testbed pretrain made")
    if settings is None:
        raise InputError("this base was trained on a corpus that the testbed did not make", where=str(folder))
    return CorpusSettings.model_validate(settings)
