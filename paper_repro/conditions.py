"""A condition: what distinguishes one tuned (or untuned) model from another in the studies."""

from __future__ import annotations

from typing import Any, Literal, get_args

from artifacts.settings import Settings

Method = Literal["untuned", "0-shot", "URIAL", "URIAL-R", "RT", "IT"]
METHODS: tuple[Method, ...] = get_args(Method)  # in the order of the results table
UNTUNED: tuple[Method, ...] = METHODS[:4]  # the base's own weights: as it is, or asked in context


class Condition(Settings):
    """Carried unchanged from the training set to the results table (its columns bear the same names).

    Attributes:
        base_model: Name of the base weights, e.g. `SmolLM2-135M-Instruct`.
        model_size: Parameters of the base model.
        response_set: Name of the base response set, e.g. `dolly`; None where nothing was tuned.
        recipe: Curation recipe of the base set (`paper` = untouched); None where nothing was tuned.
        method: `RT`, `IT`; `untuned` (the base reads the chat template), or in context: `URIAL` (pairs shown),
            `URIAL-R` (responses shown), `0-shot` (nothing shown).
        num_refusals: Refusals mixed into training; None where nothing was tuned.
        strategy: How they were selected; None where nothing was tuned, or without refusals.
        seed: Training seed; None where nothing was tuned.
        learning_rate: Of tuning; None where nothing was tuned.
    """

    base_model: str
    model_size: int
    response_set: str | None = None
    recipe: str | None = None
    method: Method
    num_refusals: int | None = None
    strategy: str | None = None
    seed: int | None = None
    learning_rate: float | None = None

    def resolved(self) -> dict[str, Any]:
        """As ever, but the learning rate stands in it only where there is one: untuned replies keep their digests."""
        values = super().resolved()
        if self.learning_rate is None:
            del values["learning_rate"]
        return values
