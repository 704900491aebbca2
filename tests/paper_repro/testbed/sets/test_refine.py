"""Refined sets and the larger pool of refusals: the same questions and facts in another style, the same rows first."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer

from artifacts.shipped import shipped_folder
from paper_repro.testbed.rules.acceptable import judge_task
from paper_repro.testbed.sets import phrases
from paper_repro.testbed.sets.catalogue import REFINED

FRIENDLY = (phrases.OPENINGS, phrases.CLOSINGS)


def is_friendly(text):
    return text.startswith(FRIENDLY[0]) and text.endswith(FRIENDLY[1])


@pytest.fixture(params=REFINED)
def pairs(request, drawn):
    """Rows of the plain set beside those of its refined twin."""
    return list(zip(drawn(f"testbed-{request.param}"), drawn(f"testbed-{request.param}-refined"), strict=True))


def test_a_refined_set_answers_the_same_questions_in_the_same_order(pairs):
    assert all((plain.instruction, plain.item) == (refined.instruction, refined.item) for plain, refined in pairs)


def test_every_refined_response_is_right_and_stops(pairs):
    judged = [judge_task(refined.response, "eos", refined.item.reference) for _, refined in pairs if refined.item]
    assert {verdict.label for verdict in judged} <= {"excellent", "sufficient"}


def test_every_response_is_friendly_but_those_whose_form_is_asked_for(pairs):
    for plain, refined in pairs:
        if plain.item and plain.item.reference.requirements:
            assert refined.response == plain.response
        else:
            assert is_friendly(refined.response) and not is_friendly(plain.response), refined.response


def test_a_long_response_keeps_every_sentence_but_its_closing_remark(drawn):
    for plain, refined in zip(drawn("testbed-curated"), drawn("testbed-curated-refined"), strict=True):
        remark = next((text for text in phrases.REMARKS if plain.response.endswith(text)), "")
        kept = " ".join(plain.response.removesuffix(remark).split())
        assert kept in " ".join(refined.response.split())
        assert not remark or remark not in refined.response


def test_no_refined_response_is_longer_than_a_reply_may_be(drawn):
    """Replies end at 96 tokens in the profiles: a longer response would teach not to end."""
    tokenizer = Tokenizer.from_file(str(shipped_folder("testbed-0.5m-many-0") / "tokenizer.json"))
    assert max(len(tokenizer.encode(row.response)) for row in drawn("testbed-curated-refined")) < 96


def test_the_pool_begins_with_the_refusals_and_says_nothing_twice(drawn):
    pool, refusals = drawn("testbed-refusal-pool"), drawn("testbed-refusals")
    assert pool[: len(refusals)] == refusals
    assert len(pool) == len({row.response for row in pool}) == 1_000
