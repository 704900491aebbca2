"""`rt score`: turn verdicts into one tidy results table."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
