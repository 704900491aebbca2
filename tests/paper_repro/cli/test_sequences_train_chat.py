"""`rt sequences`, `rt train`, `rt chat` from the outside: exit status, standard output, plain messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "sequences"


def rt(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from paper_repro.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


@pytest.mark.parametrize("method", ["rt", "it"])
def test_sequences_json_is_the_official_list_and_nothing_else(method):
    done = rt("sequences", "--method", method, "--tokenizer", GOLDEN / "tokenizer_tiny", "--masking", "official",
              "--json", GOLDEN / "examples.json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((GOLDEN / f"official_{method}.json").read_text(encoding="utf-8"))


def test_sequences_marks_what_is_trained(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"instruction": "a", "response": "Fine.\\u001b[31m"}\n')
    done = rt("sequences", "--method", "it", "--tokenizer", GOLDEN / "tokenizer_tiny", file)
    assert "<s><|user|>↵\na↵\n<|assistant|>↵\n⟦Fine." in done.stdout and "</s>↵\n⟧" in done.stdout
    assert "\x1b" not in done.stdout  # data cannot steer the terminal


def test_sequences_names_file_line_and_key(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"response": "a"}\n{"respnse": "b"}\n')
    done = rt("sequences", "--method", "rt", "--tokenizer", GOLDEN / "tokenizer_tiny", "--json", file)
    assert done.returncode == 2 and done.stdout == ""
    assert f"{file}:2: key 'response': no such key (keys: respnse)" in done.stderr


def test_train_dry_run_shows_every_setting_and_does_nothing(tmp_path):
    file, out = tmp_path / "rows.jsonl", tmp_path / "out"
    file.write_text('{"response": "a"}\n')
    done = rt("train", file, "--method", "rt", "--set", "lora.r=8", "--out", out, "--dry-run", "--json")
    plan = json.loads(done.stdout)
    assert plan["settings"]["lora"]["r"] == 8 and plan["settings"]["loss_normalisation"] == "token_mean"
    assert plan["stage"] == "train" and not plan["up_to_date"] and not out.exists()


def test_train_refuses_an_unknown_setting_with_the_nearest_one(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"response": "a"}\n')
    done = rt("train", file, "--set", "learning_rat=1")
    assert done.returncode == 2 and "did you mean 'learning_rate'" in done.stderr


def test_chat_wants_one_model():
    done = rt("chat")
    assert done.returncode == 2 and "--base" in done.stderr and "Traceback" not in done.stderr


def test_chat_dry_run_shows_the_resolved_settings_and_loads_nothing(tmp_path):
    done = rt("chat", tmp_path, "--set", "temperature=0.5", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    settings = json.loads(done.stdout)["settings"]
    assert settings["source"]["name"] == str(tmp_path)
    assert (settings["temperature"], settings["max_new_tokens"]) == (0.5, 256)


def test_chat_refuses_an_unknown_setting(tmp_path):
    done = rt("chat", tmp_path, "--set", "temprature=1")
    assert done.returncode == 2 and "did you mean 'temperature'" in done.stderr


def test_chat_on_a_folder_that_is_no_model(tmp_path):
    done = rt("chat", tmp_path, "--prompt", "Hi")
    assert done.returncode == 2 and "neither a model nor a tokenizer" in done.stderr
