"""Filters: the reason of each drop, the texts that must stay, and the same outcome inside a datatrove pipeline."""

from __future__ import annotations

import pickle
import time
import types
from typing import Literal

import pytest
from datatrove.data import Document

from artifacts.settings import Settings
from data_curation.filters.catalogue import catalogue, read_filter
from data_curation.filters.near_empty import NearEmptySettings
from data_curation.filters.outcome import Fault
from data_curation.filters.pii import PiiSettings
from data_curation.filters.repetition import RepetitionSettings, longest_run, repeated_share, tokens
from data_curation.filters.step import FilterStep
from data_curation.filters.template_leak import TemplateLeakSettings
from data_curation.filters.too_long import TooLongSettings
from data_curation.recipe import Recipe, build
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
    block = FilterStep(RepetitionSettings()).block()
    block = pickle.loads(pickle.dumps(block))  # executors send blocks to processes
    assert [document.id for document in block.run(iter(documents))] == ["fine"]
    assert block.stats.stats["dropped_repeated_stretches"].total == 1
    assert block.name == "repetition"


def test_a_masking_block_changes_the_document_and_counts_what_it_masked():
    block = FilterStep(PiiSettings()).block()
    document = Document(text="Ask mak.tol@gmail.com or nib.sar@gmail.com.", id="0")
    (passed,) = block.run(iter([document]))
    assert passed.text == "Ask [EMAIL] or [EMAIL]."
    assert passed.metadata["masked"] == {"email": 2}
    assert block.stats.stats["masked_email"].total == 2


def test_a_masking_step_changes_responses_and_measures_how_much(tmp_path):
    records = make_records("s", [(0, None, "Ask mak.tol@gmail.com."), (1, None, VARIED)])
    result = FilterStep(PiiSettings()).apply(records, tmp_path)
    assert result.drops == []
    assert result.responses == {records[0].row_id: "Ask [EMAIL]."}
    assert result.measures == {"masked.email": 1}


# --- a filter is one module -----------------------------------------------------------------------------------------


def judge(text: str, settings) -> Fault | None:
    return Fault("shouting", 1.0) if text.isupper() else None


class ShoutingSettings(Settings):
    step: Literal["shouting"] = "shouting"


def module(**contents):
    made = types.ModuleType("data_curation.filters.shouting")
    vars(made).update(contents)
    return made


def test_a_module_with_settings_and_judge_is_a_filter():
    found = read_filter(module(judge=judge, ShoutingSettings=ShoutingSettings))
    assert (found.name, found.settings) == ("shouting", ShoutingSettings)
    assert found.judge("LOUD", ShoutingSettings()) == Fault("shouting", 1.0)
    assert read_filter(module(ShoutingSettings=ShoutingSettings)) is None  # a helper
    with pytest.raises(TypeError, match="Literal\\['shouting'\\] = 'shouting'"):
        read_filter(module(judge=judge, NearEmptySettings=NearEmptySettings))


def test_every_filter_can_be_a_step_of_a_recipe():
    names = list(catalogue())
    assert {"near_empty", "length", "language", "pii", "truncation"} <= set(names)
    steps = Recipe.model_validate({"name": "all", "steps": [{"step": name} for name in names]}).steps
    assert [build(step).block().name for step in steps] == names


# --- whatever the text ------------------------------------------------------------------------------------------------

LENGTH = 150_000  # at which a quadratic rule takes minutes already
TEXTS = {
    "one-letter": "a" * LENGTH,
    "words": "ab " * (LENGTH // 3),
    "a-megabyte-of-sentences": "It rains. " * 100_000,
    "digits": "7" * LENGTH,
    "spaced-digits": "12 34 56 78 " * (LENGTH // 12),
    "fences": "```\n" * (LENGTH // 4),
    "backticks": "`" * LENGTH,
    "fence-and-spaces": "```" + " " * LENGTH + "`",
    "at-signs": "a@" * (LENGTH // 2),
    "dots-and-ats": "a.b-c@d.e-f." * (LENGTH // 12),
    "hex": "ab:cd:" * (LENGTH // 6),
    "marks": "</s> <s> " * (LENGTH // 9),
    "role": "as a helpful, honest, " * (LENGTH // 22),
    "nulls": "\x00" * LENGTH,
    "surrogates": "\ud83d" * LENGTH,
    "replaced": "\ufffd" * LENGTH,
    "combining": "e" + "\u0301" * LENGTH,
    "mixed-scripts": "\u65e5\u0416\u05d0z \u0e01" * (LENGTH // 6),
    "spaces": "x." + " " * LENGTH + "x",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_however_long_and_odd_a_response_has_an_outcome_in_seconds(kind):
    for name, found in catalogue().items():
        started = time.process_time()
        outcome = found.judge(TEXTS[kind], found.settings())
        assert outcome is None or outcome.reason
        assert time.process_time() - started < 10, name


@pytest.mark.parametrize("name", list(catalogue()))
@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\x00", "\ud800", "\udc00 a", "\ufeff", "`", "```", ".", "\u0301", "a"]
)
def test_the_smallest_texts_have_an_outcome(name, text):
    found = catalogue()[name]
    outcome = found.judge(text, found.settings())
    assert outcome is None or isinstance(outcome.reason, str)


def test_ten_thousand_identical_rows_are_judged_alike(tmp_path):
    records = make_records("s", [(row, None, SENTENCE * 40) for row in range(10_000)])
    result = FilterStep(TemplateLeakSettings()).apply(records, tmp_path)
    assert result.drops == []
    dropped = FilterStep(NearEmptySettings(min_words=10_000)).apply(records, tmp_path).drops
    assert len({drop.row_id for drop in dropped}) == 10_000
    assert {(drop.reason, drop.score) for drop in dropped} == {("few_words", 480.0)}
