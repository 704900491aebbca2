"""How turns are set on a page, and the space that layouts are drawn from."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from paper_repro.testbed.corpus.formats import draw_layout, fixed_layouts, plain_layout
from paper_repro.testbed.corpus.layout import CLOCK, NUMBER, QUOTED, Frame, Layout, render, until_reply
from paper_repro.testbed.seeding import rng

MARKER = re.compile(r"<\||\|>|\|<|>\|")
QUIZ = Layout(
    name="quiz",
    question=Frame(f"{NUMBER}. ", "\n"),
    replies=(Frame(f"{NUMBER}) ", "\n"),),
    asker=Frame("- ", "\n"),
    replier=Frame("+ ", "\n"),
    answers="Answers\n",
)


def drawn(count: int, **options) -> list[Layout]:
    return [draw_layout(rng("layouts", i), **options) for i in range(count)]


def test_a_conversation_in_the_plain_layout():
    text = render(
        plain_layout(), ("Hello.", "Good day."), [("Why?", ["So.", "No idea."], "I see."), ("How?", ["Well."], None)]
    )
    assert text.splitlines() == [
        "Question: Hello.",
        "Answer: Good day.",
        "Question: Why?",
        "Answer: So.",
        "Answer: No idea.",
        "Question: I see.",
        "Question: How?",
        "Answer: Well.",
    ]


def test_answers_that_follow_together_keep_their_numbers():
    text = render(QUIZ, (), [("Why?", ["So."], None), ("How?", ["Well."], None)])
    assert text == "1. Why?\n2. How?\nAnswers\n1) So.\n2) Well."


def test_times_go_on_and_questions_are_quoted():
    frame = Frame(f"[{CLOCK}] ", "\n")
    layout = Layout("chat", frame, (Frame(f"[{CLOCK}] > {QUOTED} ", "\n"),), frame, frame, start=23 * 60 + 58)
    text = render(layout, (), [("Why?", ["So."], None), ("How?", ["Well."], None)])
    assert text.splitlines() == ["[23:58] Why?", "[23:59] > Why? So.", "[00:00] How?", "[00:01] > How? Well."]


def test_every_layout_shows_every_turn_and_leaves_no_placeholder():
    asked = [("Why is it so?", ["It is so.", "Not so."], "I see."), ("And how?", ["Like that."], None)]
    said = ["Hello you.", "Good day.", "Why is it so?", "It is so.", "Not so.", "I see.", "And how?", "Like that."]
    for layout in drawn(3_000):
        text = render(layout, said[:2], asked)
        assert all(each in text for each in said), layout
        assert not set(text) & {NUMBER, CLOCK, QUOTED}
        assert text == text.strip()


def test_no_layout_holds_the_marks_of_the_chat_template():
    asked = [("Why?", ["So.", "No."], "I see."), ("How?", ["Well."], None)]
    assert not [text for layout in drawn(20_000) if MARKER.search(text := render(layout, ("A.", "B."), asked))]


def test_the_space_is_wide():
    layouts = drawn(3_000)
    assert len(set(layouts)) > 2_500
    kinds = Counter(layout.name for layout in layouts)
    assert len(kinds) >= 12
    assert 0.4 < kinds["labels"] / len(layouts) < 0.6
    assert {"user", "User", "assistant"} <= set(re.findall(r"\w+", " ".join(each.question.before for each in layouts)))


def test_layouts_for_more_than_one_line_are_asked_for():
    assert any(layout.one_line for layout in drawn(1_000))
    assert not any(layout.one_line for layout in drawn(1_000, one_line=False))


def test_fixed_layouts_are_nested_and_begin_with_the_plain_one():
    lists = [fixed_layouts(7, count) for count in (1, 2, 4, 8, 16, 64)]
    assert lists[0] == (plain_layout(),)
    assert all(longer[: len(shorter)] == shorter for shorter, longer in pairwise(lists))
    assert len(set(lists[-1])) == 64
    assert not any(layout.one_line for layout in lists[-1])
    assert fixed_layouts(8, 16) != lists[4]


def test_a_prompt_is_the_document_up_to_the_reply():
    for layout in drawn(2_000):
        text, ending = until_reply(layout, "Why is it so?")
        asked = [("Why is it so?", ["Reply"], None)]
        whole = render(layout, (), asked)
        assert whole.startswith(text), layout
        rest = whole[len(text) :].lstrip(" ")
        assert rest.startswith("Reply")
        assert ending.strip(" ")
        longer = render(layout, (), [*asked, ("And how?", ["Other"], None)])
        # with the answers at the end, the prompt of one question is no prefix of the longer document
        if layout.answers is None:
            assert longer[len(text) :].lstrip(" ")[len("Reply") :].lstrip(" ").startswith(ending.lstrip(" ")), layout
