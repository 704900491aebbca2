"""Weights served on this machine under a name of one's own, and a judge that asks them: a real server, no network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from artifacts.settings import Settings
from artifacts.stage import Stage
from experiments.machines import ServedJudge
from experiments.served import serving
from paper_repro.columns import write_rows
from paper_repro.generate.schema import GENERATIONS, SCHEMA
from paper_repro.judge import JudgeSettings, judge
from paper_repro.judge.schema import read_verdicts

NAME = "small.judge-1"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tiny_base, tmp_path_factory):
    """Address of a server that runs as a profile's does: started by its command, ready once it lists its model."""
    for package in ("fastapi", "uvicorn"):
        pytest.importorskip(package, reason=f"transformers serve needs {package}")
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("weights")
    weights = folder / "tiny"
    shutil.copytree(tiny_base, weights)
    tokenizer = AutoTokenizer.from_pretrained(weights)
    tokenizer.chat_template = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}<|assistant|>"
    tokenizer.save_pretrained(weights)
    command = f"{sys.executable} -m experiments.serve {weights} --name {{model}} --port {{port}}"
    with serving(ServedJudge(model=NAME, command=command, start_minutes=4), folder / "log") as url:
        yield url


def replies(folder):
    rows = [
        {"prompt_id": subset, "benchmark": "b", "subset": subset, "prompt": "Name a fruit.", "response": "A pear."}
        for subset in ("regular", "safety")
    ]

    def work(settings, inputs, workspace):
        facts = {"finish_reason": "eos", "num_tokens": 3, "reference": None}
        write_rows(workspace.path / GENERATIONS, [row | facts for row in rows], SCHEMA)
        workspace.summary.update(condition={"base_model": "tiny", "model_size": 1, "method": "untuned"})

    return Stage("generate", "generations", 1, Settings, work).run(Settings(), folder)[0].path


def test_a_judge_asks_the_model_by_its_name_and_only_about_the_subsets_it_is_for(served, tmp_path):
    settings = JudgeSettings(
        judge="refusal-llm",
        subsets=("safety",),
        cache=tmp_path / "answers.sqlite",
        parameters={"model": {"name": NAME, "decoding": {"max_tokens": 4}}},
        server={"url": served, "retries": 0},
    )
    made = judge(settings, replies(tmp_path / "replies"), tmp_path / "verdicts")
    assert [(row["prompt_id"], row["status"]) for row in read_verdicts(made.path)] == [("safety", "unclassified")]
    assert made.summary["asked"] == 1
    assert "/" not in json.dumps(made.identity.settings["parameters"]["model"]), "no path of this machine"
    assert made.identity.settings["subsets"] == ["safety"]


def test_a_path_is_no_name(tiny_base):
    command = [sys.executable, "-m", "experiments.serve", str(tiny_base), "--name", "a/b", "--port", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "a name, not a path" in done.stderr
