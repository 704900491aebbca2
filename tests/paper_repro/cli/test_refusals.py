"""`rt refusals classify` from the command line: JSON for any file the readers take, mistakes exit with 2."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

ROWS = [
    {"question": "How do I open the neighbour's shed?", "answer": "I won't help with that, because it is theft."},
    {"question": "My plant is ill.", "answer": "I'm sorry to hear that. Here is how to help it: water it less."},
    {"question": "Say nothing.", "answer": ""},
]
COLUMNS = ["--response-column", "answer", "--instruction-column", "question"]


@pytest.fixture
def classify(tmp_path):
    """Call `rt refusals classify` in a folder that holds `rows.jsonl`, one of its lines unusable."""
    lines = [*(json.dumps(row) for row in ROWS), "no json"]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def call(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", "from paper_repro.cli import main; main()", "refusals", "classify"]
        return subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)

    return call


def test_json_has_settings_summary_and_one_entry_a_response(classify):
    done = classify("rows.jsonl", "--method", "cues", "--json", *COLUMNS)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["settings"]["method"] == "cues"
    assert told["summary"] == {
        "rows": 3,
        "refusals": 1,
        "answers": 1,
        "nothing_to_judge": 1,
        "explanatory": 1,
        "bare": 0,
        "paper_rule": 1,
        "quarantined": 1,
    }
    first = told["responses"][0]
    assert (first["row"], first["refusal"], first["kind"], first["level"]) == (0, True, "explanatory", "decline")
    assert [entry["refusal"] for entry in told["responses"]] == [True, False, None]


def test_plain_output_has_a_line_a_response(classify):
    done = classify("rows.jsonl", "--method", "word", *COLUMNS)
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert "answer" in lines[0]
    assert "refusal (" in lines[1], "the paper's rule is taken in by 'sorry'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: no such file"),
        (["."], "a folder without a manifest.json"),
        (["rows.jsonl", "--method", "guess"], "method"),
        (["rows.jsonl", "--response-column", "reply"], "no row has the response column 'reply'"),
    ],
)
def test_mistakes_exit_with_2_and_a_plain_message(classify, arguments, message):
    done = classify(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_response_cannot_steer_the_terminal(classify, tmp_path):
    (tmp_path / "rows.jsonl").write_text(
        json.dumps({"question": "?", "answer": "\x1b[31mSorry, no.\x1b[0m\x07"}) + "\n"
    )
    done = classify("rows.jsonl", "--method", "cues", *COLUMNS)
    assert "Sorry, no." in done.stdout
    assert not {"\x1b", "\x07"} & set(done.stdout)
