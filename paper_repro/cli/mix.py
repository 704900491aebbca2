"""`rt mix`: a base sample with k refusals, as IT and RT sets."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
