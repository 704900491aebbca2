"""Shapes of base models: how many weights they have, and how many an adapter adds, before anything is downloaded."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from artifacts.files import read_yaml
from artifacts.settings import Settings, validate_settings

FILE = Path(__file__).parent / "settings" / "models.yaml"
Count = Annotated[int, Field(ge=1)]
NORMS = {"llama": 2, "mistral": 2, "gemma2": 4, "olmo": 0}  # weight vectors of norms a layer; olmo's have no weights


class Shape(Settings):
    """A decoder of the Llama family.

    Attributes:
        kind: Architecture, by transformers' name.
        vocabulary, width, inner, layers, heads, key_value_heads, head_size: Its sizes, as in config.json.
        stored_bits: Bits of a weight in the files that its makers publish.
    """

    kind: Literal["llama", "mistral", "gemma2", "olmo"]
    vocabulary: Count
    width: Count
    inner: Count
    layers: Count
    heads: Count
    key_value_heads: Count
    head_size: Count
    stored_bits: Literal[16, 32]

    @property
    def linear(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of the linear layers of one block: those that `all-linear` gives an adapter."""
        queries, others = self.heads * self.head_size, self.key_value_heads * self.head_size
        attention = ((self.width, queries), (self.width, others), (self.width, others), (queries, self.width))
        return (*attention, (self.width, self.inner), (self.width, self.inner), (self.inner, self.width))

    @property
    def linear_weights(self) -> int:
        """Weights of all those layers: what quantisation holds in few bits."""
        return self.layers * sum(a * b for a, b in self.linear)

    @property
    def head_weights(self) -> int:
        """Weights of the output head (Gemma's is the table of embeddings itself)."""
        return self.vocabulary * self.width

    @property
    def parameters(self) -> int:
        """All weights; a tied table counts once."""
        tables = self.head_weights * (1 if self.kind == "gemma2" else 2)
        norms = self.width * (self.layers * NORMS[self.kind] + (self.kind != "olmo"))
        return self.linear_weights + tables + norms

    def adapter_weights(self, rank: int) -> int:
        """Weights of a LoRA adapter of that rank on every linear layer but the head."""
        return self.layers * sum(rank * (a + b) for a, b in self.linear)


@lru_cache(1)
def shapes() -> dict[str, Shape]:
    """Shapes by the name of the base's pin."""
    found = read_yaml(FILE)
    return {name: validate_settings(Shape, given, where=f"{FILE}: {name}") for name, given in found.items()}
