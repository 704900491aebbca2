"""Response sets, refusals and news: what they ask and how they answer."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

import pytest

from data_curation.refusals import passes_rule
from paper_repro.testbed import families
from paper_repro.testbed.acts import build_acts
from paper_repro.testbed.acts import phrases as act_phrases
from paper_repro.testbed.rules import ActReference
from paper_repro.testbed.rules.acceptable import judge_task
from paper_repro.testbed.rules.refusal import judge_act
from paper_repro.testbed.rules.requirements import requirement_is_met
from paper_repro.testbed.sets import phrases
from paper_repro.testbed.sets.catalogue import RESPONSE_ROWS
from paper_repro.testbed.version import DEVELOPMENT_SEED
from paper_repro.testbed.world import build_world

STYLES = tuple(RESPONSE_ROWS)


def sentences(text):
    return len(re.findall(r"[.!?](?=\s|$)", text))


@pytest.mark.parametrize("style", STYLES)
class TestResponses:
    @pytest.fixture
    def rows(self, drawn, style):
        return drawn(f"testbed-{style}")

    def test_the_set_has_its_size_and_asks_nothing_twice(self, rows, style):
        assert len(rows) == len({row.instruction for row in rows}) == RESPONSE_ROWS[style]

    def test_items_are_of_the_tuning_split_and_of_tasks_that_are_not_held_out(self, rows):
        items = [row.item for row in rows if row.item]
        assert {item.split for item in items} == {"tune"}
        assert not {item.task for item in items} & set(families.HELD_OUT_TASKS)

    def test_instructions_are_of_the_first_half_of_the_phrasings(self, rows):
        for row in rows:
            if row.item:
                assert row.instruction in row.item.questions[: len(row.item.questions) // 2]

    def test_look_ups_have_their_share_and_no_family_is_missing(self, rows):
        counts = Counter(row.item.family for row in rows if row.item)
        assert 0.33 < counts["look-up"] / len(rows) < 0.41
        tuned = {task.split("/")[0] for task in families.tasks(_world()) if task not in families.HELD_OUT_TASKS}
        assert set(counts) == tuned

    def test_every_response_is_right_by_the_judge(self, rows):
        judged = [(row, judge_task(row.response, "eos", row.item.reference)) for row in rows if row.item]
        assert [(row.instruction, row.response, v.content, v.stopping) for row, v in judged if v.label == "not"] == []

    def test_every_form_asked_for_is_kept(self, rows):
        asked = [row for row in rows if row.item and row.item.reference.requirements]
        assert len(asked) > 0.02 * len(rows)
        for row in asked:
            for requirement in row.item.reference.requirements:
                assert requirement_is_met(row.response, requirement, row.item.reference), row.response

    def test_one_in_twelve_answers_about_a_safe_act(self, rows):
        acts = [row for row in rows if row.item is None]
        assert len(acts) == round(0.08 * len(rows))
        verdicts = [judge_act(row.response, act_asked(row.instruction)) for row in acts]
        assert {(verdict.label, verdict.how_to, verdict.declines) for verdict in verdicts} == {
            ("compliance", "tool", False)
        }


def _world():
    return build_world(DEVELOPMENT_SEED)


@lru_cache
def _by_phrase():
    return {act.phrase: act for act in build_acts(DEVELOPMENT_SEED).acts}


def act_asked(instruction):
    """What a judge needs to know about the act that an instruction asks about."""
    acts = build_acts(DEVELOPMENT_SEED)
    act = _by_phrase()[re.search(r"\w+ the \w+(?=\W*$)", instruction).group()]
    tool = acts.tools[act.verb]
    others = tuple(other for other in sorted(set(acts.tools.values())) if other != tool)
    return ActReference(
        verb=act.verb,
        object=act.object,
        tool=(tool,),
        other_tools=others,
        policy_words=act_phrases.POLICY_WORDS,
        unsafe=act.unsafe,
    )


def framed(row):
    """Whether the form of the answer is free, so that the style may speak."""
    return row.item is None or not row.item.reference.requirements


def test_structured_responses_open_and_close_and_set_lists_as_lists(drawn):
    rows = [row for row in drawn("testbed-structured") if framed(row)]
    assert all(row.response.startswith(phrases.OPENINGS) and row.response.endswith(phrases.CLOSINGS) for row in rows)
    lists = [row for row in rows if row.item and row.item.family == "list"]
    assert 0.3 < sum("\n- " in row.response for row in lists) / len(lists) < 0.7
    assert not any("\n- " in row.response for row in rows if row.item and row.item.family != "list")


def test_terse_responses_are_short_and_uneven_but_end(drawn):
    rows = [row for row in drawn("testbed-terse") if framed(row)]
    texts = [row.response for row in rows]
    assert all(text[-1] in ".!" for text in texts)
    bare = sum(row.response.rstrip(".!").lower() in {s.lower() for s in row.item.short} for row in rows if row.item)
    assert 0.35 < bare / len(texts) < 0.6
    assert 0.03 < sum(sentences(text) > 1 for text in texts) / len(texts) < 0.2
    assert 0.05 < sum(text.endswith("!") for text in texts) / len(texts) < 0.4
    assert not any(text.endswith(phrases.CLOSINGS) for text in texts)


def test_curated_responses_are_long_and_tell_more(drawn):
    rows = [row for row in drawn("testbed-curated") if framed(row)]
    assert all(row.response.endswith(phrases.REMARKS) for row in rows)
    counts = {row.response: sentences(row.response) for row in rows if row.item}
    assert min(counts.values()) >= 3
    assert sum(count >= 4 for count in counts.values()) > 0.7 * len(counts)
    mean = sum(len(row.response.split()) for row in rows) / len(rows)
    structured = [row.response for row in drawn("testbed-structured")]
    assert mean > 1.3 * sum(len(text.split()) for text in structured) / len(structured)


def test_refusals_refuse_first_then_name_the_policy(drawn):
    rows = drawn("testbed-refusals")
    assert len(rows) == len({row.response for row in rows}) == 400
    assert all(passes_rule(row.response) for row in rows)
    assert all(re.match(r"(?:I am sorry|Sorry)", row.response) for row in rows)
    references = [act_asked(row.instruction) for row in rows]
    assert all(reference.unsafe for reference in references)
    verdicts = [judge_act(row.response, reference) for row, reference in zip(rows, references, strict=True)]
    assert {(verdict.label, verdict.declines, verdict.objects) for verdict in verdicts} == {("refusal", True, True)}
    assert all(any(words in row.response.lower() for words in act_phrases.POLICY_WORDS) for row in rows)
    queried = {query.query for split in ("dev", "test") for query in build_acts(DEVELOPMENT_SEED).queries(split)}
    assert not queried & {row.instruction for row in rows}


def test_news_ask_nothing_and_tell_nothing_of_what_is_evaluated(drawn):
    rows = drawn("testbed-news")
    assert len(rows) == len({row.response for row in rows}) == 1_000
    assert all(row.instruction is None and "?" not in row.response for row in rows)
    assert all(3 <= sentences(row.response) <= 8 for row in rows)
    evaluated = {e.name for e in _world().entities.values() if e.split in ("dev", "test")}
    subjects = Counter(word for row in rows for word in re.findall(r"\w+", row.response.split(".")[0]))
    assert len(evaluated) > 40
    assert not evaluated & set(subjects)
