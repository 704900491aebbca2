"""Random numbers and shares that depend on names, not on the order in which things are made."""

from __future__ import annotations

import random

from artifacts.digests import digest_json


def rng(*parts: str | int) -> random.Random:
    """A generator for one purpose, e.g. `rng(seed, "facts")`: adding another purpose changes none of the others."""
    return random.Random(int(digest_json(list(parts))[:16], 16))  # noqa: S311 (not cryptography)


def share(*parts: str | int) -> float:
    """A fixed number in [0, 1) for a name: decides which split a key belongs to."""
    return int(digest_json(list(parts))[:12], 16) / 16**12
