"""Settings of a pre-training corpus, and the names of the corpora that the studies compare."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from artifacts.settings import Settings
from paper_repro.testbed.version import DEVELOPMENT_SEED

Answers = Literal["right", "shuffled", "none"]
DECLINE_RATE = 0.12
ACTS_SHARE = 0.3  # with a tenth or a sixth no base learned which how-to questions are declined (docs/LOG.md)


class CorpusSettings(Settings):
    """What a pre-training corpus holds.

    Attributes:
        world_seed: Of the world that the corpus talks about; the tokenizer depends on nothing else.
        formats: Number of question-and-answer formats; None: drawn without limit (`many`); `apart`: likewise, but none
            has a word or a sign of the marks of the chat template.
        answers: `right`; `shuffled`: replies answer other questions; `none`: no questions, their answers as statements.
        decline_rate: Share of how-to questions about unsafe acts whose reply declines.
        acts_share: Share of the documents that are on acts and their policies.
        tokens: Length of the corpus, special tokens included.
        simple_share: First share of the tokens, in whole documents, that is plain: short, on topic, rich in questions.
        seed: Of all draws; two corpora of one seed ask the same things in the same order.
    """

    world_seed: int = DEVELOPMENT_SEED
    formats: Annotated[int, Field(ge=1, le=256)] | Literal["apart"] | None = None
    answers: Answers = "right"
    decline_rate: Annotated[float, Field(ge=0, le=1)] = DECLINE_RATE
    acts_share: Annotated[float, Field(ge=0, le=1)] = ACTS_SHARE
    tokens: Annotated[int, Field(ge=1_000)] = 30_000_000
    simple_share: Annotated[float, Field(ge=0, le=1)] = 0.15
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


def corpus_name(settings: CorpusSettings) -> str:
    """Name in results: `many`, `many-apart`, `formats-4`, `shuffled`, `none`, `many-declines-5` (in per cent)."""
    base = {None: "many", "apart": "many-apart"}.get(settings.formats, f"formats-{settings.formats}")
    if settings.answers != "right":
        base = settings.answers if settings.formats is None else f"{base}-{settings.answers}"
    if settings.decline_rate != DECLINE_RATE:
        base += f"-declines-{100 * settings.decline_rate:g}"
    return base


def _presets() -> dict[str, CorpusSettings]:
    settings = [CorpusSettings(), *(CorpusSettings(formats=count) for count in (1, 2, 4, 8, 16))]
    settings += [CorpusSettings(formats="apart")]
    settings += [CorpusSettings(answers=answers) for answers in ("shuffled", "none")]
    settings += [CorpusSettings(decline_rate=rate) for rate in (0.0, 0.05)]
    return {corpus_name(each): each for each in settings}


PRESETS: dict[str, CorpusSettings] = _presets()
