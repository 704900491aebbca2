"""`rt curate`: normalise, filter and deduplicate, with a decision per row."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
