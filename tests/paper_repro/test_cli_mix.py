"""`rt mix` from the command line: options reach the stage, JSON comes out, mistakes exit with 2."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.fixture
def rt_mix(tmp_path):
    """Call `rt mix` on a base of 8 responses and a pool of 5 refusals."""
    for name, text in (("base", "answer {}"), ("pool", "I am sorry, {}.")):
        lines = [json.dumps({"instruction": f"{name} {i}", "response": text.format(i)}) for i in range(8)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines[: 8 if name == "base" else 5]) + "\n")

    def call(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", "from paper_repro.cli import main; main()", "mix"]
        command += ["--base", "base.jsonl", "--pool", "pool.jsonl", "--out", "out", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return call


def test_options_reach_the_stage_and_a_second_call_does_nothing(rt_mix):
    options = ["--count", "3", "--strategy", "paper", "--base-size", "4", "--seed", "5", "--json"]
    done = rt_mix(*options)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["summary"]["base_kept"], result["summary"]["refusals"], result["up_to_date"]) == (4, 3, False)
    assert json.loads(rt_mix(*options).stdout)["up_to_date"] is True


def test_a_dry_run_shows_the_settings_and_does_nothing(rt_mix, tmp_path):
    plan = json.loads(rt_mix("--count", "3", "--base-size", "all", "--seed", "5", "--dry-run", "--json").stdout)
    assert plan["settings"]["base_size"] is None
    assert (plan["settings"]["num_refusals"], plan["settings"]["seed"]) == (3, 5)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", "6"], "6 refusals are asked for, but 5 of the pool's 5 rows"),
        (["--strategy", "best"], "strategy"),
        (["--base-size", "many"], "base_size"),
        (["--set", "num_refusal=1"], "did you mean 'num_refusals'"),
    ],
)
def test_mistakes_exit_with_2_and_a_plain_message(rt_mix, arguments, message):
    done = rt_mix(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
