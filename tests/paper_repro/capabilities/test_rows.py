"""Rows for lm-eval's tasks: both forms of a file, and faults named with file, line and key."""

from __future__ import annotations

import json

import pytest

from artifacts.errors import InputError
from paper_repro.capabilities.rows import is_preprocessed, task_rows

MMLU = {"question": "Which?", "subject": "anatomy", "choices": ["a", "b", "c", "d"], "answer": 3}
BOOK = {"question_stem": "Geese", "choices": {"text": ["fly", "bark"], "label": ["A", "B"]}, "answerKey": "A"}
ARC = {"question": "Why?", "choices": ["x", "y", "z"], "answer_index": 2}
SWAG = {"query": "Geese: they", "choices": ["a", "b", "c", "d"], "gold": 1}
RAW = {"ctx_a": "They", "ctx_b": "fly", "activity_label": "Geese", "endings": ["a", "b"], "label": "0"}
PIQA = {"goal": "Open it", "sol1": "pull", "sol2": "push"}


@pytest.fixture
def write(tmp_path):
    def call(*rows, name="rows.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return path

    return call


def one(task, *paths):
    return task_rows(task, paths)[0]


def test_the_mirrors_arc_gets_labels_back(write):
    (row,) = one("arc_easy", write(ARC))
    assert row == {"question": "Why?", "choices": {"text": ["x", "y", "z"], "label": ["A", "B", "C"]}, "answerKey": "C"}


def test_the_hubs_arc_keeps_its_labels(write):
    hub = {"question": "Why?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2", "id": "q"}
    assert one("arc_challenge", write(hub)) == [{key: hub[key] for key in ("question", "choices", "answerKey")}]


def test_hellaswag_is_known_to_be_preprocessed_by_its_columns(write):
    assert one("hellaswag", write(SWAG)) == [{"query": "Geese: they", "choices": ["a", "b", "c", "d"], "label": "1"}]
    assert is_preprocessed(one("hellaswag", write(SWAG)))
    assert not is_preprocessed(one("hellaswag", write(RAW)))


def test_no_line_end_but_lf_ends_a_row(write):
    rows = one("mmlu", write(MMLU | {"question": "one\x85two\u2028three"}, MMLU))
    assert [row["question"] for row in rows] == ["one\x85two\u2028three", "Which?"]


def test_labels_of_piqa_come_from_their_own_file(write, tmp_path):
    labels = tmp_path / "labels.lst"
    labels.write_text("1\n0\n")
    assert [row["label"] for row in one("piqa", write(PIQA, PIQA), labels)] == [1, 0]
    labels.write_text("1\n")
    with pytest.raises(InputError, match="1 labels for the 2 rows"):
        one("piqa", write(PIQA, PIQA), labels)
    labels.write_text("1\n2\n")
    with pytest.raises(InputError, match=r"labels.lst:2: the label is '2'"):
        one("piqa", write(PIQA, PIQA), labels)


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        ("mmlu", {k: v for k, v in MMLU.items() if k != "answer"}, "no 'answer'"),
        ("mmlu", MMLU | {"answer": 4}, "'answer' is 4"),
        ("mmlu", MMLU | {"answer": True}, "'answer' is true or false"),
        ("mmlu", MMLU | {"choices": ["a", "b"]}, "2 choices"),
        ("mmlu", MMLU | {"question": None}, "'question' is null"),
        ("openbookqa", BOOK | {"answerKey": "E"}, "the answer 'E' is none of the choices"),
        ("openbookqa", BOOK | {"choices": ["fly"]}, "'choices' is a list"),
        ("arc_easy", ARC | {"answer_index": 3}, "'answer_index' is 3"),
        ("hellaswag", SWAG | {"choices": ["a", 2]}, "'choices' must be a list of at least two texts"),
        ("gsm8k_cot_llama", {"question": "How many?"}, "no 'answer'"),
    ],
)
def test_a_fault_names_file_line_and_key(write, task, row, message):
    good = {"mmlu": MMLU, "openbookqa": BOOK, "arc_easy": ARC, "hellaswag": SWAG}.get(
        task, {"question": "How?", "answer": "#### 1"}
    )
    with pytest.raises(InputError) as caught:
        one(task, write(good, row))
    assert message in str(caught.value)
    assert caught.value.where.endswith("rows.jsonl:2")
