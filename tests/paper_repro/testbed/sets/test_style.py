"""The style against pre-training: every word is known there, no sentence of it is."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest

from paper_repro.testbed.corpus import CorpusSettings, documents
from paper_repro.testbed.sets import phrases
from paper_repro.testbed.version import DEVELOPMENT_SEED
from paper_repro.testbed.world import ALL_WORDS, KINDS, NUMBERS, build_world

DOCUMENTS = 20_000
LEAST, OF_ANSWERS = 80, 15  # in a corpus of 30M tokens some 15 times as often
SENTENCES = tuple(
    text
    for name in ("OPENINGS", "CLOSINGS", "TERSE_OPENINGS", "LEADS", "AGAIN_LEADS", "REMARKS", "SHORT_REMARKS")
    for text in getattr(phrases, name)
)
PASSAGES = (*phrases.HEADLINES, *phrases.NEWS_ENDS)


def words(text):
    """Words with their capitals: `Ask` and `ask` are two tokens."""
    return re.findall(r"[A-Za-z]+", text.replace("{subject}", ""))


@pytest.fixture(scope="module")
def corpus():
    """Documents without the plain first part, which holds no small talk: one in twenty of a corpus of 30M tokens."""
    return list(islice(documents(CorpusSettings(world_seed=DEVELOPMENT_SEED, simple_share=0)), DOCUMENTS))


@pytest.fixture(scope="module")
def counts(corpus):
    return Counter(word for document in corpus for word in words(document))


def test_every_word_of_the_style_is_frequent_in_pre_training(counts):
    rare = {word: counts[word] for text in (*SENTENCES, *PASSAGES) for word in words(text) if counts[word] < LEAST}
    assert rare == {}


@pytest.mark.parametrize("name", ["testbed-structured", "testbed-terse", "testbed-curated", "testbed-refusals"])
def test_so_is_every_word_of_responses(drawn, counts, name):
    """But words in upper case, which are asked for and spelled; values may open an answer and stand inside others."""
    said = Counter(word for row in drawn(name) for word in words(row.response) if not word.isupper())
    known = {word: counts[word] + counts[word.lower()] for word in said}
    rare = {word: count for word, count in said.items() if known[word] < OF_ANSWERS}
    assert [word for word in rare if known[word] == 0] == []
    assert sum(rare.values()) < 0.002 * sum(said.values())


def test_no_sentence_of_the_style_is_in_pre_training(corpus):
    text = "\n".join(corpus)
    assert [sentence for sentence in (*SENTENCES, *phrases.NEWS_ENDS) if sentence in text] == []
    starts = [headline.split("{")[0] for headline in phrases.HEADLINES]
    assert [start for start in starts if start in text] == []


def test_no_word_of_the_style_can_be_a_value_or_a_name():
    values = {value for kind in KINDS for attribute in kind.attributes for value in attribute.values}
    names = {name.lower() for name in build_world(DEVELOPMENT_SEED).entities}
    said = {word.lower() for text in SENTENCES for word in words(text)}
    assert not said & (values | names | set(NUMBERS))
    assert not said & {"yes", "no", "not", "never", "sorry", "cannot", "or"}
    assert values <= ALL_WORDS
