"""Settings of the rank stage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from artifacts.settings import Settings
from paper_repro.models import ModelSource
from paper_repro.sequences import MAX_LENGTH

Positive = Annotated[int, Field(ge=1)]


class RankSettings(Settings):
    """What is compared, and how it is computed.

    Attributes:
        base: Untuned weights; None where a tuned model is an input.
        limit: Pairs to take (None: all), the same ones whatever their order in the file.
        mismatches: Wrong responses that each right one is compared with.
        max_length: Pairs whose instruction or response has more than half of so many tokens are left out, so that every
            pairing of the others fits.
        batch_tokens: Most tokens of a forward pass, padding included.
        seed: Of the choice of pairs and of their wrong responses.
        dtype: Precision of the weights.
    """

    base: ModelSource | None = None
    limit: Positive | None = 500
    mismatches: Positive = 1
    max_length: Annotated[int, Field(ge=4)] = MAX_LENGTH
    batch_tokens: Positive = 4096
    seed: Annotated[int, Field(ge=0)] = 0
    dtype: Literal["float32", "bfloat16"] = "float32"
