"""The length-controlled win rate among a run's results: AlpacaEval's pairs, their replies, and the gamed answers.

Source: Figures 4 and 9, Tables 5, 29 and 31 of the paper. The regression is `rt score alpaca-eval`'s
(`paper_repro.score.records`). Verdicts hold digests of the texts, so the replies that were judged are inputs of their
own; how hard an instruction is and the gamed answers are a pinned file, without which there is no rate, and the scores
say why: nothing stands in for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.errors import DigestError, InputError, MissingDataError
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.pins import fetch
from paper_repro.conditions import Condition
from paper_repro.judge.schema import read_verdicts

if TYPE_CHECKING:
    from paper_repro.score.stage import ScoreSettings

log = logging.getLogger("rt")
METRIC = "length_controlled_win_rate"
JUDGE, BENCHMARK = "preference-llm", "alpaca-eval"
GAMED_PIN = "alpaca-eval-length-control"
INSTRUCTIONS = 805  # of AlpacaEval: difficulty goes by place in the benchmark, and a slice has other places
GAMED, REPLIES = "gamed", "replies-"  # names of the stage's inputs, or their beginning
NO_GAMED = f"no df_gamed.csv (pin {GAMED_PIN}) when they were scored"
NO_REPLIES = "the replies that were judged were not where they were when they were scored"


@dataclass(frozen=True)
class Rate:
    """A rate with its interval (95 %), all shares, or why there is none.

    Attributes:
        numbers: `value`, `low` and `high`; None: no rate.
        why: Why there is none, in words.
    """

    numbers: dict[str, float | None] | None
    why: str = ""


def control_inputs(folders: Iterable[Path]) -> dict[str, Path]:
    """What the rates of verdicts need beside them, as far as it is at hand: the gamed answers and the replies judged.

    Args:
        folders: Verdicts artifacts; nothing is added, or fetched, for those that are no pairs of all of AlpacaEval.
    """
    pairs = [artifact for artifact in (read_manifest(folder) for folder in folders) if _is_paired(artifact)]
    if not pairs:
        return {}
    try:
        inputs = {GAMED: fetch(GAMED_PIN).paths[0]}
    except (MissingDataError, DigestError) as error:
        log.warning("no length-controlled win rates: %s", error)
        return {}
    for artifact in pairs:
        for name in ("generations", "against"):
            place, digest = artifact.places.get(name), artifact.identity.inputs[name]
            if place and is_artifact(Path(place)) and read_manifest(Path(place)).digest == digest:
                inputs[REPLIES + digest[:12]] = Path(place)
    return inputs


def _is_paired(artifact: Artifact) -> bool:
    if "against" not in artifact.summary or not {"generations", "against"} <= artifact.identity.inputs.keys():
        return False
    return len(paired(read_verdicts(artifact.path))) == INSTRUCTIONS


def paired(verdicts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those verdicts that a length-controlled win rate is made of."""
    return [row for row in verdicts if row["judge"] == JUDGE and row["benchmark"] == BENCHMARK]


def compared_with(artifact: Artifact) -> str | None:
    """What the counterpart of judged pairs is, by where its condition differs, e.g. `method=IT`; None: no pairs.

    What is null in the counterpart (an untuned model's response set) is not named.
    """
    if "against" not in artifact.summary:
        return None
    own, other = (
        Condition(**facts["condition"]).resolved() for facts in (artifact.summary, artifact.summary["against"])
    )
    differs = [f"{name}={value}" for name, value in other.items() if value is not None and value != own.get(name)]
    return ", ".join(differs) or None


def length_controlled_rate(
    artifact: Artifact, judged: int, inputs: Mapping[str, Path], settings: ScoreSettings
) -> Rate:
    """The rate of one verdicts artifact that has pairs of AlpacaEval.

    Args:
        artifact: The verdicts.
        judged: How many of them are on such pairs.
        inputs: The score stage's (`control_inputs`).
        settings: Seed and resamples of the interval (at most 300: each is a fit).

    Raises:
        InputError: the replies are not those that were judged.
    """
    # here, not above: these modules read the stage's settings
    from paper_repro.score.records.alpaca_eval import controlled, preference_of
    from paper_repro.score.records.length_control import read_gamed
    from paper_repro.score.records.own_pairs import own_annotations

    if judged != INSTRUCTIONS:
        return Rate(None, f"{judged} of the benchmark's {INSTRUCTIONS} instructions were judged")
    if GAMED not in inputs:
        return Rate(None, NO_GAMED)
    places = {digest: inputs.get(REPLIES + digest[:12]) for digest in artifact.identity.inputs.values()}
    if any(places[artifact.identity.inputs[name]] is None for name in ("generations", "against")):
        return Rate(None, NO_REPLIES)
    gamed = read_gamed(inputs[GAMED])
    rows = own_annotations(artifact.path, {digest: path for digest, path in places.items() if path})
    if len(rows) != len(gamed.difficulty):
        return Rate(None, f"{len(rows)} replies, {len(gamed.difficulty)} instructions in {inputs[GAMED].name}")
    given = [preference_of(row) for row in rows]
    if all(value is None for value in given):
        return Rate({"value": None, "low": None, "high": None})
    try:
        number = controlled(rows, given, gamed, settings, artifact.path)
    except InputError as error:
        return Rate(None, error.message)
    return Rate({name: getattr(number, name) / 100 for name in ("value", "low", "high")})
