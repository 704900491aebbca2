"""The corpus's tokens as rows, and the order in which they are trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from artifacts.errors import InputError
from artifacts.manifest import is_artifact, read_manifest
from paper_repro.testbed.pretrain.settings import PretrainSettings

if TYPE_CHECKING:
    import torch

TOKENS = "tokens.npy"


class Rows:
    """A stream of tokens cut into rows, which overlap by one token so that every token but the first is predicted.

    Args:
        tokens: The stream.
        settings: Of pre-training.
        easy_tokens: Length of the first part, which is trained on before all else.

    Attributes:
        order: Positions of the training rows in the order they are trained on, whole batches only.
        held_out: Positions of the rows that are not trained on.
        steps: Optimiser steps of one pass.
    """

    def __init__(self, tokens: np.ndarray, settings: PretrainSettings, easy_tokens: int = 0):
        self.tokens, self.context, self.batch = tokens, settings.context, settings.batch
        rows = (len(tokens) - 1) // settings.context
        held_out = max(1, round(rows * settings.held_out_share))
        self.steps = (rows - held_out) // settings.batch
        if self.steps < 1:
            raise InputError(
                f"{len(tokens)} tokens are too few for one batch of {settings.batch} rows of {settings.context} tokens "
                "and the held-out rows"
            )
        self.held_out = np.arange(rows - held_out, rows)
        easy = min(easy_tokens // settings.context, rows - held_out)
        self.order = _order(easy, rows - held_out, settings.seed)[: self.steps * settings.batch]

    def step(self, step: int) -> torch.Tensor:
        """Rows of one optimiser step (counted from 0): whole numbers, `batch` x (`context` + 1)."""
        return self.take(self.order[step * self.batch : (step + 1) * self.batch])

    def take(self, positions: np.ndarray) -> torch.Tensor:
        """Rows at `positions`: whole numbers, rows x (`context` + 1)."""
        import torch

        starts = positions * self.context
        found = np.stack([self.tokens[start : start + self.context + 1] for start in starts])
        return torch.from_numpy(found.astype(np.int64))


def load_rows(corpus: Path, settings: PretrainSettings) -> Rows:
    """Rows of the corpus in a folder; raises InputError if its `tokens.npy` is absent, or no list of whole numbers."""
    path = corpus / TOKENS
    if not path.is_file():
        raise InputError("no such file", where=str(path), fix="give the folder of a testbed corpus")
    tokens = np.load(path, mmap_mode="r", allow_pickle=False)
    if tokens.ndim != 1 or tokens.dtype.kind not in "ui":
        raise InputError(
            f"expected one row of whole numbers, found {tokens.dtype} of shape {tokens.shape}", where=str(path)
        )
    return Rows(tokens, settings, _easy_tokens(corpus, len(tokens)))


def _easy_tokens(corpus: Path, tokens: int) -> int:
    """Length of the corpus's plain first part, by its manifest; nothing is known of a corpus without one.

    Raises:
        InputError: the manifest names more tokens than there are.
    """
    found = read_manifest(corpus).summary.get("simple_tokens", 0) if is_artifact(corpus) else 0
    if not 0 <= found <= tokens:
        raise InputError(f"simple_tokens is {found}, but there are {tokens} tokens", where=str(corpus))
    return found


def _order(easy: int, rows: int, seed: int) -> np.ndarray:
    """The easy rows, shuffled, then all others, shuffled."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    first = torch.randperm(easy, generator=generator)
    rest = torch.randperm(rows - easy, generator=generator) + easy
    return torch.cat([first, rest]).numpy()
