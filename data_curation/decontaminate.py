"""Decontamination: records that hold an evaluation prompt, by shared words or by meaning, leave or are reported.

Both sides of a record are looked at, its instruction and its response. By words: it shares an n-gram with a prompt, or
holds a prompt that is shorter than an n-gram as a whole. By meaning: the cosine of a prompt with one of the side's
windows reaches a threshold. Every match is shown: prompt set, prompt, what is shared, and how much.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from artifacts.errors import UserError
from artifacts.settings import Settings
from data_curation.embeddings import EncoderSettings, embed_texts, embed_windows
from data_curation.evaluation_prompts import Prompt, PromptSet, read_prompts, sets_here
from data_curation.overlap import PromptNgrams, best
from data_curation.records import Record
from data_curation.step import Drop, StepResult

BLOCK = 1_024  # windows compared together; bounds memory, decides nothing
Side = Literal["instruction", "response"]
log = logging.getLogger("rt")


class DecontaminateSettings(Settings):
    """Settings of `Decontaminate`.

    Attributes:
        prompts: Prompt sets: pinned sources, folders of `prompts` artifacts, files (or `{place, column, name}`). None:
            every pinned prompt set that is here (mirror or fetched before), resolved when settings are made.
        ngram: Words of an n-gram.
        least_words: A prompt of fewer words counts only where it is the whole instruction.
        least_share: Least share of a prompt's n-grams that a side must hold; 0: one n-gram is enough.
        similarity: Least cosine of a prompt with a window of a side; None: no embeddings. Of 2,000 Alpaca instructions
            1 reached 0.9, 4 reached 0.85, 7 reached 0.8 and 19 reached 0.75; read by hand, 1, 3, 4 and 8 of them ask
            what the prompt asks. None shares an n-gram with a prompt. Of 2,000 of Dolly 1, 1, 4 and 7, of which 1, 1, 2
            and 2 ask the same; of 400 of LIMA 1, a prompt itself (benchmarks/results/decontamination.json).
        sides: Which texts of a record are looked at.
        action: `drop`, or `report` only (all rows stay).
        encoder: The sentence encoder.
    """

    step: Literal["decontaminate"] = "decontaminate"
    prompts: tuple[PromptSet, ...] | None = None
    ngram: int = Field(default=13, ge=3, le=50)
    least_words: int = Field(default=6, ge=1, le=50)
    least_share: float = Field(default=0.0, ge=0, le=1)
    similarity: float | None = Field(default=0.9, gt=0, le=1)
    sides: tuple[Side, ...] = Field(default=("instruction", "response"), min_length=1)
    action: Literal["drop", "report"] = "drop"
    encoder: EncoderSettings = EncoderSettings()

    @field_validator("prompts", mode="before")
    @classmethod
    def _plain_places(cls, given: Any) -> Any:
        if given is None:
            return tuple(sets_here())
        if isinstance(given, str):
            given = [given]
        return tuple({"place": item} if isinstance(item, str) else item for item in given)

    @field_validator("prompts")
    @classmethod
    def _pinned(cls, given: tuple[PromptSet, ...]) -> tuple[PromptSet, ...]:
        pinned = tuple(one.pinned() for one in given)
        names = [one.name for one in pinned]
        if len(set(names)) != len(names):
            raise ValueError("two prompt sets bear one name; give one of them another with `name`")
        return pinned


@dataclass(frozen=True, slots=True)
class Match:
    """One record's match with one prompt, by one method on one side.

    Attributes:
        row_id: The record.
        side: Where it was found.
        method: `ngram` or `embedding`.
        prompt_set: Name of the prompt set.
        prompt_id: Id of the prompt within it.
        ngram: The shared words (`ngram`), else None.
        score: Share of the prompt's n-grams that the side holds, or the cosine.
    """

    row_id: str
    side: Side
    method: Literal["ngram", "embedding"]
    prompt_set: str
    prompt_id: str
    ngram: str | None
    score: float


class Decontaminate:
    """Finds the records that hold an evaluation prompt; per side and method the best match is kept."""

    name = "decontaminate"

    def __init__(self, settings: DecontaminateSettings):
        self.settings = settings

    def apply(self, records: Sequence[Record], scratch: Path) -> StepResult:
        """Drop (or only report) records with a match; an n-gram outweighs a cosine, then the score decides."""
        prompts = self._prompts()
        matches = self._by_words(records, prompts)
        if self.settings.similarity is not None:
            matches += self._by_meaning(records, prompts, scratch)
        place = {record.row_id: index for index, record in enumerate(records)}
        matches.sort(key=lambda match: (place[match.row_id], match.method == "embedding", -match.score, match.side))
        leading: dict[str, Match] = {}
        for match in matches:
            leading.setdefault(match.row_id, match)
        drops = [_drop(match) for match in leading.values()] if self.settings.action == "drop" else []
        rows = [{"step": self.name} | asdict(match) for match in matches]
        return StepResult(drops=drops, measures=self._measures(prompts, matches, leading), matches=rows)

    def _prompts(self) -> list[Prompt]:
        if not self.settings.prompts:
            raise UserError(
                "no evaluation prompts are here to look for",
                where="step decontaminate",
                fix="name prompt sets with `prompts`, or set RT_MIRROR to a folder that holds the pinned ones",
            )
        return [prompt for given in self.settings.prompts for prompt in read_prompts(given)]

    def _texts(self, records: Sequence[Record], side: Side) -> list[tuple[Record, str]]:
        return [(record, text) for record in records if (text := getattr(record, side)) and text.strip()]

    def _by_words(self, records: Sequence[Record], prompts: Sequence[Prompt]) -> list[Match]:
        index = PromptNgrams([prompt.text for prompt in prompts], self.settings.ngram, self.settings.least_words)
        matches = []
        for side in self.settings.sides:
            for record, text in self._texts(records, side):
                shared = index.shared(text, wholes=side == "instruction")
                found = best(one for one in shared if one.share >= self.settings.least_share)
                if found is not None:
                    of = prompts[found.prompt]
                    matches.append(Match(record.row_id, side, "ngram", of.set, of.id, found.ngram, found.share))
        return matches

    def _by_meaning(self, records: Sequence[Record], prompts: Sequence[Prompt], scratch: Path) -> list[Match]:
        # one thread: what leaves must not hang on how a sum was split over threads
        targets = embed_texts([prompt.text for prompt in prompts], self.settings.encoder, scratch, threads=1)
        matches = []
        for side in self.settings.sides:
            texts = self._texts(records, side)
            vectors = embed_windows([text for _, text in texts], self.settings.encoder, scratch, threads=1)
            owner = np.repeat(np.arange(len(texts)), np.diff(vectors.starts))
            for text, (prompt, score) in _nearest(vectors.windows, owner, targets).items():
                if score >= self.settings.similarity:
                    of = prompts[prompt]
                    matches.append(Match(texts[text][0].row_id, side, "embedding", of.set, of.id, None, score))
        return matches

    def _measures(
        self, prompts: Sequence[Prompt], matches: Sequence[Match], leading: dict[str, Match]
    ) -> dict[str, float]:
        """Prompts looked for, records with a match, and how many by set, side and method."""
        counted: dict[str, float] = {"prompts": len(prompts), "records_matched": len(leading)}
        for one in self.settings.prompts or ():
            counted[f"matched.set.{one.name}"] = len({m.row_id for m in matches if m.prompt_set == one.name})
        for side in self.settings.sides:
            for method in ("ngram", "embedding"):
                counted[f"matched.{side}.{method}"] = sum(m.side == side and m.method == method for m in matches)
        return counted


def _drop(match: Match) -> Drop:
    reason = "contaminated_words" if match.method == "ngram" else "contaminated_meaning"
    name = prompt_name(Prompt(match.prompt_set, match.prompt_id, ""))
    return Drop(match.row_id, reason, name, match.score, by_set="prompts")


def prompt_name(prompt: Prompt) -> str:
    """What decisions call a prompt: its set and its id within it."""
    return f"{prompt.set}: {prompt.id}"


def _nearest(windows: np.ndarray, owner: np.ndarray, targets: np.ndarray) -> dict[int, tuple[int, float]]:
    """Per text the prompt with the highest cosine to one of its windows, ties to the earlier prompt, and the cosine."""
    nearest: dict[int, tuple[int, float]] = {}
    for first in range(0, len(windows), BLOCK):
        block = windows[first : first + BLOCK]
        candidates = (block @ targets.T).argmax(axis=1)
        # measured again in double precision, one sum a pair
        scores = (block.astype(np.float64) * targets[candidates].astype(np.float64)).sum(axis=1).round(6)
        for text, prompt, score in zip(owner[first : first + BLOCK], candidates, scores, strict=True):
            if int(text) not in nearest or score > nearest[int(text)][1]:
                nearest[int(text)] = int(prompt), float(score)
    return nearest
