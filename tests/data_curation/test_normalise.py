"""normalise: what is repaired, and what stays exactly as its author wrote it."""

from __future__ import annotations

import time

import pytest

from data_curation.normalise import Normalise, NormaliseSettings
from data_curation.records import make_records

NORMALISE = Normalise(NormaliseSettings())


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("mojibake", "It\u00e2\u20ac\u2122s here", "It\u2019s here"),
        ("mojibake", "caf\u00c3\u00a9", "caf\u00e9"),
        ("mojibake", "party \u00f0\u0178\u017d\u2030", "party \U0001f389"),
        ("mojibake", "wait\u0085", "wait\u2026"),
        ("line_ends", "a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("surrogates", "\ud83d\ude00 and \ud83d alone", "\U0001f600 and \ufffd alone"),
        ("nulls", "a\x00b\x00", "ab"),
        ("controls", "a\x07b \x1b[1;31mred\x1b[0m", "ab red"),
        ("invisible", "a\u200bb\ufeffc\u00add\uffffe", "abcde"),
        ("invisible", "hidden\U000e0069\U000e0067", "hidden"),
        ("chat_marks", "<|assistant|>\nHello", "Hello"),
        ("chat_marks", "<|im_start|>assistant\nHello<|im_end|>\n", "Hello"),
        ("chat_marks", "### Response:\nHello</s>", "Hello"),
        ("chat_marks", "Hello<|eot_id|><|end_of_text|>", "Hello"),
        ("chat_marks", "<bos> <|assistant|>\nHello", "Hello"),
        ("chat_marks", "<s>struck out</s></s>", "<s>struck out</s>"),
        ("unicode", "e\u0301", "\u00e9"),
        ("white_space", "a  \t\nb \n\nc\n\n", "a\nb\n\nc"),
        ("white_space", "\n \n Hello", "Hello"),
        ("white_space", "a\n   \nb", "a\n\nb"),
    ],
)
def test_each_kind_of_damage_is_repaired_and_named(kind, before, after):
    text, kinds = NORMALISE.repair(before)
    assert text == after
    assert kind in kinds


@pytest.mark.parametrize(
    "text",
    [
        "\"straight\" and \u201ccurly\u201d 'quotes' \u2013 and dashes \u2014",
        "def f(x):\n    return x  # \t tab\n",
        "    indented first line\n  second",
        "a hard break  \nof Markdown",
        "an area of 7.854 \u00c5\u00b2 or a volume of 79.7 \u00c5\u00b3",
        "\ufb01ne ligature, full\uff57idth, &amp; an entity &lt;b&gt;",
        "family \U0001f468\u200d\U0001f469\u200d\U0001f467, Persian \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "<s>struck out</s>",
        "The mark <|im_end|> ends a turn.",
        "### Response to the readers\nThank you.",
        "S\u00c3O PAULO",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f is Scotland's flag",
        "right to left: \u200f\u05d0 and an array[0;31m]",
    ],
)
def test_what_an_author_wrote_stays(text):
    assert NORMALISE.repair(text) == (text.rstrip("\n"), ["white_space"] if text.endswith("\n") else [])


def test_only_the_line_that_shows_damage_is_decoded_again():
    text = "It\u00e2\u20ac\u2122s here\nan area of 7.854 \u00c5\u00b2"
    assert NORMALISE.repair(text) == ("It\u2019s here\nan area of 7.854 \u00c5\u00b2", ["mojibake"])


def test_repairing_twice_changes_nothing_more():
    texts = [
        "It\u00e2\u20ac\u2122s \r\n <|assistant|>",
        "</s></s> x <|assistant|>\n y  \n  \n",
        "\x00 \u200b a \t",
        "\x1b[\x00[1mx\ud83d\u200b\ude00",
    ]
    for text in texts:
        once, _ = NORMALISE.repair(text)
        assert NORMALISE.repair(once) == (once, [])


def test_every_kind_can_be_switched_off():
    damaged = "<|assistant|>\r\ncaf\u00c3\u00a9 e\u0301\u200b \x07\x00\ud83d  \n"
    off = dict.fromkeys(set(NormaliseSettings.model_fields) - {"step"}, False)
    assert len(off) == 9
    assert Normalise(NormaliseSettings(**off)).repair(damaged) == (damaged, [])
    for kind in off:
        _, kinds = Normalise(NormaliseSettings(**(off | {kind: True}))).repair(damaged)
        assert kinds == [kind]


def test_the_step_changes_only_damaged_records_and_counts_each_kind(tmp_path):
    records = make_records("s", [(0, None, "fine"), (1, None, "a\r\nb "), (2, None, "c ")])
    result = NORMALISE.apply(records, tmp_path)
    assert result.drops == []
    assert result.responses == {records[1].row_id: "a\nb", records[2].row_id: "c"}
    assert result.measures["changed.white_space"] == 2
    assert result.measures["changed.line_ends"] == 1
    assert result.measures["changed.mojibake"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "<|assistant|>" * 80_000,
        "x" + "</s> " * 200_000,
        "<|im_end|>" * 100_000 + "x",
        "a" + " " * 1_000_000 + "b",
        "\u00e2\u20ac\u2122 " * 30_000,
        "\x1b[" * 300_000,
        "\ud83d" * 300_000,
        "a\x00" * 300_000,
        " \n" * 300_000 + "end",
    ],
    ids=["opening", "closing", "inside", "spaces", "mojibake", "escapes", "surrogates", "nulls", "blank-lines"],
)
def test_a_response_of_a_megabyte_takes_a_moment(text):
    started = time.process_time()
    repaired, _ = NORMALISE.repair(text)
    assert time.process_time() - started < 5
    assert len(repaired) <= len(text)
