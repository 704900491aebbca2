"""The tokenizer: what is a token, and that it fits the sequences of tuning."""

from __future__ import annotations

from itertools import islice

import pytest

from paper_repro.models import load_tokenizer
from paper_repro.sequences import adds_bos, build, inference_prompt
from paper_repro.testbed.corpus import PRESETS, documents, train_tokenizer
from paper_repro.testbed.corpus.tokenizer import BOS, EOS, PAD, VOCABULARY
from paper_repro.testbed.version import DEVELOPMENT_SEED

INSTRUCTION = "What is the colour of the tomel? Answer in UPPER CASE."
RESPONSE = "Sure, happy to help!\n\n- The tomel is green.\n- It is 7 years old."
ODD = [
    "",
    " ",
    "a  b",
    "  two blanks",
    "\n\nnewlines\n",
    "tab\there",
    "<|user|>\n",
    "Ω – “quoted” 12,5 %",
    "\\ ~ ^ ` | <>",
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(DEVELOPMENT_SEED, 2_000).save_pretrained(folder)
    return load_tokenizer(folder)


def test_it_has_the_size_and_the_special_tokens(tokenizer):
    assert len(tokenizer) == VOCABULARY
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (BOS, EOS, PAD)
    assert tokenizer.chat_template is None
    assert adds_bos(tokenizer)
    assert tokenizer("a")["input_ids"][-1] != tokenizer.eos_token_id


@pytest.mark.parametrize("text", [*ODD, INSTRUCTION, RESPONSE])
def test_texts_survive(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id is None or tokenizer.unk_token_id not in ids


@pytest.mark.parametrize("name", ["many", "formats-1", "none"])
def test_documents_survive(tokenizer, name):
    for text in islice(documents(PRESETS[name]), 200):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_the_chat_template_is_spelled_with_plain_tokens(tokenizer):
    pieces = tokenizer.tokenize(inference_prompt("Why?"))
    assert pieces[:6] == ["<", "|", "user", "|", ">", "Ċ"]
    assert pieces[-6:] == ["<", "|", "assistant", "|", ">", "Ċ"]


def test_marks_digits_and_newlines_are_alone(tokenizer):
    assert tokenizer.tokenize("12.\n\n- ...") == ["1", "2", ".", "Ċ", "Ċ", "-", "Ġ", ".", ".", "."]
    assert all(
        len(token) == 1 or token[-1].isalpha() for token in tokenizer.get_vocab() if token not in (BOS, EOS, PAD)
    )


@pytest.mark.parametrize("method", ["rt", "it"])
def test_both_maskings_train_the_response(tokenizer, method):
    for masking in ("by_construction", "official"):
        sequence = build(tokenizer, method, INSTRUCTION, RESPONSE, masking=masking)
        assert tokenizer.decode(sequence.trained) == f"{RESPONSE}{EOS}\n"
        assert not sequence.straddles


def test_training_is_deterministic(tokenizer):
    again = train_tokenizer(DEVELOPMENT_SEED, 2_000)
    assert again.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()
