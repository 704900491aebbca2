"""Chat: the training prompt, an end at the first marker, and the command around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from paper_repro.chat import Chat, ChatSettings, before_marker
from paper_repro.models import ModelSource

TINY = Path(__file__).resolve().parents[1] / "golden" / "sequences" / "tokenizer_tiny"


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["It is", " 4."], "It is 4."),
        (["It is 4.\n<|us", "er|>\nNext", " question"], "It is 4.\n"),
        (["a < b <|", " c"], "a < b <| c"),
        (["x<|assistant|>y<|user|>z"], "x"),
        (["ends with <|user"], "ends with <|user"),
        ([], ""),
    ],
)
def test_text_stops_before_the_first_marker(pieces, shown):
    assert "".join(before_marker(iter(pieces))) == shown


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Source of a tiny random model."""
    import torch

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=1, initializer_range=0.5, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return ModelSource(name=str(folder), weights="path")


def test_a_chat_streams_what_greedy_decoding_gives(tiny):
    import torch

    chat = Chat(ChatSettings(source=tiny, max_new_tokens=12))
    ids = torch.tensor([chat.tokenizer("<|user|>\nHi\n<|assistant|>\n")["input_ids"]])
    whole = chat.model.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=2)[0, ids.shape[1] :]
    assert "".join(chat.stream("Hi")) == chat.tokenizer.decode(whole, skip_special_tokens=True)
    assert chat.answer("Hi") == chat.answer("Hi")


def test_a_sampled_answer_depends_on_the_seed_and_on_nothing_before_it(tiny):
    answers = {seed: Chat(ChatSettings(source=tiny, max_new_tokens=12, temperature=1.0, seed=seed)) for seed in (0, 1)}
    first = answers[0].answer("Hi")
    answers[0].answer("Something else")
    assert answers[0].answer("Hi") == first != answers[1].answer("Hi")
