"""Rows of the pinned files in the shape that lm-eval's own tasks read (the columns of the hub's data sets).

| task | columns given to lm-eval | from the mirror's columns |
|---|---|---|
| mmlu | question, subject, choices, answer | the same |
| openbookqa | question_stem, choices (text, label), answerKey | the same |
| hellaswag | ctx_a, ctx_b, activity_label, endings, label | query, choices, gold: lm-eval's preprocessing is left out |
| arc_* | question, choices (text, label), answerKey | question, choices, answer_index: labels A, B, ... put back |
| gsm8k_cot_llama | question, answer | the same |
| piqa | goal, sol1, sol2, label | the same, the label from a file of its own |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifacts.errors import InputError
from data_curation.readers.formats import raw_rows
from data_curation.readers.json_rows import type_word

LETTERS = "ABCDEFGHIJ"
RAW_HELLASWAG = ("ctx_a", "ctx_b", "activity_label", "endings", "label")
Row = dict[str, Any]


def task_rows(task: str, paths: Sequence[Path]) -> list[list[Row]]:
    """Rows of a task's files, a list a split, in the order of the files, with the columns that lm-eval's task reads.

    Args:
        task: lm-eval's name of it.
        paths: The pinned files, one a split; of PIQA the mirror's items and labels are one split.

    Raises:
        InputError: a row that cannot be read, lacks a column or holds another type; names file, line and key.
    """
    if task == "piqa" and len(paths) == 2:
        return [_labelled(*paths)]
    return [[_shaped(task, values, where) for values, where in _read(path)] for path in paths]


def is_preprocessed(rows: Sequence[Row]) -> bool:
    """Whether HellaSwag's rows already went through lm-eval's preprocessing."""
    return "query" in rows[0]


def _read(path: Path) -> list[tuple[Mapping[str, Any], str]]:
    rows = []
    for raw in raw_rows(path):
        where = f"{path}:{raw.line}" if raw.line is not None else f"{path}, row {raw.row}"
        if raw.values is None:
            raise InputError(str(raw.fault), where=where)
        rows.append((raw.values, where))
    if not rows:
        raise InputError("there are no rows in it", where=str(path))
    return rows


def _labelled(items: Path, labels: Path) -> list[Row]:
    """PIQA's rows with the labels of the other file, a line a row; only LF ends a line."""
    given = labels.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    rows = _read(items)
    if len(given) != len(rows):
        raise InputError(f"{len(given)} labels for the {len(rows)} rows of {items.name}", where=str(labels))
    found = []
    for line, (label, (values, where)) in enumerate(zip(given, rows, strict=True), 1):
        if label not in ("0", "1"):
            raise InputError(f"the label is {label!r}", where=f"{labels}:{line}", fix="0 or 1")
        found.append(_shaped("piqa", {**values, "label": int(label)}, where))
    return found


def _shaped(task: str, values: Mapping[str, Any], where: str) -> Row:
    return _SHAPES[task](values, where)


def _text(values: Mapping[str, Any], key: str, where: str) -> str:
    return _typed(values, key, where, str, "text")


def _number(values: Mapping[str, Any], key: str, where: str, below: int) -> int:
    number = _typed(values, key, where, int, "a whole number")
    if not 0 <= number < below:
        raise InputError(f"'{key}' is {number}", where=where, fix=f"from 0 to {below - 1}")
    return number


def _texts(values: Mapping[str, Any], key: str, where: str) -> list[str]:
    texts = _typed(values, key, where, list, "a list of texts")
    if len(texts) < 2 or not all(isinstance(text, str) for text in texts):
        raise InputError(f"'{key}' must be a list of at least two texts", where=where)
    return texts


def _typed(values: Mapping[str, Any], key: str, where: str, kind: type, words: str) -> Any:
    if key not in values:
        raise InputError(f"the row has no '{key}'", where=where, fix=f"its keys: {', '.join(map(str, values))}")
    if not isinstance(values[key], kind) or isinstance(values[key], bool):
        raise InputError(f"'{key}' is {type_word(values[key])}", where=where, fix=f"it must be {words}")
    return values[key]


def _mmlu(values: Mapping[str, Any], where: str) -> Row:
    choices = _texts(values, "choices", where)
    if len(choices) != 4:
        raise InputError(f"{len(choices)} choices", where=where, fix="MMLU has four")
    return {
        "question": _text(values, "question", where),
        "subject": _text(values, "subject", where),
        "choices": choices,
        "answer": _number(values, "answer", where, 4),
    }


def _openbookqa(values: Mapping[str, Any], where: str) -> Row:
    return {"question_stem": _text(values, "question_stem", where), **_lettered(values, where)}


def _arc(values: Mapping[str, Any], where: str) -> Row:
    question = {"question": _text(values, "question", where)}
    if "answer_index" not in values:
        return question | _lettered(values, where)
    texts = _texts(values, "choices", where)
    answer = _number(values, "answer_index", where, len(texts))
    return question | {"choices": {"text": texts, "label": list(LETTERS[: len(texts)])}, "answerKey": LETTERS[answer]}


def _lettered(values: Mapping[str, Any], where: str) -> Row:
    """Choices with labels, and the label of the right one."""
    choices = _typed(values, "choices", where, dict, "an object")
    labels, texts = _texts(choices, "label", where), _texts(choices, "text", where)
    key = _text(values, "answerKey", where)
    if len(labels) != len(texts) or key.lstrip() not in labels:
        raise InputError(f"the answer '{key}' is none of the choices {', '.join(labels)}", where=where)
    return {"choices": {"text": texts, "label": labels}, "answerKey": key}


def _hellaswag(values: Mapping[str, Any], where: str) -> Row:
    if "gold" in values:
        choices = _texts(values, "choices", where)
        label = _number(values, "gold", where, len(choices))
        return {"query": _text(values, "query", where), "choices": choices, "label": str(label)}
    row = {key: _text(values, key, where) for key in RAW_HELLASWAG if key != "endings"}
    return row | {"endings": _texts(values, "endings", where)}


def _gsm8k(values: Mapping[str, Any], where: str) -> Row:
    return {key: _text(values, key, where) for key in ("question", "answer")}


def _piqa(values: Mapping[str, Any], where: str) -> Row:
    texts = {key: _text(values, key, where) for key in ("goal", "sol1", "sol2")}
    return texts | {"label": _number(values, "label", where, 2)}


_SHAPES: dict[str, Callable[[Mapping[str, Any], str], Row]] = {
    "mmlu": _mmlu,
    "openbookqa": _openbookqa,
    "hellaswag": _hellaswag,
    "arc_easy": _arc,
    "arc_challenge": _arc,
    "gsm8k_cot_llama": _gsm8k,
    "piqa": _piqa,
}
