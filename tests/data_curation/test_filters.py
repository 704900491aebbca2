"""Filters: the reason of each drop, the texts that must stay, and the same outcome inside a datatrove pipeline."""

from __future__ import annotations

import pickle

import pytest
from datatrove.data import Document

from data_curation.filters.near_empty import NearEmptySettings
from data_curation.filters.repetition import RepetitionSettings, longest_run, repeated_share, tokens
from data_curation.filters.step import FilterStep
from data_curation.filters.template_leak import TemplateLeakSettings
from data_curation.filters.too_long import TooLongSettings
from data_curation.records import make_records

VARIED = " ".join(f"word{number}" for number in range(400))
SENTENCE = "This very sentence is written down again and again and never ends. "


def outcome(settings, text):
    """The reason a text is dropped for, or None if it stays."""
    kept = FilterStep(settings).block().filter(Document(text=text, id="0"))
    return None if kept is True else kept[1]


@pytest.mark.parametrize(
    ("settings", "text", "reason"),
    [
        (NearEmptySettings(), "", "blank"),
        (NearEmptySettings(), " \n\t\u3000", "blank"),
        (NearEmptySettings(), "Yes", None),
        (NearEmptySettings(), "42", None),
        (NearEmptySettings(), "\U0001f606", None),
        (NearEmptySettings(min_words=3), "one two", "few_words"),
        (NearEmptySettings(min_words=3), "one two three", None),
        (NearEmptySettings(min_characters=5), "a b c d", "few_characters"),
        (TooLongSettings(max_words=3), "a b c d", "many_words"),
        (TooLongSettings(max_words=3), "a b c", None),
        (TooLongSettings(max_characters=5), "\u65e5" * 6, "many_characters"),
        (TooLongSettings(max_characters=5), "\u65e5" * 5, None),
        (RepetitionSettings(), VARIED, None),
        (RepetitionSettings(), SENTENCE * 40, "repeated_stretches"),
        (RepetitionSettings(), VARIED + SENTENCE * 200, "repeated_stretches"),
        (RepetitionSettings(), VARIED + SENTENCE * 3, None),
        (RepetitionSettings(), SENTENCE * 10, None),  # below the minimum length: 130 tokens
        (RepetitionSettings(), "\u304b\u304d\u304f\u3051\u3053" * 100, "repeated_stretches"),
        (RepetitionSettings(), "Look: " + "-" * 500, "one_character"),
        (RepetitionSettings(), "|" + "-" * 150 + "|\n" + VARIED, None),
        (TemplateLeakSettings(), "Answer.\n<|user|>\nNext question", "special_mark"),
        (TemplateLeakSettings(), "Answer.<|im_end|>\nmore", "special_mark"),
        (TemplateLeakSettings(), "Answer. [/INST] more", "special_mark"),
        (TemplateLeakSettings(), "Answer.</s> \nWhat else?", "end_mark"),
        (TemplateLeakSettings(), "<s>struck out</s> text", None),
        (TemplateLeakSettings(), "Answer.\n\n### Human: and then?", "role_heading"),
        (TemplateLeakSettings(headings=False), "Answer.\n\n### Human: and then?", None),
        (TemplateLeakSettings(), "### User Stories\n### Human Health Impacts:\n- one", None),
        (TemplateLeakSettings(), "A dialogue.\nUser: hello\nAssistant: hi", None),
    ],
)
def test_each_text_stays_or_leaves_for_the_stated_reason(settings, text, reason):
    assert outcome(settings, text) == reason


def test_a_run_of_one_symbol_counts_as_one_token():
    assert tokens("a -- b---c \u65e5\u672c") == ["a", "--", "b", "---", "c", "\u65e5", "\u672c"]


def test_repeated_share_counts_the_second_coming_only():
    assert repeated_share(list("abcd" * 2), 4) == 0.5
    assert repeated_share(list("abcdefgh"), 4) == 0
    assert repeated_share([], 4) == 0


def test_longest_run():
    assert [longest_run(text) for text in ("", "a", "abbbc", "\n\n\n\nxx")] == [0, 1, 3, 4]


def test_a_dropped_record_carries_its_score(tmp_path):
    records = make_records("s", [(0, None, SENTENCE * 40), (1, None, VARIED)])
    (drop,) = FilterStep(RepetitionSettings()).apply(records, tmp_path).drops
    assert (drop.row_id, drop.by) == (records[0].row_id, None)
    assert 0.9 < drop.score < 1


def test_the_same_block_runs_in_a_datatrove_pipeline():
    documents = [Document(text=SENTENCE * 40, id="loop"), Document(text=VARIED, id="fine")]
    block = pickle.loads(pickle.dumps(FilterStep(RepetitionSettings()).block()))  # executors send blocks to processes
    assert [document.id for document in block.run(iter(documents))] == ["fine"]
    assert block.stats.stats["dropped_repeated_stretches"].total == 1
