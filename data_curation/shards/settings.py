"""Settings of a curation in shards: how many rows together, and who does the work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from artifacts.settings import Settings
from data_curation.curate import CurateSettings


class SlurmSettings(Settings):
    """What a Slurm job is asked for.

    Attributes:
        partition: Partition; needed.
        time: Limit for a job, as Slurm writes it.
        cpus_per_task: Cores of a task.
        mem_per_cpu_gb: Memory of a core, in GB.
        qos: Quality of service; None = the cluster's own.
        account: Account that is charged; None = the cluster's own.
        tasks_per_job: Shards that one job of the array does, one after the other.
        max_array_size: Most jobs of one array that the cluster takes.
        activate: Script that is sourced before the work begins; None = that of the environment `rt` runs in.
        poll_s: Seconds between two looks at what is done.
    """

    partition: str | None = None
    time: str = "04:00:00"
    cpus_per_task: PositiveInt = 1
    mem_per_cpu_gb: PositiveInt = 4
    qos: str | None = None
    account: str | None = None
    tasks_per_job: PositiveInt = 1
    max_array_size: PositiveInt = 1001
    activate: Path | None = None
    poll_s: float = Field(default=15.0, gt=0)

    def environment(self) -> Path | None:
        """The script to source, or None where there is none."""
        own = Path(sys.prefix) / "bin" / "activate"
        return self.activate or (own if own.is_file() else None)


class RaySettings(Settings):
    """What a Ray cluster is asked for.

    Attributes:
        address: Of a running cluster; None = the one RAY_ADDRESS names, else one is started on this machine.
        cpus_per_task: Cores of a task.
        mem_per_cpu_gb: Memory of a core, in GB.
    """

    address: str | None = None
    cpus_per_task: PositiveInt = 1
    mem_per_cpu_gb: float = Field(default=2.0, gt=0)


class ExecutorSettings(Settings):
    """Who does the work. Nothing here changes what is made.

    Attributes:
        kind: `local`: processes of this machine; `slurm`: job arrays (run `rt curate` where `sbatch` is, on a folder
            that all nodes see); `ray`: tasks of a Ray cluster (extra `ray`).
        workers: Shards worked on at the same time; 0 = as many as there are cores (Slurm: as the cluster allows).
        slurm: See there.
        ray: See there.
    """

    kind: Literal["local", "slurm", "ray"] = "local"
    workers: NonNegativeInt = 1
    slurm: SlurmSettings = SlurmSettings()
    ray: RaySettings = RaySettings()


class ShardedSettings(CurateSettings):
    """Settings of `rt curate --executor ...`.

    Attributes:
        shard_rows: Rows worked on together, which bounds memory: a worker holds one shard, the files made are one a
            shard. A shard is closed earlier at 64 million characters.
        executor: Decides nothing, so no digest holds it.
    """

    shard_rows: PositiveInt = 20_000
    executor: ExecutorSettings = Field(default=ExecutorSettings(), exclude=True)
