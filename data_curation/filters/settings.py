"""Settings of the filters (apart from the blocks, so that reading settings does not import datatrove)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from artifacts.settings import Settings

Share = Annotated[float, Field(gt=0, le=1)]


class NearEmptySettings(Settings):
    """Drop responses with next to nothing in them. The defaults drop blank ones only: one-word answers are answers.

    Attributes:
        min_words: Fewest words (runs of other than white space).
        min_characters: Fewest characters, white space not counted.
    """

    step: Literal["near_empty"] = "near_empty"
    min_words: NonNegativeInt = 1
    min_characters: NonNegativeInt = 1


class TooLongSettings(Settings):
    """Drop responses far beyond what training reads (2,048 tokens in the paper, about 8,000 characters of English).

    Attributes:
        max_words: Most words (runs of other than white space).
        max_characters: Most characters, white space included: the measure that holds for text without spaces.
    """

    step: Literal["too_long"] = "too_long"
    max_words: PositiveInt = 4_000
    max_characters: PositiveInt = 20_000


class RepetitionSettings(Settings):
    """Drop responses that got stuck in a loop.

    Short texts repeat themselves for good reasons (tables, verses, lists of labels), so nothing is measured below a
    minimum length, and a run of one symbol (a table's border) counts as one token.

    Attributes:
        ngram: Length, in tokens, of a stretch that counts as repeated when it has stood there before.
        max_share: Largest share of tokens inside repeated stretches.
        min_tokens: Shorter responses are not measured.
        max_run: Longest run of one character ...
        max_run_share: ... that may also make up this share of the text.
    """

    step: Literal["repetition"] = "repetition"
    ngram: PositiveInt = 16
    max_share: Share = 0.7
    min_tokens: PositiveInt = 200
    max_run: PositiveInt = 100
    max_run_share: Share = 0.5


class TemplateLeakSettings(Settings):
    """Drop responses with marks of a chat template inside: what follows them is another turn, or noise.

    Attributes:
        headings: Also drop on the heading lines of Alpaca-like templates (`### Response:` and its kin).
    """

    step: Literal["template_leak"] = "template_leak"
    headings: bool = True
