"""People judge on the pages of `rt annotate`; this module only says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifacts.errors import UserError
from artifacts.settings import Settings
from paper_repro.judge.schema import Opinion


class Parameters(Settings):
    """Settings of a campaign are those of `rt annotate`."""


def judge(rows: Sequence[dict[str, Any]], parameters: Parameters, scratch: Path) -> list[Opinion]:
    """Always raises UserError: a program cannot stand in for people under their name."""
    raise UserError(
        "'human-acceptability' stands for people", fix="let them rate: rt annotate A B, then rt annotate export"
    )
