"""The filter `length`: responses under or over a number of tokens, or of words where no tokenizer is given."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import NonNegativeInt, PositiveInt, model_validator

from artifacts.digests import digest_file
from artifacts.settings import Settings
from data_curation.filters.outcome import Fault, Outcome
from data_curation.optional import require


class LengthSettings(Settings):
    """Drop responses by length.

    No tokenizer comes with this package, and none is fetched: give the one of the model to be tuned, or lengths are
    counted in words (runs of other than white space; English has about three words to four tokens).

    Attributes:
        minimum: Fewest tokens (words).
        maximum: Most tokens (words).
        tokenizer: A `tokenizer.json`, or a folder that holds one; None = count words.
        tokenizer_digest: Digest of that file, so that results name the tokenizer and not only its place; filled in,
            and refused if it is given and differs.
    """

    step: Literal["length"] = "length"
    minimum: NonNegativeInt = 1
    maximum: PositiveInt = 2_048
    tokenizer: Path | None = None
    tokenizer_digest: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_the_tokenizer(cls, data):
        given = data.get("tokenizer") if isinstance(data, dict) else None
        if not isinstance(given, str | Path):
            return data
        path = _tokenizer_file(Path(given))
        if not path.is_file():
            raise ValueError(f"{path}: no such file; give a tokenizer.json or a folder that holds one")
        digest = digest_file(path)
        if data.get("tokenizer_digest") not in (None, digest):
            raise ValueError(f"{path}: its digest is {digest}, not {data['tokenizer_digest']}")
        return data | {"tokenizer_digest": digest}

    @model_validator(mode="after")
    def _some_length_is_left(self):
        if self.minimum > self.maximum:
            raise ValueError(f"minimum ({self.minimum}) is over maximum ({self.maximum}), so nothing would stay")
        if self.tokenizer is None and self.tokenizer_digest is not None:
            raise ValueError("tokenizer_digest is given without a tokenizer")
        return self


def judge(text: str, settings: LengthSettings) -> Outcome:
    """`few_tokens`, `many_tokens`, `few_words` or `many_words`, with their number (special tokens not counted)."""
    if settings.tokenizer is None:
        unit, length = "words", len(text.split())
    else:
        tokenizer = _tokenizer(str(_tokenizer_file(settings.tokenizer)), settings.tokenizer_digest)
        # a lone surrogate cannot be encoded; it counts as what stands for it
        clean = text.encode("utf-8", "replace").decode("utf-8")
        unit, length = "tokens", len(tokenizer.encode(clean, add_special_tokens=False))
    if length < settings.minimum:
        return Fault(f"few_{unit}", length)
    return Fault(f"many_{unit}", length) if length > settings.maximum else None


def _tokenizer_file(path: Path) -> Path:
    return path / "tokenizer.json" if path.is_dir() else path


@cache
def _tokenizer(path: str, digest: str | None):
    """The tokenizer, with whatever truncation and padding its file asks for switched off.

    `digest` is part of the cache's key alone: another file, another tokenizer.
    """
    tokenizer = require("tokenizers").Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
