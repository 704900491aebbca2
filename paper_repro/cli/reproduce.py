"""`rt reproduce`: run a whole profile. The work is in `experiments`, right of this package: a process of its own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application; all its options, `--help` too, are those of `experiments`."""
    forward = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command("reproduce", context_settings=forward, add_help_option=False)(reproduce)


def reproduce(context: typer.Context) -> None:
    """Run a profile from its data to its report; a second run does nothing (rt reproduce --help)."""
    # without the folder the user stands in on Python's path: it may hold an "experiments" or "artifacts" of its own
    environment = os.environ | {"PYTHONSAFEPATH": "1"}
    # taken from the arguments before they came here, which left its trace in the level of the log
    debug = ["--debug"] if logging.getLogger("rt").level == logging.DEBUG else []
    command = [sys.executable, "-m", "experiments", *context.args, *debug]
    raise typer.Exit(subprocess.call(command, env=environment))
