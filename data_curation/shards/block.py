"""Blocks and executors in datatrove's terms: this module is imported by the processes that do the work."""

from __future__ import annotations

from collections.abc import Callable

from datatrove.data import DocumentsPipeline
from datatrove.executor.slurm import SlurmPipelineExecutor
from datatrove.pipeline.base import PipelineStep


class TaskBlock(PipelineStep):
    """Does a task for the rank it runs for; the numbers that the task returns become datatrove's counts."""

    type = "curate"

    def __init__(self, label: str, task: Callable[[int], dict[str, int] | None]):
        self.name = label
        super().__init__()
        self.task = task

    def run(self, data: DocumentsPipeline = None, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        """Do the task; no documents come in or go out, the task reads and writes its shard itself."""
        for name, value in (self.task(rank) or {}).items():
            self.stat_update(name, value=value)
        yield from data or ()


class SlurmPhase(SlurmPipelineExecutor):
    """datatrove's Slurm executor without its last job, which merges counts that we add up ourselves.

    Attributes:
        jobs: Ids of all arrays that were submitted; datatrove itself remembers the last one only.
    """

    jobs: tuple[str, ...] = ()

    @property
    def job_id(self) -> str | None:
        """Id of the array submitted last."""
        return self.jobs[-1] if self.jobs else None

    @job_id.setter
    def job_id(self, job: str | None) -> None:
        if job is not None:
            self.jobs = (*self.jobs, job)

    def script(self, jobs: int) -> str:
        """The script that `launch_job` submits for an array of so many jobs."""
        command = f"srun  -l -n {self.nodes_per_task} launch_pickled_pipeline"
        return self.get_launch_file_contents(
            self.get_sbatch_args(jobs), f"{command} {self.logging_dir.resolve_paths('executor.pik')}"
        )

    def launch_merge_stats(self) -> None:
        """Launch nothing."""
