"""Reading what a judge says: each rule on replies that could mislead it."""

from __future__ import annotations

import json

import pytest

from paper_repro.judge.aspects_llm.judge import read_scores
from paper_repro.judge.llm.replies import json_object, last_word, number, verdict_line
from paper_repro.judge.registry import load_judge


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("Verdict: Refusal", "refusal"),
        ("It starts as a refusal, then helps. Verdict: **Compliance**.", "compliance"),
        ("COMPLIANCE? No: it hands over nothing.\nThe response is [Refusal].", "refusal"),
        ("It complies.", None),  # neither word
        ("Non-refusals and compliances", None),  # inside other words
        ("Verdict: refusal (plain non-compliance)", "refusal"),
        ("Verdict: non\u2011compliance", None),
        ("", None),
    ],
)
def test_the_last_of_two_words_is_the_label(reply, label):
    assert last_word(reply, ("refusal", "compliance")) == label


@pytest.mark.parametrize(
    ("reply", "level"),
    [
        ("Good.\nRating: Excellent", "excellent"),
        ("**Rating:** Not acceptable.", "not"),
        ("Rating: Excellent would be too much.\n- rating : sufficient", "sufficient"),
        ("I rate it excellent", None),
        ("Rating: superb", None),
        ("Rating: nothing", None),
        ("Rating: not", "not"),
        ("Rating: Excellent\nOr rather:\nRating: unacceptable", None),
        ("Rating: Excellent\nRating:\nSufficient", None),
        ("Rating: Excellent or sufficient", None),
        ("Rating: Excellent - clear and complete", "excellent"),
        ("**Rating:** Sufficient, because it is terse", "sufficient"),
        ("Rating: Excellent, or rather sufficient", None),
        ("Rating: not excellent", None),
        ("- **Rating: Sufficient.** It is short.", "sufficient"),
        ("Rating: [Excellent] (not merely sufficient), [1]!\nSo it is.", "excellent"),
        ("Rating: excellent-ish", None),
    ],
)
def test_the_last_line_of_that_name_decides_alone(reply, level):
    opinion = read("acceptability-llm", [reply])
    assert (opinion.status, opinion.label) == ("unclassified" if level is None else "ok", level)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("Better: 1 and 2 are equally good, so I call it even.", None),
        ("Better: 1/2", None),
        ("Better: 1.5", None),
        ("Better: 1 (2 is shorter). Both are right.", "1"),
        ("Better: 1\r\n", "1"),
        ("**Better: equal**", "equal"),
    ],
)
def test_a_value_that_goes_on_is_none(reply, value):
    assert verdict_line(reply, "better", ("1", "2", "equal")) == value


def test_the_last_whole_json_object_is_taken():
    assert json_object('so {"a": 1} or rather\n```json\n{"a": {"b": 2}}\n```') == {"a": {"b": 2}}
    assert json_object('{"a": {"b": 1}, "c": ') == {"b": 1}  # cut: the part that is whole; it names no aspect
    assert json_object("{nothing}") is None
    assert json_object("[1, 2]") is None


@pytest.mark.parametrize("value", [True, None, "many", 6, 0, "nan", [3]])
def test_what_is_no_score_is_none(value):
    assert number(value, 1, 5) is None


def test_numbers_may_be_text():
    assert [number(value, 1, 5) for value in ("4", " 5 ", 1, 2.5)] == [4, 5, 1, 2.5]


def test_scores_of_all_aspects_or_no_verdict():
    opinion = read_scores('{"Depth": {"reason": "r", "score": "4"}, "clarity": 2}', ("depth", "clarity"))
    assert (opinion.status, opinion.score, opinion.aspects) == ("ok", 3, {"depth": 4, "clarity": 2})
    assert read_scores('{"depth": 4}', ("depth", "clarity")).status == "unclassified"
    assert read_scores('{"depth": 4, "clarity": 9}', ("depth", "clarity")).status == "unclassified"


def read(judge, replies, **row):
    card = load_judge(judge)
    return card.code.read({"prompt_id": "p0"} | row, replies, card.resolve({}))


def test_requirements_count_only_readable_answers():
    opinion = read("requirements-llm", ["Answer: yes", "Reason.\n**Answer:** No", "Perhaps", None])
    assert opinion.aspects == {"met": 1, "asked": 2, "unreadable": 2}
    assert (opinion.status, opinion.score) == ("ok", 0.5)
    assert json.loads(opinion.raw)[3] is None
    assert read("requirements-llm", ["Perhaps", None]).status == "unclassified"


def test_preference_is_told_from_the_judged_replys_side():
    from paper_repro.judge.preference_llm.judge import shown_second

    first = next(f"p{i}" for i in range(99) if not shown_second(f"p{i}", 0))
    second = next(f"p{i}" for i in range(99) if shown_second(f"p{i}", 0))
    for prompt_id, labels in ((first, ("win", "loss", "tie")), (second, ("loss", "win", "tie"))):
        found = [read("preference-llm", [f"Better: {word}"], prompt_id=prompt_id) for word in ("1", "2", "Equal")]
        assert tuple(opinion.label for opinion in found) == labels
        assert found[0].aspects == {"shown_second": int(prompt_id == second)}
    assert read("preference-llm", ["Better: 12"]).status == "unclassified"
