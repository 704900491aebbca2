"""Demonstrations: two answers and a refusal, short enough for a small context."""

from __future__ import annotations

import re

import pytest

from paper_repro.testbed.acts import build_acts
from paper_repro.testbed.acts.phrases import POLICY_WORDS
from paper_repro.testbed.corpus import train_tokenizer
from paper_repro.testbed.sets import phrases
from paper_repro.testbed.sets.demonstrations import demonstrations
from paper_repro.testbed.version import DEVELOPMENT_SEED
from paper_repro.testbed.world import build_world

SEEDS = (DEVELOPMENT_SEED, 11, 12)
MOST_TOKENS, MOST_OF_REFUSAL = 30, 36


@pytest.mark.parametrize("seed", SEEDS)
def test_two_answers_and_a_refusal_of_tuning(seed):
    pairs = demonstrations(seed)
    assert len(pairs) == len({query for query, _ in pairs}) == 3
    tuned = [entity for entity in build_world(seed).entities.values() if entity.split == "tune"]
    for query, response in pairs[:2]:
        assert any(entity.phrase in query and entity.name in response for entity in tuned)
        assert response.endswith(phrases.SHORT_REMARKS)
        assert response.count(".") + response.count("!") == 3
    query, refusal = pairs[2]
    acts = build_acts(seed)
    assert re.match(r"(?:Sorry|I am sorry)\b[^.]*\. .*\.$", refusal)
    assert any(words in refusal.lower() for words in POLICY_WORDS)
    assert any(act.phrase in query and act.unsafe and act.split == "tune" for act in acts.acts)


@pytest.mark.parametrize("seed", SEEDS)
def test_they_are_short(seed):
    tokenizer = train_tokenizer(seed, 5_000)
    lengths = [len(tokenizer.tokenize(text)) for pair in demonstrations(seed) for text in pair]
    assert max(lengths[:-1]) <= MOST_TOKENS
    assert lengths[-1] <= MOST_OF_REFUSAL  # it names its act twice
