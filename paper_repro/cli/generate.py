"""`rt generate`: answer prompt sets with a model."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
