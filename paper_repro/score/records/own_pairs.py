"""Verdicts of our own judge of pairs as AlpacaEval's records: so win rates are computed in one way, whoever judged.

A win is a preference of 2, a tie 1.5, a loss 1, no verdict null. Verdicts hold digests of the texts; the texts, whose
lengths the length-controlled rate needs, are read from the replies that were judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifacts.digests import digest_text
from artifacts.errors import InputError
from artifacts.manifest import Artifact, is_artifact, read_manifest
from paper_repro.conditions import Condition
from paper_repro.generate.schema import GENERATIONS, read_generations
from paper_repro.judge.schema import VERDICTS, read_verdicts
from paper_repro.score.records.base import Row

JUDGE = "preference-llm"
PREFERENCE = {"win": 2.0, "tie": 1.5, "loss": 1.0}


def own_annotations(folder: Path, places: Mapping[str, Path] | None = None) -> list[Row]:
    """A record for each reply to AlpacaEval that was compared, in the order of the replies (the benchmark's).

    Args:
        folder: The verdicts.
        places: Where the replies are, by digest; those not named are where they were when they were judged.

    Raises:
        InputError: the folder holds no such verdicts, or the replies are not where they were when they were judged.
    """
    artifact = read_manifest(folder, kind="verdicts")
    verdicts = {row["prompt_id"]: row for row in read_verdicts(folder) if row["judge"] == JUDGE}
    if not verdicts:
        raise InputError(f"holds no verdicts of {JUDGE}", where=str(folder), fix="rt judge A --judge preference-llm")
    own, other = (_replies(artifact, name, places or {}) for name in ("generations", "against"))
    common = {
        "generator_1": _named(artifact.summary["against"]["condition"]),
        "generator_2": _named(artifact.summary["condition"]),
        "annotator": f"{JUDGE} ({artifact.identity.settings['parameters']['model']['name']})",
    }
    rows = []
    for prompt, reply in own.items():
        where = f"{folder / VERDICTS}: prompt {prompt}"
        if reply["benchmark"] != "alpaca-eval" or prompt not in verdicts:
            continue
        verdict, against = verdicts[prompt], other[prompt]
        texts = (reply["response"], against["response"])
        if tuple(map(digest_text, texts)) != (verdict["response_digest"], verdict["against_digest"]):
            raise InputError("the replies are not those that were judged", where=where, fix="judge again")
        texts = {"instruction": reply["prompt"], "output_1": texts[1], "output_2": texts[0]}
        rows.append(Row({**common, **texts, "preference": PREFERENCE.get(verdict["label"])}, where))
    if not rows:
        raise InputError("none of these verdicts is on a reply to alpaca-eval", where=str(folder))
    return rows


def _replies(artifact: Artifact, name: str, places: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Rows of one of the two generations by prompt, in their order."""
    digest = artifact.identity.inputs[name]
    recorded = artifact.places.get(name)
    path = places.get(digest) or (Path(recorded) if recorded else None)
    if path is None or not is_artifact(path) or read_manifest(path).digest != digest:
        raise InputError(
            "the replies that were judged are not there any more, or are others",
            where=str(artifact.path if path is None else path / GENERATIONS),
            fix="put them back there, or judge again",
        )
    return {row["prompt_id"]: row for row in read_generations(path)}


def _named(condition: Mapping[str, Any]) -> str:
    of = Condition(**condition)
    parts = [of.base_model, of.method, of.response_set, None if of.seed is None else f"seed {of.seed}"]
    return " ".join(part for part in parts if part)
