"""The benchmark that kills runs, on a stand-in of three short stages: what a kill spoils is found, and nothing else.

The testbed itself is killed in `experiments/test_lanes.py`, and twenty times by the benchmark.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
STAND_IN = """
import os, sys, time
from pathlib import Path
from artifacts.settings import Settings
from artifacts.stage import Stage

def work(settings, inputs, workspace):
    for number in range(3):
        time.sleep(0.1)
        {write}

for name in ("one", "two", "three"):
    Stage(name, "stand-in", 1, Settings, work).run(Settings(), Path(os.environ["RT_HOME"]) / name / "cell")
"""
WHOLE = '(workspace.path / f"{number}.txt").write_text("words")'
# a stage that adds to what an earlier, killed run left behind
SPOILED = 'print("words", file=open(workspace.path / "all.txt", "a"))'


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("bench_kill_points", BENCHMARKS / "kill_points.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bench_kill_points", module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "write_profile", lambda work: work / "none.yaml")
    return module


def killed(bench, monkeypatch, work, write, kills):
    script = STAND_IN.format(write=write)
    monkeypatch.setattr(bench, "command", lambda profile: [sys.executable, "-c", script])
    return bench.killed_runs(work, kills, seed=3)


def test_stages_that_begin_again_end_in_the_same_bytes(bench, monkeypatch, tmp_path):
    outcome = killed(bench, monkeypatch, tmp_path, WHOLE, 4)
    assert outcome.faults == []
    assert (outcome.cells, len(outcome.kills)) == (3, 4)
    assert outcome.ends >= 1
    stored = bench.summary(outcome, 3)
    assert stored["equal_bytes"] and len(stored["finished_cells_at_each_kill"]) == 4
    json.dumps(stored)


def test_a_stage_that_a_kill_spoils_is_named(bench, monkeypatch, tmp_path):
    outcome = killed(bench, monkeypatch, tmp_path, SPOILED, 12)
    assert outcome.faults and "differs from the run left alone: " in outcome.faults[0]
    assert not bench.summary(outcome, 3)["equal_bytes"]


def test_a_run_that_fails_is_told_with_its_log(bench, monkeypatch, tmp_path):
    outcome = killed(bench, monkeypatch, tmp_path, "sys.exit(3)", 1)
    (fault,) = outcome.faults
    assert "ended with status 3" in fault and str(tmp_path / "log.txt") in fault
