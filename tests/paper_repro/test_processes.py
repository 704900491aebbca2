"""Two processes train as one, through `accelerate launch` with the configuration that is for GPUs, here on a CPU."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from artifacts.errors import UserError
from artifacts.manifest import read_manifest
from artifacts.settings import load_settings
from paper_repro.train import TrainSettings, processes, train
from paper_repro.train.processes import check_processes, whole_deal

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "experiments" / "settings" / "accelerate"
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
SETTINGS = [
    "lora={r: 4, alpha: 8, dropout: 0.0}", "dtype=float32", "learning_rate=0.01", "global_batch=8",
    "per_device_batch=2", "checkpoint_every=1000",
]  # fmt: skip


@pytest.fixture
def two(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")


def test_every_process_gets_as_many_full_passes_and_no_sequence_twice(two):
    dealt = whole_deal(list(range(10)), 2, blank=99)
    assert dealt == [*range(10), 99, 99]  # 6 passes of 2, 3 for each
    assert whole_deal(list(range(8)), 2, blank=99) == list(range(8))


def test_without_a_launcher_nothing_is_added():
    assert whole_deal(list(range(5)), 2, blank=99) == list(range(5))
    assert processes.process_count() == 1 and processes.is_leader()


def test_a_step_that_the_processes_cannot_share_is_refused(two):
    check_processes(8, 4)
    with pytest.raises(UserError, match=r"per_device_batch x processes \(8 x 2\)"):
        check_processes(8, 8)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_accelerate_reads_the_configuration(path):
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(path))
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {key: config.to_dict()[key] for key in given} == given
    assert config.mixed_precision == "no"  # else accelerate and the setting dtype could contradict each other


# what `rt train` does in each process, several times over: a launch for each would take minutes
LAUNCHED = """
import json, sys
from pathlib import Path
from paper_repro.cli.train import train
base, rows, folder, variants = sys.argv[1:]
for name, overrides in json.loads(variants):
    train(Path(rows), base=base, overrides=overrides, out=Path(folder) / name)
"""
VARIANTS = {
    "padded": ["pack_tokens=null"],
    "microbatch_mean": ["pack_tokens=null", "loss_normalisation=microbatch_mean"],
    "packed": ["pack_tokens=40"],
    "full": ["preset=full", "pack_tokens=null", "learning_rate=0.001"],
}


@pytest.fixture(scope="module")
def models(tiny_base, tmp_path_factory):
    """Every variant trained by one process and by two, which at last find the first variant's model finished."""
    folder = tmp_path_factory.mktemp("processes")
    rows = folder / "rows.jsonl"
    rows.write_text("".join(json.dumps({"response": " ".join(WORDS[: 1 + i * 7 % 10])}) + "\n" for i in range(10)))
    variants = [(name, [*SETTINGS, *overrides]) for name, overrides in VARIANTS.items()]
    for name, overrides in variants:
        settings = load_settings(TrainSettings, None, overrides, base={"name": str(tiny_base), "weights": "path"})
        train(settings, rows, folder / "one" / name)
    script = folder / "launched.py"
    script.write_text(LAUNCHED)
    launcher = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch"]
    launcher += ["--config_file", str(CONFIGS / "ddp.yaml"), "--num_processes", "2", "--main_process_port", free_port()]
    given = [str(tiny_base), str(rows), str(folder / "two"), json.dumps([*variants, variants[0]])]
    environment = {"RT_THREADS": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*launcher, str(script), *given], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "train: up to date" in done.stdout
    return {
        (name, count): read_manifest(folder / count / name, kind="model")
        for name in VARIANTS
        for count in ("one", "two")
    }


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_two_processes_train_as_one(models, name):
    """10 rows in steps of 8: the last step has 2, so one process of two has nothing real to do in it.

    Tolerances: sums in another order differ by 1e-7 of a loss of 7; a sequence trained twice, or a mean over the wrong
    number, by 1e-2 and more.
    """
    pair = [models[name, count] for count in ("one", "two")]
    assert [model.summary["processes"] for model in pair] == [1, 2]
    trajectories = [json.loads(model.file("trajectory.json").read_text()) for model in pair]
    assert len(trajectories[0]) == len(trajectories[1]) == 2
    for one, other in zip(*trajectories, strict=True):
        assert one["loss_tokens"] == other["loss_tokens"]
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-5)
        assert one["grad_norm"] == pytest.approx(other["grad_norm"], abs=1e-4)
    weights = [load_file(model.file("merged/model.safetensors")) for model in pair]
    assert weights[0].keys() == weights[1].keys()
    assert max((weights[0][name] - weights[1][name]).abs().max().item() for name in weights[0]) < 1e-5
