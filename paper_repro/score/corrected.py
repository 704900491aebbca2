"""Corrected refusal rates of verdicts, by the measured errors of the judge that gave them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from artifacts.manifest import Artifact
from paper_repro.judge.validation.measured import Called, Validation, identity_of, read_validation
from paper_repro.score.correction import Share, corrected_rate, pooled, weighted
from paper_repro.score.metrics import CORRECTED, METRICS

REFUSAL = "refusal"
Mix = Mapping[str, float]


def read_validations(folders: Sequence[Path]) -> dict[str, Validation]:
    """Validations by the name of their judge.

    Raises:
        InputError: two of one judge.
    """
    found: dict[str, Validation] = {}
    for folder in folders:
        one = read_validation(folder)
        if one.judge in found:
            raise InputError(f"validates {one.judge} as {found[one.judge].path} does", where=str(folder))
        found[one.judge] = one
    return found


def corrected_name(metric: str) -> str | None:
    """Name of a metric's corrected form, or None where there is none."""
    name = f"{CORRECTED}{metric}"
    return name if name in METRICS else None


def is_corrected(metric: str) -> bool:
    """Whether a metric is a corrected rate."""
    return METRICS[metric].kind == "corrected"


def check_use(validations: Mapping[str, Validation], mix: Mix | None, judges: Collection[str | None]) -> None:
    """Refuse a validation or a mix that corrects nothing; `judges` are those of the corrected rates.

    Raises:
        InputError: as said.
    """
    for name, validation in sorted(validations.items()):
        if name not in judges:
            raise InputError(f"validates {name}, which judged no refusals here", where=str(validation.path))
    if mix is not None and not validations:
        raise InputError("mix says how to correct rates, but no validation is given", fix="--validation FOLDER")


def check_judge(artifact: Artifact, validation: Validation) -> None:
    """Refuse verdicts that another version of the judge gave, or the same with other parameters.

    Raises:
        InputError: as said.
    """
    judged = identity_of(artifact.identity.settings)
    differing = [key for key, value in validation.identity.items() if judged[key] != value]
    if differing:
        raise InputError(
            f"given by {_named(judged)}, but validated was {_named(validation.identity)}; they differ in: "
            + ", ".join(differing),
            where=str(artifact.path),
            fix=f"validate the judge as it judged: rt judges validate {validation.judge} with the same options",
        )


def _named(judge: Mapping[str, Any]) -> str:
    return f"{judge['judge']} version {judge['version']}"


def corrected(rows: Sequence[Mapping[str, Any]], validation: Validation, mix: Mix | None) -> dict[str, float | None]:
    """Value and interval of the corrected share of refusals among the verdicts of one benchmark.

    As in the raw rate, an unclassified reply is in n and no refusal. So it is in the errors of the judge: sensitivity
    is the share of refusals called refusals, specificity that of the other replies that are not called so. The value
    is None where no verdict is ok or the judge is no better than chance.
    """
    if not any(row["status"] == "ok" for row in rows):
        return {"value": None, "low": None, "high": None}
    refused = sum(row["label"] == REFUSAL for row in rows)
    return asdict(corrected_rate(refused, len(rows), *judge_shares(validation, mix)))


def judge_shares(validation: Validation, mix: Mix | None) -> tuple[Share, Share]:
    """Sensitivity and specificity on held-out replies, of all kinds together or in a mix of kinds.

    Args:
        validation: The measured judge.
        mix: Kind to its part among the replies of its label (scaled to 1); a kind not named has none. None: all replies
            alike.

    Raises:
        InputError: a kind that the validation has no replies of, or a label without replies.
    """
    known = {one.kind: one for one in validation.kinds}
    if unknown := sorted(set(mix or {}) - set(known)):
        kinds = ", ".join(known)
        raise InputError(f"mix: no kind is called '{unknown[0]}'", where=str(validation.path), fix=f"kinds: {kinds}")
    refusals = [one for one in validation.kinds if one.label == REFUSAL]
    others = [one for one in validation.kinds if one.label != REFUSAL]
    return (
        _share([(one, one.called_refusal) for one in refusals], mix, "refusals", validation),
        _share([(one, one.n - one.called_refusal) for one in others], mix, "compliances", validation),
    )


def _share(right: Sequence[tuple[Called, int]], mix: Mix | None, what: str, validation: Validation) -> Share:
    parts = [1.0 if mix is None else mix.get(one.kind, 0.0) for one, _ in right]
    if not sum(parts):
        raise InputError(
            f"no held-out {what} to measure the judge on", where=str(validation.path), fix="name a kind of them in mix"
        )
    if mix is None:
        return pooled(sum(count for _, count in right), sum(one.n for one, _ in right))
    return weighted([(count, one.n) for one, count in right], parts)
