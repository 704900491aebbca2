"""curate in shards on clusters: Slurm's script and jobs with commands that stand for Slurm's, Ray on this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from artifacts.errors import StageError, UserError
from data_curation.curate import CurateSettings, curate
from data_curation.shards.executors import runner
from data_curation.shards.settings import ExecutorSettings, ShardedSettings
from data_curation.shards.stage import curate_shards

RECIPE = {"steps": [{"step": "normalise"}, {"step": "near_empty"}, {"step": "exact_dedup"}]}
ROOT = Path(__file__).resolve().parents[2]
# what stands for Slurm: every job of an array is run at once, by the script that was submitted
SBATCH = """
import os, re, subprocess, sys
from pathlib import Path
script = Path(sys.argv[-1]).read_text()
Path("submitted").open("a").write(script + "\\n---\\n")
last = int(re.search(r"^#SBATCH --array=0-(\\d+)", script, re.MULTILINE)[1])
offset = next(word for word in sys.argv if word.startswith("--export")).rpartition("=")[2]
for job in range(last + 1):
    env = os.environ | {"SLURM_ARRAY_TASK_ID": str(job), "RUN_OFFSET": offset, "SLURM_NODELIST": "here"}
    subprocess.run(["bash", sys.argv[-1]], env=env, stdout=open("job.log", "a"), stderr=subprocess.STDOUT)
print("Submitted batch job 17")
"""
SRUN = 'while [ "${1#-}" != "$1" ]; do [ "$1" = -n ] && shift; shift; done; exec "$@"'


@pytest.fixture
def answers(tmp_path):
    path = tmp_path / "answers.jsonl"
    rows = [f"Answer {number % 23} of several.\r\n" if number % 7 else " " for number in range(60)]
    path.write_text("".join(json.dumps({"response": row}) + "\n" for row in rows))
    return path


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder with commands named like Slurm's, first on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sbatch.py").write_text(SBATCH)
    commands = {
        "sbatch": f'exec {shlex.quote(sys.executable)} {shlex.quote(str(folder / "sbatch.py"))} "$@"',
        "srun": SRUN,
        "squeue": "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1",
        "scontrol": "echo here",
    }
    for name, body in commands.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


def on(kind, **given):
    return ShardedSettings(recipe=RECIPE, shard_rows=25, executor={"kind": kind, **given})


def same(whole, parts):
    for name in ("data", "decisions", "steps"):
        left, right = (pq.read_table(one.file(f"{name}.parquet")) for one in (whole, parts))
        assert left.equals(right), name


@pytest.mark.slow
def test_slurm_jobs_make_what_a_run_in_memory_makes(tmp_path, answers, slurm):
    # one job for all shards of a phase: a job is a process that imports everything anew
    own = {"partition": "short", "account": "lab", "tasks_per_job": 10, "poll_s": 0.1}
    parts = curate_shards(on("slurm", workers=3, slurm=own), tmp_path / "out", answers)
    same(curate(CurateSettings(recipe=RECIPE), tmp_path / "whole", answers), parts)
    scripts = (tmp_path / "submitted").read_text().split("\n---\n")[:-1]
    assert [line for script in scripts for line in script.split("\n") if "--job-name" in line] == [
        f"#SBATCH --job-name=rt-{phase}" for phase in ("input-read", "00-rows", "finish")
    ]
    shown = dry_run(answers, "--set", "executor.slurm.tasks_per_job=10", "--set", "executor.slurm.account=lab")
    assert shown["slurm_script"] == scripts[0]


def dry_run(answers, *more):
    command = [sys.executable, "-c", "from paper_repro.cli import main; main()", "curate", str(answers)]
    command += ["--recipe", "lexical", "--executor", "slurm", "--workers", "3", "--out", "out"]
    command += ["--set", "executor.slurm.partition=short", *more, "--dry-run", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=answers.parent)
    assert not (answers.parent / "out" / "_work").exists() or "tasks_per_job" in " ".join(more)
    return json.loads(done.stdout)


def test_a_dry_run_shows_the_script_and_writes_nothing(tmp_path, answers):
    shown = dry_run(answers, "--set", "executor.slurm.mem_per_cpu_gb=8", "--set", "executor.slurm.activate=/venv/on")
    assert not (tmp_path / "out").exists()
    script = shown["slurm_script"].split("\n")
    assert script[0] == "#!/bin/bash"
    folder = tmp_path.resolve() / "out" / "_work" / "phases" / "input-read"
    assert {
        "#SBATCH --partition=short",
        "#SBATCH --mem-per-cpu=8G",
        "#SBATCH --array=0-0%3",
        f"#SBATCH --output={folder}/slurm_logs/%A_%a.out",
        "source /venv/on",
    } <= set(script)
    assert not any(line.startswith(("#SBATCH --qos", "#SBATCH --account")) for line in script)
    assert script[-2].endswith(f"launch_pickled_pipeline {folder}/executor.pik")
    assert subprocess.run(["bash", "-n"], input=shown["slurm_script"], text=True, check=False).returncode == 0
    assert shown["phases"][0] == "input-read"
    assert shown["phases"][-1] == "finish"
    assert shown["executor"]["slurm"]["partition"] == "short"
    assert "executor" not in shown["settings"]  # who does the work is no part of what is made


def test_a_cluster_that_is_not_there_is_named(tmp_path, answers, monkeypatch):
    with pytest.raises(UserError, match=r"executor\.slurm\.partition: a Slurm job needs a partition"):
        runner(ExecutorSettings(kind="slurm"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"sbatch: the job could not be submitted(.|\n)*--executor local"):
        curate_shards(on("slurm", slurm={"partition": "short"}), tmp_path / "out", answers)


def test_a_job_that_fails_is_told_with_its_log(tmp_path, answers, slurm):
    (tmp_path / "bin" / "srun").write_text("#!/bin/bash\nexit 1\n")
    with pytest.raises(StageError, match=r"input-read: 1 of 1 shards were not done(.|\n)*task_00000\.log"):
        curate_shards(on("slurm", slurm={"partition": "short", "poll_s": 0.1}), tmp_path / "out", answers)
    assert not (tmp_path / "out" / "manifest.json").exists()


class Phase:
    """An executor whose jobs nobody does, but whose first shard is done after some looks at it."""

    world_size, job_id, jobs = 1, "18", ("17", "18")

    def __init__(self, looks):
        self.looks = looks

    def get_incomplete_ranks(self, skip_completed=True):
        self.looks -= 1
        return [0] if self.looks > 0 else []

    def launch_job(self):
        pass


def phase_run(monkeypatch, looks):
    own = runner(ExecutorSettings(kind="slurm", slurm={"partition": "short", "poll_s": 0.001}))
    monkeypatch.setattr(own, "executor", lambda *_: Phase(looks))
    own.run("input-read", lambda rank: None, 1, Path("phase"))


def test_a_queue_that_does_not_answer_for_a_while_ends_no_phase(tmp_path, slurm, monkeypatch):
    told = "slurm_load_jobs error: Socket timed out on send/recv operation"
    (tmp_path / "bin" / "squeue").write_text(f"#!/bin/bash\necho '{told}' >&2\nexit 1\n")
    (tmp_path / "bin" / "scancel").write_text('#!/bin/bash\necho "$@" >> cancelled\n')
    (tmp_path / "bin" / "scancel").chmod(0o755)
    phase_run(monkeypatch, looks=5)
    assert not (tmp_path / "cancelled").exists()
    with pytest.raises(StageError, match=r"job 18 still runs: slurm_load_jobs error: Socket timed out"):
        phase_run(monkeypatch, looks=1000)
    assert (tmp_path / "cancelled").read_text() == "17 18\n", "every array of the phase"


def test_the_ids_of_all_arrays_of_a_phase_are_known(tmp_path):
    own = runner(ExecutorSettings(kind="slurm", slurm={"partition": "short"}))
    phase = own.executor("input-read", lambda rank: None, 3, tmp_path)
    assert (phase.job_id, phase.jobs) == (None, ())
    phase.job_id = "17"
    phase.job_id = "18"
    assert (phase.job_id, phase.jobs) == ("18", ("17", "18"))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray: pip install 'response-tuning[ray]'")
def test_ray_on_one_machine_makes_what_a_run_in_memory_makes(tmp_path, answers):
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _memory=2**31, object_store_memory=80_000_000)
    try:
        parts = curate_shards(on("ray", workers=2, ray={"mem_per_cpu_gb": 0.5}), tmp_path / "out", answers)
    finally:
        ray.shutdown()
    same(curate(CurateSettings(recipe=RECIPE), tmp_path / "whole", answers), parts)
    assert parts.provenance["executor"] == {"kind": "ray", "workers": 2}


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is installed")
def test_without_ray_its_extra_is_named(tmp_path):
    with pytest.raises(UserError, match="the extra 'ray'"):
        runner(ExecutorSettings(kind="ray"))
