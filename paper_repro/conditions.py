"""A condition: what distinguishes one tuned (or untuned) model from another in the studies."""

from __future__ import annotations

from typing import Literal

from artifacts.settings import Settings


class Condition(Settings):
    """Carried unchanged from the training set to the results table (its columns bear the same names).

    Attributes:
        base_model: Name of the base weights, e.g. `SmolLM2-135M-Instruct`.
        model_size: Parameters of the base model.
        response_set: Name of the base response set, e.g. `dolly`; None for untuned.
        recipe: Curation recipe of the base set (`paper` = untouched); None for untuned.
        method: `RT`, `IT` or `untuned`.
        num_refusals: Refusals mixed into training; None for untuned.
        strategy: How they were selected; None for untuned or no refusals.
        seed: Training seed; None for untuned.
    """

    base_model: str
    model_size: int
    response_set: str | None = None
    recipe: str | None = None
    method: Literal["RT", "IT", "untuned"]
    num_refusals: int | None = None
    strategy: str | None = None
    seed: int | None = None
