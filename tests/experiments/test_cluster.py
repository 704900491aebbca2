"""Jobs of a cluster: what is submitted for each cell, servers as jobs, retries; commands stand for Slurm's."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from artifacts.errors import StageError, UserError
from experiments.expand import plan_cells
from experiments.machines import Needs, ServedJudge
from experiments.needs import needs_of
from experiments.profiles import load_profile
from experiments.served import serving
from experiments.workflow import check_cluster, cluster_folder, run_workflow

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_slurm") is None,
    reason="needs the executor for Slurm: pip install 'response-tuning[slurm]'",
)
COMMANDS = Path(__file__).with_name("slurm_commands.py")
SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Answers(BaseHTTPRequestHandler):
    def do_GET(self): self.reply({"data": [{"id": sys.argv[2]}]})
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "It says no. Verdict: Refusal"}
        self.reply({"id": "1", "object": "chat.completion", "created": 0, "model": sys.argv[2],
                    "choices": [{"index": 0, "finish_reason": "stop", "message": message}]})
    def reply(self, data):
        body = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""
PROFILE = """
name: tiny
lanes: 1
world_seed: 7
prompts: [testbed-unsafe]
studies: {{untuned: {{methods: []}}}}
servers:
  - {{model: tiny-judge, command: "{server} {{port}} {{model}}", needs: {{gpus: 2, memory_mb: 1234, minutes: 7}}}}
train: {{base: {{name: {base}, weights: path}}}}
generate: {{limit: 2, max_new_tokens: 4, dtype: float32}}
judges: [{{judge: refusal-llm, parameters: {{model: {{name: tiny-judge}}}}}}]
report: {{source: run, title: Tiny, tables: [16], figures: [5]}}
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Folder of the jobs of a stand-in; its commands are first on the PATH."""
    jobs, folder = tmp_path / "jobs", tmp_path / "bin"
    jobs.mkdir()
    folder.mkdir()
    for name in ("sbatch", "srun", "sacct", "squeue", "scancel", "sinfo", "scontrol", "sacctmgr", "sshare"):
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {COMMANDS} {name} "$@"\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("STAND_IN_JOBS", str(jobs))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return jobs


@pytest.fixture
def cluster(tmp_path):
    """The package's own profile of Snakemake's, with waits that suit a test."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    settings = yaml.safe_load((cluster_folder("slurm") / "config.yaml").read_text())
    settings |= {"latency-wait": 5, "slurm-init-seconds-before-status-checks": 1, "slurm-status-command": "sacct"}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    return folder


def submitted(slurm):
    """What was submitted: rule, and the options given with it as text."""
    found = [json.loads(path.read_text()) for path in sorted(slurm.glob("*.json"), key=lambda path: int(path.stem))]
    rules = [one["options"][one["options"].index("--comment") + 1].split("_wildcards")[0][5:] for one in found]
    return [(rule, " ".join(one["options"]), one["script"]) for rule, one in zip(rules, found, strict=True)]


SMALL = ("studies.refusal.bases=[{name: gemma-2-2b, weights: hub}]", "studies.refusal.response_sets=[lima]")


def test_each_cell_is_a_job_that_asks_for_what_its_stage_needs(tmp_path, rt_home, slurm, cluster, monkeypatch):
    """The paper's refusal study of one base and one set: jobs only make the files that they were to make."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RT_THREADS", "4")
    (slurm / "pretend").touch()
    (slurm / "fail-mix").touch()
    profile = load_profile("paper", [*SMALL, "studies.refusal.num_refusals=[0, 200]"], ["refusal"])
    cells = plan_cells(profile)
    asked = {"profile": "paper", "overrides": [*SMALL, "studies.refusal.num_refusals=[0, 200]"], "studies": ["refusal"]}
    run_workflow(asked, cells, 1, profile, cluster)
    jobs = submitted(slurm)
    count = Counter(rule for rule, *_ in jobs)
    assert count == Counter(collect=6, curate=1, mix=2 + 1, train=4, generate=4, served_judge_0=1, score=1, report=1)
    options = {rule: text for rule, text, _ in jobs}
    assert "--gpus=1" in options["train"]
    assert "--mem 64000 " in options["train"]
    assert "-t 120 " in options["train"]
    assert "--cpus-per-task=4" in options["train"]
    assert "--gpus=4" in options["served_judge_0"]
    assert "--mem 200000 " in options["served_judge_0"]
    assert "--gpus" not in options["score"]
    mixed = sorted(text.split("--mem ")[1].split()[0] for rule, text, _ in jobs if rule == "mix")
    assert mixed == ["16000", "8000", "8000"], "a job that failed is sent again, with more memory"
    script = next(script for rule, _, script in jobs if rule == "train")
    assert script.startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    order = [rule for rule, *_ in jobs]
    assert order.index("served_judge_0") > max(place for place, rule in enumerate(order) if rule == "generate")


@pytest.mark.slow
def test_a_run_of_jobs_with_a_judges_server_ends_in_the_report(tmp_path, tiny_base, slurm, cluster, monkeypatch):
    """Lanes, the server with its judge, scores and report are jobs; one of them fails at first. Nothing is tuned."""
    server = tmp_path / "server.py"
    server.write_text(SERVER)
    profile = tmp_path / "tiny.yaml"
    profile.write_text(PROFILE.format(base=tiny_base, server=f"{sys.executable} {server}"))
    (slurm / "fail-score").touch()
    home = tmp_path / "home"
    command = [sys.executable, "-m", "experiments", "--profile", str(profile), "--cluster", str(cluster), "--json"]
    environment = {key: value for key, value in os.environ.items() if key not in ("RT_MIRROR", "RT_THREADS")}
    environment |= {"RT_HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    logs = "".join(path.read_text() for path in home.glob("logs/*.log"))
    assert done.returncode == 0, done.stderr[-3000:] + logs[-3000:]
    assert Path(json.loads(done.stdout)["report"], "index.html").is_file()
    jobs = submitted(slurm)
    assert [rule for rule, *_ in jobs] == ["lanes", "served_judge_0", "score", "score", "report"]
    assert "--gpus=2" in jobs[1][1]
    assert "--mem 1234 " in jobs[1][1]
    (verdicts,) = home.glob("judge/*/manifest.json")
    assert json.loads(verdicts.read_text())["identity"]["summary"]["verdicts"] == 6, "two of each kind"
    assert "127.0.0.1" not in json.dumps(json.loads(verdicts.read_text())["identity"]), (
        "where it was asked decides nothing"
    )


def test_time_of_tuning_is_the_estimate_with_a_margin():
    profile = load_profile("paper", ["hardware.peak_tflops=1", "hardware.utilisation=0.5"], ["refusal"])
    models = [cell for cell in plan_cells(profile) if cell.stage.name == "train"]
    least = profile.needs["train"].minutes
    long = {cell.settings.base.name: needs_of(profile, cell).minutes for cell in models if "-500-" in cell.label}
    assert min(long.values()) > least
    assert long["gemma-2-9b"] > 3 * long["gemma-2-2b"]
    unknown = profile.model_copy(update={"hardware": profile.hardware.model_copy(update={"utilisation": None})})
    assert {needs_of(unknown, cell).minutes for cell in models} == {least}


def test_a_server_is_stopped_with_its_work(tmp_path):
    (tmp_path / "server.py").write_text(SERVER)
    server = ServedJudge(
        model="one", command=f"{sys.executable} {tmp_path / 'server.py'} {{port}} {{model}}", needs=Needs()
    )
    before = children()
    with serving(server, tmp_path / "server.log") as url:
        assert url.startswith("http://127.0.0.1:")
        (own,) = children() - before
    assert own not in children()


def children():
    """Processes that this one has started and not yet seen the end of."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("no-such-program {port}", "cannot be started"),
        (f"{sys.executable} -c 'print(\"no memory left\"); raise SystemExit(3)'", r"status 3(.|\n)*no memory left"),
    ],
)
def test_a_server_that_does_not_come_up_is_told(tmp_path, command, message):
    with pytest.raises(StageError, match=message), serving(ServedJudge(model="one", command=command), tmp_path / "log"):
        pass


def test_a_cluster_that_nobody_described_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"--cluster nowhere(.|\n)*config\.yaml"):
        cluster_folder("nowhere")
    assert (cluster_folder("slurm") / "config.yaml").is_file()


def test_where_no_job_can_be_submitted_nothing_begins(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"no sbatch here(.|\n)*where jobs are submitted"):
        check_cluster(cluster_folder("slurm"))
    (tmp_path / "config.yaml").write_text("executor: of-nobody\n")
    with pytest.raises(UserError, match="pip install snakemake-executor-plugin-of-nobody"):
        check_cluster(tmp_path)
