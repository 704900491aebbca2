"""Tasks on clusters, through datatrove's executors: Ray tasks and Slurm job arrays."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from artifacts.errors import StageError, UserError
from data_curation.shards.executors import Task, block, log_file
from data_curation.shards.settings import ExecutorSettings, SlurmSettings

ASKED_AGAIN = 20  # failed looks in a row at Slurm's queue before a phase is given up
log = logging.getLogger("rt")


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without what datatrove says in this process, where no task runs; tasks have logs of their own."""
    from loguru import logger

    logger.disable("datatrove")
    try:
        yield
    finally:
        logger.enable("datatrove")


class RayRunner:
    """Tasks of a Ray cluster."""

    def __init__(self, settings: ExecutorSettings):
        self.settings = settings

    def run(self, label: str, task: Task, ranks: int, folder: Path) -> None:
        """See `Runner`."""
        import ray
        from datatrove.executor import RayPipelineExecutor

        if not ranks:
            return
        own = self.settings.ray
        if not ray.is_initialized():
            ray.init(address=own.address, log_to_driver=False, include_dashboard=False, configure_logging=False)
        executor = RayPipelineExecutor(
            [block(label, task)],
            tasks=ranks,
            workers=self.settings.workers or ranks,
            logging_dir=str(folder),
            cpus_per_task=own.cpus_per_task,
            mem_per_cpu_gb=own.mem_per_cpu_gb,
        )
        with _silent():
            executor.run()
        missing(executor, label)


class SlurmRunner:
    """Job arrays of a Slurm cluster; this process submits them one phase after the other and waits."""

    def __init__(self, settings: ExecutorSettings):
        self.settings = settings

    def run(self, label: str, task: Task, ranks: int, folder: Path) -> None:
        """See `Runner`."""
        if not ranks:
            return
        executor = self.executor(label, task, ranks, folder)
        if not executor.get_incomplete_ranks():
            return
        try:
            _submit(executor)
            log.info("curate: %s: %d shards, Slurm job %s", label, ranks, executor.job_id)
            self._wait(executor, label)
        except BaseException:
            _cancel(executor.jobs)
            raise
        missing(executor, label)

    def _wait(self, executor: Any, label: str) -> None:
        """Until all ranks are done or the job is gone."""
        failed = 0
        while executor.get_incomplete_ranks():
            queued, problem = _queued(executor.job_id)
            if problem is None and not queued:
                time.sleep(self.settings.slurm.poll_s)  # what a node has written may be seen here a moment later
                return
            failed = 0 if problem is None else failed + 1
            if failed == ASKED_AGAIN:
                raise StageError(
                    f"{failed} times in a row Slurm did not say whether job {executor.job_id} still runs: {problem}",
                    where=label,
                    fix="see to squeue, then run the command again: what is done is kept",
                )
            if problem is not None:
                log.warning("curate: %s: squeue failed, it is asked again: %s", label, problem)
            time.sleep(self.settings.slurm.poll_s)

    def executor(self, label: str, task: Task, ranks: int, folder: Path) -> Any:
        """datatrove's executor of one phase, not launched."""
        from data_curation.shards.block import SlurmPhase

        own: SlurmSettings = self.settings.slurm
        return SlurmPhase(
            [block(label, task)],
            tasks=ranks,
            time=own.time,
            partition=own.partition,
            cpus_per_task=own.cpus_per_task,
            mem_per_cpu_gb=own.mem_per_cpu_gb,
            workers=self.settings.workers or -1,
            job_name=f"rt-{label}",
            qos=own.qos,
            venv_path=None if own.environment() is None else str(own.environment()),
            sbatch_args={} if own.account is None else {"account": own.account},
            max_array_size=own.max_array_size,
            tasks_per_job=own.tasks_per_job,
            logging_dir=str(folder.resolve()),
        )


def _submit(executor: Any) -> None:
    try:
        with _silent():
            executor.launch_job()
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        fix = "run this where jobs are submitted, or use --executor local"
        raise UserError(f"the job could not be submitted: {error}", where="sbatch", fix=fix) from None


def _queued(job: str) -> tuple[bool, str | None]:
    """Whether Slurm still has the job, or some of its array; and why it did not say so, None if it did.

    Slurm forgets a job some minutes after its end; then it calls the id invalid.
    """
    try:
        done = subprocess.run(["squeue", "--noheader", "--jobs", str(job)], capture_output=True, text=True, check=False)
    except OSError as error:
        return False, str(error)
    if done.returncode == 0:
        return bool(done.stdout.strip()), None
    if "invalid job id" in done.stderr.lower():
        return False, None
    return False, done.stderr.strip() or f"squeue exited with {done.returncode}"


def _cancel(jobs: Sequence[str]) -> None:
    """Take the jobs of a phase that nobody waits for any more out of Slurm; what cannot be is told, not raised."""
    if not jobs:
        return
    command = ["scancel", *map(str, jobs)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        problem = done.stderr.strip() if done.returncode else None
    except OSError as error:
        problem = str(error)
    if problem is not None:
        log.warning("curate: %s failed, the jobs may run on: %s", " ".join(command), problem)


def missing(executor: Any, label: str) -> None:
    """Raise a StageError if some ranks of a phase are not done."""
    left = executor.get_incomplete_ranks(skip_completed=True)
    if left:
        raise StageError(
            f"{len(left)} of {executor.world_size} shards were not done, the first of them {left[0]}",
            where=label,
            fix=f"see {log_file(executor.logging_dir.path, left[0])}; what is done is kept, run the command again",
        )
