"""Readers: which columns are read, and what is quarantined with line and reason."""

from __future__ import annotations

import json

import pytest

from artifacts.errors import InputError
from data_curation.readers import Columns
from data_curation.readers.read import LOOKAHEAD, choose_layout
from data_curation.readers.rows import MAX_RAW, RawRow
from tests.data_curation.readings import faults, jsonl, pairs, read


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"response": "R"}, (None, "R")),
        ({"instruction": "I", "response": "R"}, ("I", "R")),
        ({"instruction": "I", "input": "C", "output": "R"}, ("I\n\nC", "R")),
        ({"instruction": "I", "context": "C", "response": "R", "category": "x"}, ("I\n\nC", "R")),
        ({"instruction": "I", "input": " \n", "output": "R"}, ("I", "R")),
        ({"instruction": "I", "input": None, "output": "R"}, ("I", "R")),
        ({"instruction": None, "response": "R"}, (None, "R")),
        ({"prompt": "I", "completion": "R"}, ("I", "R")),
        ({"messages": [{"role": "user", "content": "I"}, {"role": "assistant", "content": "R"}]}, ("I", "R")),
        ({"conversations": ["I", "R"]}, ("I", "R")),
        ({"conversations": [{"from": "human", "value": "I"}, {"from": "gpt", "value": "R"}]}, ("I", "R")),
        ({"messages": [{"role": "assistant", "content": "R"}]}, (None, "R")),
        (
            {
                "messages": [
                    {"role": "system", "content": "S"},
                    {"role": "user", "content": "I"},
                    {"role": "assistant", "content": "R"},
                ]
            },
            ("I", "R"),
        ),
    ],
)
def test_known_layouts_are_recognised(tmp_path, row, expected):
    assert pairs(read(jsonl(tmp_path, row))) == [expected]


def test_of_a_longer_conversation_the_first_exchange_is_taken_and_counted(tmp_path):
    reading = read(jsonl(tmp_path, {"conversations": ["I", "R", "more", "and more"]}, {"conversations": ["J", "S"]}))
    assert pairs(reading) == [("I", "R"), ("J", "S")]
    assert reading.multi_turn == 1


def turns(*pairs):
    return {"messages": [{"role": role, "content": content} for role, content in pairs]}


def test_the_answer_goes_with_the_user_turn_just_before_it_and_turns_before_are_counted(tmp_path):
    asked_twice = turns(("user", "Hi"), ("user", "What is 2+2?"), ("assistant", "4"))
    told = turns(("system", "S"), ("user", "I"), ("assistant", "R"))
    greeted = turns(("assistant", "Hello"), ("user", "I"), ("assistant", "R"))
    plain = turns(("user", "I"), ("assistant", "R"))
    reading = read(jsonl(tmp_path, asked_twice, told, greeted, plain))
    assert pairs(reading) == [("What is 2+2?", "4"), ("I", "R"), ("I", "R"), ("I", "R")]
    assert reading.multi_turn == 3


def test_an_unknown_role_before_the_answer_is_quarantined(tmp_path):
    unknown = turns(("prompter", "Q"), ("assistant", "A"))
    later = turns(("user", "I"), ("assistant", "R"), ("prompter", "more"))
    reading = read(jsonl(tmp_path, later, unknown))
    assert pairs(reading) == [("I", "R")]
    (bad,) = reading.quarantined
    assert bad.reason == "'messages[0]' has the unknown role 'prompter', before the first answer"


def test_named_columns_win_over_known_ones_and_bring_no_context_unasked(tmp_path):
    path = jsonl(tmp_path, {"q": "I", "a": "R", "response": "other", "input": "C"})
    assert pairs(read(path, response="a", instruction="q")) == [("I", "R")]
    assert pairs(read(path, response="a", instruction="q", context="input")) == [("I\n\nC", "R")]


@pytest.mark.parametrize("separator", ["\u0085", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c"])
def test_only_a_line_feed_ends_a_json_line(tmp_path, separator):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(
        f'{{"response": "a{separator}b"}}\r\n{{"response": "c"}}'.encode()
        if separator in "\u0085\u2028\u2029"
        else b'{"response": "a%bb"}\r\n{"response": "c"}' % json.dumps(separator)[1:-1].encode()
    )
    assert pairs(read(path)) == [(None, f"a{separator}b"), (None, "c")]


def test_lines_that_cannot_be_used_are_quarantined_with_line_and_reason(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"instruction": "i", "response": "good"}\n'
        b"not json\n"
        b"\n"
        b'{"response": "no instruction"}\n'
        b'{"instruction": "i", "response": 5}\n'
        b'{"instruction": "i", "response": null}\n'
        b'{"instruction": "i", "response": ["x"]}\n'
        b'{"instruction": 5, "response": "x"}\n'
        b'{"instruction": "i", "response": "bad \xff byte"}\n'
        b'{"instruction": "i", "response": "\\ud800"}\n'
        b"[1]\n"
        b'{"instruction": "i", "response": "cut'
    )
    reading = read(path)
    assert pairs(reading) == [("i", "good")]
    assert [line for line, _ in faults(reading)] == list(range(2, 13))
    words = [
        "not JSON",
        "empty line",
        "no column 'instruction'",
        "'response' is a number",
        "'response' is null",
        "'response' is a list",
        "'instruction' is a number",
        "not UTF-8 at byte 39",
        "lone surrogate",
        "a list, not an object",
        "not JSON",
    ]
    for (_, reason), word in zip(faults(reading), words, strict=True):
        assert word in reason
    assert reading.quarantined[7].raw.endswith('"bad \\xff byte"}')
    assert reading.rows_in == 12
    assert [record.row for record in reading.records] == [0]


def test_long_raw_text_is_cut_and_its_length_told(tmp_path):
    reading = read(jsonl(tmp_path, {"response": "x"}, {"response": [0], "filler": "y" * 5000}))
    (entry,) = reading.quarantined
    assert len(entry.raw) == MAX_RAW
    assert entry.raw_length == len(json.dumps({"response": [0], "filler": "y" * 5000}))


def test_numbers_and_nesting_that_break_the_parser_spoil_their_line_only(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"response": "x"}\n{"response": ' + "9" * 5000 + "}\n" + "[" * 100_000 + "\n")
    assert [line for line, _ in faults(read(path))] == [2, 3]


def test_a_row_keeps_its_place_whatever_is_quarantined_before_it(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('nothing\n{"response": "x"}\n')
    assert [record.row for record in read(path).records] == [1]


def test_the_raw_text_is_the_whole_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"response": "x"}\n \x0b not json \t\r\n')
    assert [entry.raw for entry in read(path).quarantined] == [" \x0b not json \t"]


def test_no_more_rows_are_held_than_it_takes_to_know_the_columns():
    raws = (RawRow(row, row + 1, {"response": "x"} if row >= 150 else {"other": 1}) for row in range(1000))
    layout, held = choose_layout(raws, Columns(), "rows")
    assert (layout.response, len(held)) == ("response", 151)
    raws = (RawRow(row, row + 1, {"response": "x"}) for row in range(1000))
    assert len(choose_layout(raws, Columns(), "rows")[1]) == LOOKAHEAD


def test_columns_that_appear_late_are_found(tmp_path):
    late = [{"other": 1}] * 150 + [{"response": "x"}]
    reading = read(jsonl(tmp_path, *late))
    assert (len(reading.records), len(reading.quarantined)) == (1, 150)


RESPONSES, PAIRS = [{"response": "R"}] * LOOKAHEAD, [{"instruction": "I", "response": "R"}] * LOOKAHEAD
LATE = {"instruction": "Summarise:", "input": "THE TEXT", "response": "B."}


@pytest.mark.parametrize(
    ("first", "role", "name"), [(RESPONSES, "instruction", "instruction"), (PAIRS, "context", "input")]
)
def test_an_instruction_or_context_that_appears_late_is_refused_with_its_place(tmp_path, first, role, name):
    path = jsonl(tmp_path, *first, {"response": "x", "input": " ", "instruction": None}, LATE)
    with pytest.raises(InputError) as error:
        read(path)
    assert f"{path}:{LOOKAHEAD + 2}: the {role} column '{name}' appears only here" in str(error.value)
    assert f"name it with --{role}-column {name}" in str(error.value)
    reading = read(path, instruction="instruction", context="input")
    assert (reading.records[-1].instruction, reading.rows_in) == ("Summarise:\n\nTHE TEXT", LOOKAHEAD + 2)
    assert len(reading.quarantined) == (LOOKAHEAD if first is RESPONSES else 0)
    (tmp_path / "folder").mkdir()
    jsonl(tmp_path / "folder", *first, name="a.jsonl")
    jsonl(tmp_path / "folder", LATE, name="b.jsonl")
    with pytest.raises(InputError, match=rf"folder/b\.jsonl:1: the {role} column '{name}' appears only here"):
        read(tmp_path / "folder")


@pytest.mark.parametrize("name", ["input", "context"])
def test_a_context_without_an_instruction_is_refused_and_not_left_out(tmp_path, name):
    path = jsonl(tmp_path, {name: "", "output": "R"}, {name: "Where is it?", "output": "There."})
    with pytest.raises(InputError, match=rf"{path}:2: the context column '{name}' has no instruction") as error:
        read(path)
    assert f"--instruction-column {name}" in error.value.fix
    assert pairs(read(path, instruction=name)) == [("", "R"), ("Where is it?", "There.")]


def test_late_columns_that_the_layout_leaves_alone_do_no_harm(tmp_path):
    path = jsonl(tmp_path, *PAIRS, LATE)
    assert read(path, instruction="instruction").records[-1].instruction == "Summarise:"
    assert len(read(jsonl(tmp_path, *RESPONSES, {"response": "R", "context": " "})).records) == LOOKAHEAD + 1
    turns = {"messages": ["I", "R"]}
    assert len(read(jsonl(tmp_path, *[turns] * LOOKAHEAD, LATE | turns)).records) == LOOKAHEAD + 1
    assert pairs(read(jsonl(tmp_path, *[{"prompt": "R"}] * LOOKAHEAD, {"prompt": "S"}), response="prompt"))[-1] == (
        None,
        "S",
    )
