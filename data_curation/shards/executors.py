"""Tasks through datatrove's executors: processes of this machine (Slurm and Ray: see `clusters`).

A phase is one task done for each of many ranks, each rank writing files of its own, whole or not at all. datatrove
keeps a log a rank, its counts, and a mark when it is done, so a phase that was stopped goes on with what is missing.
"""

from __future__ import annotations

import contextlib
import io
import logging
import multiprocessing
import pickle
import time
from collections.abc import Callable
from copy import deepcopy
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from artifacts.errors import ResponseTuningError, StageError, UserError
from artifacts.machine import cores
from data_curation.optional import require
from data_curation.shards.settings import ExecutorSettings

Task = Callable[[int], "dict[str, int] | None"]
REPORTED_S = 20.0  # seconds between two lines of the log
log = logging.getLogger("rt")


class Runner(Protocol):
    """Does a task for every rank of a phase, and returns when all are done."""

    def run(self, label: str, task: Task, ranks: int, folder: Path) -> None:
        """Do `task(rank)` for each of so many ranks; `folder` is for logs and marks of what is done.

        Raises:
            ResponseTuningError: what a task raised.
            StageError: a task was killed, or failed where only its log knows why.
        """
        ...


def runner(settings: ExecutorSettings) -> Runner:
    """The runner of these settings.

    Raises:
        UserError: it lacks a setting or a package.
    """
    require("datatrove")
    if settings.kind == "local":
        return LocalRunner(settings)
    from data_curation.shards.clusters import RayRunner, SlurmRunner

    if settings.kind == "ray":
        require("ray", "ray")
        return RayRunner(settings)
    if settings.slurm.partition is None:
        fix = "--set executor.slurm.partition=NAME (sinfo lists them)"
        raise UserError("a Slurm job needs a partition", where="executor.slurm.partition", fix=fix)
    return SlurmRunner(settings)


def block(label: str, task: Task) -> Any:
    """A datatrove block that does the task."""
    from data_curation.shards.block import TaskBlock

    return TaskBlock(label, task)


class LocalRunner:
    """Processes of this machine, through datatrove's local executor; one worker: in this process.

    datatrove's own pool waits for ever if the system kills one of its processes (memory), and its manager process,
    forked, outlives a killed run and keeps the lock of its output folder. So the processes are started here.
    """

    def __init__(self, settings: ExecutorSettings):
        self.workers = settings.workers or cores()

    def run(self, label: str, task: Task, ranks: int, folder: Path) -> None:
        """See `Runner`."""
        from datatrove.executor import LocalPipelineExecutor

        if not ranks:
            return
        executor = LocalPipelineExecutor([block(label, task)], tasks=ranks, workers=1, logging_dir=str(folder))
        missing = executor.get_incomplete_ranks()
        if self.workers == 1 or len(missing) == 1:
            _one_by_one(executor, label, missing, ranks)
        else:
            _side_by_side(executor, label, missing, ranks, self.workers)


def _one_by_one(executor: Any, label: str, missing: list[int], ranks: int) -> None:
    from datatrove.utils.logging import setup_default_logger

    progress = _Progress(label, ranks, len(missing))
    try:
        for rank in missing:
            _quietly(deepcopy(executor), rank)
            progress.done()
    finally:
        setup_default_logger()  # its log to the standard error, as it was when it was imported


def _side_by_side(executor: Any, label: str, missing: list[int], ranks: int, workers: int) -> None:
    """Ranks in turn to so many processes; the first failure ends them all."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["data_curation.shards.stage", "data_curation.filter_block", "datatrove.executor.local"]
    )
    progress = _Progress(label, ranks, len(missing))
    waiting = list(reversed(missing))
    busy: dict[Connection, tuple[Any, int]] = {}
    processes = []
    try:
        for _ in range(min(workers, len(missing))):
            own, theirs = context.Pipe()
            process = context.Process(target=_work, args=(executor, theirs), daemon=True)
            process.start()
            theirs.close()  # so that a process that has gone is an end of file
            processes.append(process)
            busy[own] = process, _give(own, waiting)
        while busy:
            for connection in wait(list(busy)):
                process, rank = busy.pop(connection)
                _check(label, rank, process, connection, executor)
                progress.done()
                if waiting:
                    busy[connection] = process, _give(connection, waiting)
                else:
                    connection.close()
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _give(connection: Connection, waiting: list[int]) -> int:
    rank = waiting.pop()
    connection.send(rank)
    return rank


def _work(executor: Any, ranks: Connection) -> None:
    """What a process does: the ranks it is given, until nobody gives any more."""
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            rank = ranks.recv()
            error = None
            try:
                _quietly(deepcopy(executor), rank)
            except Exception as found:
                error = found
            try:
                ranks.send(error)
            except (pickle.PicklingError, TypeError, AttributeError):
                ranks.send(StageError(f"{type(error).__name__}: {error}"))


def _check(label: str, rank: int, process: Any, connection: Connection, executor: Any) -> None:
    """Raise what the rank raised, or that its process has gone."""
    place = f"{label}, shard {rank}"
    try:
        error = connection.recv()
    except (EOFError, ConnectionResetError):
        process.join()
        raise StageError(
            f"its process was ended from outside (exit status {process.exitcode})",
            where=place,
            fix="if memory was short: fewer --workers or --shard-rows; what is done is kept, run the command again",
        ) from None
    if isinstance(error, ResponseTuningError | OSError | MemoryError):
        raise error
    if error is not None:
        where = log_file(executor.logging_dir.path, rank)
        raise StageError(f"{type(error).__name__}: {error}", where=place, fix=f"see {where}")


def log_file(folder: str, rank: int) -> str:
    """Where datatrove keeps the log of a rank."""
    return f"{folder}/logs/task_{rank:05d}.log"


def _quietly(executor: Any, rank: int) -> None:
    """Run one rank; what datatrove says goes to the log of the rank only."""
    with contextlib.redirect_stderr(io.StringIO()):
        executor._run_for_rank(rank, local_rank=1)


class _Progress:
    """A line of the log from time to time."""

    def __init__(self, label: str, ranks: int, missing: int):
        self._label, self._ranks, self._done, self._said = label, ranks, ranks - missing, time.monotonic()

    def done(self) -> None:
        self._done += 1
        if self._done < self._ranks and time.monotonic() - self._said > REPORTED_S:
            self._said = time.monotonic()
            log.info("curate: %s: %d of %d shards", self._label, self._done, self._ranks)
