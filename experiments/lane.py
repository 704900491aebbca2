"""One lane: reads `rt` commands from standard input, runs each in this process, answers with its exit status.

A line in: `{"command": ["train", ...], "log": "file"}`. A line out: `{"status": 0}`. What a command writes to either
output goes to its log.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import typer

from paper_repro.cli import application, run_app


def main() -> None:
    """Answer commands until standard input ends."""
    commands = typer.main.get_command(application())  # built once: doing so takes longer than a judge
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        for line in sys.stdin:
            request = json.loads(line)
            status = run_logged(commands, request["command"], Path(request["log"]))
            _clean_up()
            _answer(answers, status)


def run_logged(commands: Callable[..., Any], command: list[str], log: Path) -> int:
    """Run one command of `rt` with both outputs in `log`; its exit status."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.argv = ["rt", *command]
        try:
            run_app(commands, "rt")
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    return 0


def _clean_up() -> None:
    """Let go of what a stage leaves in the process: cycles of a trainer, and accelerate's state, which all share.

    What is left then are modules. Frozen, they are not walked through again: that took 0.3 s, several times a cell.
    """
    if "accelerate" in sys.modules:
        from accelerate.state import AcceleratorState

        AcceleratorState._reset_state(reset_partial_state=True)
    gc.collect()
    gc.freeze()


def _answer(answers: TextIO, status: int) -> None:
    answers.write(json.dumps({"status": status}) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
