"""Lanes: a few processes that each run one cell after another, for models so small that starting a process costs most.

The plan is a JSON file of cells, upstream first. A free lane takes the first cell whose upstream cells are done, and
runs its `rt` command in its own process (`experiments.lane`), with a log a cell. Finished cells are not in the plan and
a stage that was killed goes on where it was, so the same command resumes at any point.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from artifacts.errors import StageError
from artifacts.files import read_json
from paper_repro.cli import run_app

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
TAIL = 15  # lines of a failed cell's log to show


@dataclass(frozen=True)
class Task:
    """A cell as a lane sees it.

    Attributes:
        key: `<stage>/<cell name>`.
        label: Readable name.
        command: Its `rt` command.
        log: File for what it writes.
        after: Keys of cells that must be done before; those not in the plan are.
    """

    key: str
    label: str
    command: tuple[str, ...]
    log: Path
    after: tuple[str, ...] = ()


@dataclass
class Board:
    """Which tasks wait, run and are done; shared by the lanes, guarded by `changed`."""

    waiting: list[Task]
    total: int = 0
    running: set[str] = field(default_factory=set)
    failed: list[Task] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.total = len(self.waiting)

    def take(self) -> Task | None:
        """The next task that can run, waiting until there is one; None when none is left or one has failed."""
        with self.changed:
            while True:
                if self.failed or not self.waiting:
                    return None
                unfinished = self.running | {task.key for task in self.waiting}
                ready = next((task for task in self.waiting if not unfinished.intersection(task.after)), None)
                if ready is not None:
                    self.waiting.remove(ready)
                    self.running.add(ready.key)
                    return ready
                if not self.running:
                    raise StageError(f"no cell can run: {', '.join(task.key for task in self.waiting)}")
                self.changed.wait()

    def finish(self, task: Task, good: bool) -> int:
        """Take note of the end of a task; returns how many are done."""
        with self.changed:
            self.running.remove(task.key)
            if not good:
                self.failed.append(task)
            self.changed.notify_all()
            return self.total - len(self.waiting) - len(self.running) - len(self.failed)


def read_tasks(rows: list[dict[str, Any]]) -> list[Task]:
    """Tasks as a plan holds them."""
    return [
        Task(row["key"], row["label"], tuple(row["command"]), Path(row["log"]), tuple(row["after"])) for row in rows
    ]


def run_lanes(tasks: Sequence[Task], lanes: int) -> None:
    """Run all tasks, in `lanes` processes side by side.

    Raises:
        StageError: a cell failed, or its process died; the message names its log and shows its end. Cells that ran
            beside it have finished, no other was begun.
    """
    board = Board(list(tasks))
    with ThreadPoolExecutor(lanes) as pool:
        for lane in [pool.submit(_lane, board) for _ in range(min(lanes, len(tasks)))]:
            lane.result()
    if board.failed:
        raise StageError("\n".join(f"{task.label}: see {task.log}\n{tail(task.log)}" for task in board.failed))


def _lane(board: Board) -> None:
    """One lane: a process of its own, given one command after another; it ends when its standard input does."""
    command = [sys.executable, "-m", "experiments.lane"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        while (task := board.take()) is not None:
            started = time.monotonic()
            good = False
            try:
                good = _ask(process, task)
            finally:  # else another lane would wait for ever for a task that nobody runs
                done = board.finish(task, good)
            state = "done" if good else "FAILED"
            sys.stderr.write(f"[{done}/{board.total}] {task.label}: {state}, {time.monotonic() - started:.1f} s\n")
            if not good:
                return
    finally:
        with contextlib.suppress(BrokenPipeError):  # what a dead process did not take is flushed once more
            process.stdin.close()
        process.wait()


def _ask(process: subprocess.Popen, task: Task) -> bool:
    """Have a task run; whether it came to a good end. A process that dies answers nothing."""
    try:
        process.stdin.write(json.dumps({"command": task.command[1:], "log": str(task.log)}) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except BrokenPipeError:
        answer = ""
    if not answer:
        task.log.parent.mkdir(parents=True, exist_ok=True)  # it may have died before it made it
        with open(task.log, "a", encoding="utf-8") as log:
            log.write(f"the process of this lane died (status {process.wait()})\n")
        return False
    return json.loads(answer)["status"] == 0


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return "\n".join(f"    {line}" for line in lines[-TAIL:])


@app.command()
def main(
    plan: Annotated[Path, typer.Argument(help="JSON file of cells.")],
    lanes: Annotated[int, typer.Option(help="Processes side by side.", min=1)] = 1,
) -> None:
    """Run the cells of a plan."""
    run_lanes(read_tasks(read_json(plan)), lanes)


if __name__ == "__main__":
    run_app(app, "lanes")
