"""The `rt` command. Heavy imports happen inside the command that needs them."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import typer

from artifacts.errors import ResponseTuningError, UserError

FLOW = "collect -> curate -> mix -> train -> generate -> judge -> score -> report"

# one module a command, in the order of the flow, with what the list of commands says of it
COMMANDS = {
    "collect": "Fetch a pinned source, verify it, give every row its ids.",
    "curate": "Repair, filter, deduplicate; a reason for every drop.",
    "rewrite": "Let a language model rewrite every response of a set.",
    "inspect": "Look at a response set: one HTML page.",
    "compare": "Compare two response sets, artifacts or runs.",
    "mix": "Put refusals after a base sample: an RT set and an IT set.",
    "refusals": "Classify the responses of a file as refusals or answers.",
    "sequences": "Show the token sequences that training would use.",
    "train": "Tune a base model on responses only, or on pairs.",
    "chat": "Talk to a model.",
    "rank": "Rank responses: does a model prefer the right one?",
    "generate": "Answer prompts, here or through a server.",
    "judge": "Judge every reply; one verdict each.",
    "judges": "List the judges; measure one on labelled replies.",
    "annotate": "Let people rate the replies of two systems.",
    "score": "Turn verdicts into one tidy results table.",
    "capabilities": "Measure core abilities with lm-eval.",
    "report": "Make tables, figures, claims and one page.",
    "reproduce": "Run a profile from its data to its report.",
    "testbed": "The testbed: a generated world and base models of our own.",
    "artifacts": "Pins and artifacts: fetch, verify, publish, cite, export.",
}


def main() -> None:
    """Entry point of `rt`. Only the command that is asked for is loaded; the list of commands needs none of them."""
    asked = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    run_app(application([asked]) if asked in COMMANDS else _list_of_commands())


def application(names: Iterable[str] = tuple(COMMANDS)) -> typer.Typer:
    """A new command line with some of the commands, or all of them."""
    made = _empty()
    for name in names:
        importlib.import_module(f"paper_repro.cli.{name}").register(made)
    return made


def _list_of_commands() -> typer.Typer:
    """Names and summaries in the place of commands: importing them all would take a second."""
    made = _empty()
    for name, summary in COMMANDS.items():
        made.command(name, help=summary)(_several)
    return made


def _empty() -> typer.Typer:
    made = typer.Typer(
        name="rt",
        help=f"Response Tuning, reproducible: {FLOW}.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.callback()(_several)
    return made


def _several() -> None:
    """Makes one command stay a command; without it typer would take its place for the application's."""


def run_app(command_line: Callable[..., Any], name: str | None = None) -> None:
    """Run a command line; print our errors plainly; exit 2 for a user's mistake, 1 for a failure, 130 interrupted."""
    # read when torch is loaded; training beside a busy process made 5 tokens/s with spinning threads, about 40 without
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    logging.getLogger("rt").setLevel(logging.DEBUG if debug else logging.INFO)
    try:
        _check_arguments()
        command_line(prog_name=name)
    except ResponseTuningError as error:
        _fail(f"rt: {error}", debug, error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        _fail(f"rt: unexpected {type(error).__name__}: {error}\n  run again with --debug to see where", debug, 1)


def _check_arguments() -> None:
    """Refuse what no manifest could write down: file names are bytes, ours are text."""
    for argument in sys.argv[1:]:
        try:
            argument.encode("utf-8")
        except UnicodeEncodeError:
            raise UserError("not valid UTF-8", where=ascii(argument), fix="rename the file or folder") from None


def _fail(message: str, debug: bool, status: int) -> None:
    if debug:
        traceback.print_exc()
    sys.stderr.write(message + "\n")
    sys.exit(status)
