"""What a profile asks for and this checkout lacks: left out of the plan, and told in the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from artifacts.shipped import shipped_names
from experiments.profiles import Profile
from experiments.study import Study
from paper_repro.models import ModelSource

EVERY_BASE = "every base"  # of a study that was left out as a whole


@dataclass(frozen=True)
class Missing:
    """Conditions of one study that cannot be run.

    Attributes:
        study: The study.
        base_model: Base weights that are missing, or `EVERY_BASE`.
        reason: Why, in words.
    """

    study: str
    base_model: str
    reason: str


def bases_of(profile: Profile, study: Study) -> tuple[ModelSource, ...]:
    """Base weights that a study asks for."""
    return study.bases or (profile.train.base,)


def available_bases(profile: Profile, study: Study) -> list[ModelSource]:
    """Those that can be had. Weights from elsewhere than this checkout count as such: fetching them tells."""
    return [base for base in bases_of(profile, study) if _reason(base) is None]


def missing_conditions(profile: Profile) -> list[dict[str, Any]]:
    """A row a study and missing base, ready for JSON, in the profile's order; then what is left to other profiles."""
    lacking = [
        asdict(Missing(study.name, base.name, reason))
        for study in profile.studies.values()
        for base in bases_of(profile, study)
        if (reason := _reason(base)) is not None
    ]
    left = [
        asdict(Missing(one.study, base, one.reason))
        for one in profile.left_out
        if one.bases or one.study not in profile.studies
        for base in one.bases or (EVERY_BASE,)
    ]
    return lacking + left


def _reason(base: ModelSource) -> str | None:
    if base.weights != "shipped" or base.name in shipped_names():
        return None
    return "this checkout does not hold these weights: they have not been pre-trained and committed yet"
