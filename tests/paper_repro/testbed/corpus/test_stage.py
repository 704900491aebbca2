"""The corpus stage, and prompts in a corpus's own formats."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from paper_repro.models import load_tokenizer
from paper_repro.testbed import families
from paper_repro.testbed.corpus import PRESETS, CorpusSettings, build_corpus, native_prompts, stage, tokenizer
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.version import DEVELOPMENT_SEED
from paper_repro.testbed.world import build_world

TOKENS = 20_000


@pytest.fixture(scope="module")
def small_tokenizer():
    return tokenizer.train_tokenizer(DEVELOPMENT_SEED, 1_000)


@pytest.fixture(autouse=True)
def quick(monkeypatch, small_tokenizer):
    monkeypatch.setattr(tokenizer, "train_tokenizer", lambda seed: small_tokenizer)


@pytest.fixture(scope="module")
def items():
    world = build_world(DEVELOPMENT_SEED)
    return [families.draw(world, "dev", rng("items", i)) for i in range(60)]


@pytest.mark.parametrize("name", ["many", "formats-1", "none"])
def test_a_corpus_has_exactly_its_tokens(tmp_path, name):
    settings = PRESETS[name].model_copy(update={"tokens": TOKENS})
    artifact = build_corpus(settings, tmp_path / "corpus")
    ids = np.load(tmp_path / "corpus" / "tokens.npy", allow_pickle=False)
    assert (ids.shape, ids.dtype) == ((TOKENS,), np.uint16)
    read = load_tokenizer(tmp_path / "corpus" / "tokenizer")
    assert ids.max() < len(read)
    begins, ends = np.flatnonzero(ids == read.bos_token_id), np.flatnonzero(ids == read.eos_token_id)
    assert begins[0] == 0
    assert np.array_equal(begins[1 : len(ends) + 1], (ends + 1)[: len(begins) - 1])
    summary = artifact.identity.summary
    assert summary["corpus"] == name
    assert summary["documents"] == len(begins)
    assert summary["documents"] == sum(summary[f"documents_{kind}"] for kind in ("questions", "statements", "acts"))
    assert 0 < summary["answers"] <= summary["replies"]


@pytest.mark.parametrize("name", ["many", "formats-1", "none"])
def test_the_plain_first_part_is_a_share_of_the_tokens(name, small_tokenizer):
    counts = Counter()
    settings = PRESETS[name].model_copy(update={"tokens": TOKENS, "simple_share": 0.25})
    ids = stage.encode(settings, small_tokenizer, counts)
    end = counts["simple_tokens"]
    assert ids[end - 1] == small_tokenizer.eos_token_id  # it ends with the document that reaches the share
    last = np.flatnonzero(ids[:end] == small_tokenizer.bos_token_id)[-1]
    assert last < 0.25 * TOKENS <= end
    assert (ids[:end] == small_tokenizer.bos_token_id).sum() == counts["documents_simple"]


def test_the_same_settings_give_the_same_bytes(small_tokenizer):
    settings = CorpusSettings(tokens=TOKENS)
    counts = Counter()
    ids = stage.encode(settings, small_tokenizer, counts)
    assert np.array_equal(ids, stage.encode(settings, small_tokenizer))
    assert counts["exchanges"] > 0
    longer = stage.encode(settings.model_copy(update={"seed": 1}), small_tokenizer)
    assert not np.array_equal(ids, longer)


def test_a_prompt_is_a_prefix_of_a_document_in_tokens_too(small_tokenizer, items):
    prompts = native_prompts(CorpusSettings(), items, rng("prompts"))
    assert [prompt.item for prompt in prompts] == items
    for prompt in prompts:
        assert any(question in prompt.text for question in prompt.item.questions)
        blank = "" if prompt.text[-1] in "\n\"'>}])" else " "
        ids = small_tokenizer(prompt.text)["input_ids"]
        whole = small_tokenizer(f"{prompt.text}{blank}{prompt.item.statements[0]}")["input_ids"]
        assert whole[: len(ids)] == ids
        assert prompt.ending


def test_prompts_are_in_the_formats_of_the_corpus(items):
    for prompt in native_prompts(CorpusSettings(formats=1), items, rng("prompts")):
        first, second = prompt.text.split("\n")
        assert first.removeprefix("Question: ") in prompt.item.questions
        assert second == "Answer:"
        assert prompt.ending == "\n"
    assert native_prompts(CorpusSettings(answers="none"), items, rng("prompts")) == []
