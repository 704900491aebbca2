"""The `rt` command. Heavy imports happen inside the command that needs them."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback

import typer

from artifacts.errors import ResponseTuningError

app = typer.Typer(
    name="rt",
    help="Response Tuning, reproducible: collect -> curate -> mix -> train -> generate -> judge -> score -> report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


# one module a command, in the order of the flow
COMMANDS = (
    "collect",
    "curate",
    "rewrite",
    "inspect",
    "compare",
    "mix",
    "refusals",
    "sequences",
    "train",
    "chat",
    "rank",
    "generate",
    "judge",
    "judges",
    "annotate",
    "score",
    "capabilities",
    "report",
    "reproduce",
    "testbed",
    "artifacts",
)


def main() -> None:
    """Entry point of `rt`."""
    load_commands()
    run_app(app)


def load_commands() -> None:
    """Add every command to the application."""
    for name in COMMANDS:
        importlib.import_module(f"paper_repro.cli.{name}").register(app)


def run_app(application: typer.Typer, name: str | None = None) -> None:
    """Run a command line; print our errors plainly; exit 2 for a user's mistake, 1 for a failure, 130 interrupted."""
    # read when torch is loaded; training beside a busy process made 5 tokens/s with spinning threads, about 40 without
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    logging.getLogger("rt").setLevel(logging.DEBUG if debug else logging.INFO)
    try:
        application(prog_name=name)
    except ResponseTuningError as error:
        _fail(f"rt: {error}", debug, error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        _fail(f"rt: unexpected {type(error).__name__}: {error}\n  run again with --debug to see where", debug, 1)


def _fail(message: str, debug: bool, status: int) -> None:
    if debug:
        traceback.print_exc()
    sys.stderr.write(message + "\n")
    sys.exit(status)
