"""Settings of a campaign: who rates how much of what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from artifacts.settings import Settings


class AnnotateSettings(Settings):
    """A campaign.

    Attributes:
        raters: Raters, called `rater-1`, `rater-2`, ...: pseudonyms; who is who is known to those who hand out links.
        overlap: Raters of an item; None is all of them (the paper had three).
        overlap_share: Share of the items that get so many; every other item gets one rater. 1 is the paper's way.
        limit: Prompts of each benchmark and subset; None takes all, as the paper did.
        common_only: Leave out prompts that only one of the two sets of generations answers, instead of refusing them.
        seed: Of the slice, of who rates what, of every rater's order of items and of the order of the two responses.
    """

    raters: Annotated[int, Field(ge=1, le=200)] = 3
    overlap: Annotated[int, Field(ge=1)] | None = None
    overlap_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    limit: Annotated[int, Field(ge=1)] | None = None
    common_only: bool = False
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _overlap_fits(self) -> AnnotateSettings:
        if self.overlap is not None and self.overlap > self.raters:
            raise ValueError(f"overlap: {self.overlap} raters an item, but there are {self.raters}")
        return self

    @property
    def together(self) -> int:
        """Raters of an item that is rated by several."""
        return self.raters if self.overlap is None else self.overlap
