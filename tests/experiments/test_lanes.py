"""Lanes: the same bytes as with a process a cell, also when killed; order, failures and dead processes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from artifacts.errors import StageError
from experiments import lanes as lanes_module
from experiments.lanes import Board, Task, run_lanes

PROFILE = """
name: tiny
lanes: {lanes}
world_seed: 7
corpora: [testbed-terse]
refusals: testbed-refusals
prompts: [testbed-benign, testbed-unsafe]
curation: {{corpora: [testbed-terse], recipes: [lexical]}}
studies:
  refusal: {{response_sets: [testbed-terse], num_refusals: [0, 3], base_size: 4, seeds: [0, 1]}}
  other: {{response_sets: [testbed-terse], methods: [rt], base_size: 4, untuned: false, planted_faults: true}}
  in-context: {{template: plain, demonstrations: testbed-demonstrations}}
train:
  base: {{name: {base}, weights: path}}
  max_length: 64
  dtype: float32
  learning_rate: 0.01
  checkpoint_every: 1
generate: {{limit: 2, max_new_tokens: 4, dtype: float32}}
judges: [{{judge: refusal-rules}}]
report: {{source: both, title: Tiny}}
"""


def task(name, *after, tmp_path=Path("/nowhere"), command=("rt", "report", "--help")):
    return Task(name, name, tuple(command), tmp_path / f"{name}.log", after)


def test_a_task_waits_for_those_it_needs_and_for_no_other():
    board = Board([task("a"), task("b", "a"), task("c", "done before")])
    first, second = board.take(), board.take()
    assert (first.key, second.key) == ("a", "c"), "b waits for a, c does not"
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(board.take()))
    waiting.start()
    board.finish(second, good=True)
    waiting.join(0.2)
    assert waiting.is_alive()
    board.finish(first, good=True)
    waiting.join(5)
    assert [one.key for one in taken] == ["b"]


def test_after_a_failure_nothing_is_begun():
    board = Board([task("a"), task("b")])
    board.finish(board.take(), good=False)
    assert board.take() is None


def test_tasks_that_wait_for_each_other_are_refused():
    with pytest.raises(StageError, match="no cell can run: a, b"):
        Board([task("a", "b"), task("b", "a")]).take()


def test_a_failed_cell_is_named_with_its_log_and_those_beside_it_are_done(tmp_path):
    good = task("good", tmp_path=tmp_path)
    bad = task("bad", tmp_path=tmp_path, command=("rt", "report", "--table", "99"))
    never = task("never", "bad", tmp_path=tmp_path)
    with pytest.raises(StageError) as caught:
        run_lanes([good, bad, never], 1)
    assert f"bad: see {bad.log}" in str(caught.value)
    assert "no table 99" in str(caught.value)
    assert "Usage: rt report" in good.log.read_text()
    assert not never.log.exists()


def test_a_process_that_dies_is_told(tmp_path):
    dying = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = task("dead", tmp_path=tmp_path)
    executable = tmp_path / "python"
    executable.write_text(f"#!/bin/sh\nread line\nexec {sys.executable} -c '{dying}'\n")
    executable.chmod(0o755)
    real, sys.executable = sys.executable, str(executable)
    try:
        with pytest.raises(StageError, match=r"the process of this lane died \(status -9\)"):
            run_lanes([done], 1)
    finally:
        sys.executable = real


def test_a_process_that_had_died_before_it_was_asked_is_told(tmp_path, monkeypatch):
    real = subprocess.Popen

    def dead(command, **pipes):
        process = real([sys.executable, "-c", "raise SystemExit(3)"], **pipes)
        process.wait()
        return process

    monkeypatch.setattr(subprocess, "Popen", dead)
    with pytest.raises(StageError, match=r"the process of this lane died \(status 3\)"):
        run_lanes([task("dead", tmp_path=tmp_path / "no folder yet")], 1)


def test_a_task_that_cannot_even_be_asked_is_a_failed_one(monkeypatch):
    """No lane waits for ever for a task that nobody runs."""

    def broken(process, task):
        raise OSError("no space left")

    monkeypatch.setattr(lanes_module, "_ask", broken)
    monkeypatch.setattr(sys, "executable", "cat")  # a process that ends with its standard input
    board = Board([task("a"), task("b", "a")])
    with pytest.raises(OSError, match="no space left"):
        lanes_module._lane(board)
    assert (board.running, [one.key for one in board.failed]) == (set(), ["a"])


@pytest.fixture(scope="module")
def profiles(tmp_path_factory, tiny_base):
    """Profile files with and without lanes, on one tiny random model."""
    folder = tmp_path_factory.mktemp("profiles")
    made = {}
    for lanes in (0, 2):
        made[lanes] = folder / f"lanes-{lanes}.yaml"
        made[lanes].write_text(PROFILE.format(lanes=lanes, base=tiny_base))
    return made


def start(profile, home, **options):
    environment = {key: value for key, value in os.environ.items() if key not in ("RT_MIRROR", "RT_THREADS")}
    command = [sys.executable, "-m", "experiments", "--profile", str(profile)]
    return subprocess.Popen(command, env=environment | {"RT_HOME": str(home)}, text=True, **options)


def finish(profile, home):
    process = start(profile, home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text, _ = process.communicate()
    assert process.returncode == 0, text[-4000:]
    return text


def contents(home):
    """Bytes of every artifact's files, by their place; of manifests what is no provenance."""
    found = {}
    for manifest in home.glob("*/*/manifest.json"):
        identity = json.loads(manifest.read_text())["identity"]
        place = str(manifest.parent.relative_to(home))
        found[place] = identity, {name: (manifest.parent / name).read_bytes() for name in identity["outputs"]}
    return found


@pytest.fixture(scope="module")
def in_lanes(profiles, tmp_path_factory):
    """RT_HOME of a finished run with lanes."""
    home = tmp_path_factory.mktemp("lanes")
    finish(profiles[2], home)
    return home


@pytest.mark.slow
def test_lanes_make_the_same_bytes_as_a_process_a_cell(profiles, in_lanes, tmp_path):
    finish(profiles[0], tmp_path)
    one, other = contents(in_lanes), contents(tmp_path)
    assert one.keys() == other.keys()
    assert all(one[place] == other[place] for place in one), [place for place in one if one[place] != other[place]]
    assert len([place for place in one if place.startswith("train/")]) == 2 * 2 * 2
    logs = {f"{path.parent.name}/{path.stem}" for path in in_lanes.glob("logs/*/*.log")}
    assert logs == one.keys(), "a log a cell, as without lanes"
    assert "everything is up to date" in finish(profiles[2], in_lanes)


@pytest.mark.slow
def test_killed_again_and_again_lanes_end_in_the_same_bytes(profiles, in_lanes, tmp_path):
    """SIGKILL to the whole process group when some more cells are done, and a moment later; then left to finish."""
    whole, moments = contents(in_lanes), random.Random(1)
    for enough in (1, 12, 30, len(whole) - 8):
        process = start(
            profiles[2], tmp_path, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while done(tmp_path) < enough and process.poll() is None:
            time.sleep(0.05)
        time.sleep(moments.uniform(0, 1))
        assert process.poll() is None, "it ended by itself"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    kept = done(tmp_path)
    assert f"{len(whole) - kept} of {len(whole)} cells to do" in finish(profiles[2], tmp_path)
    assert contents(tmp_path) == whole


def done(home):
    return len(list(home.glob("*/*/manifest.json")))
