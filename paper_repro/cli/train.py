"""`rt train`: tune a base model on responses (RT) or pairs (IT)."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
