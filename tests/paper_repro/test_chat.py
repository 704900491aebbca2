"""Chat: the training prompt, an end at the first marker, and the command around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from paper_repro.chat import Chat, before_marker
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


def test_a_chat_streams_what_greedy_decoding_gives(tmp_path):
    import torch

    tokenizer = AutoTokenizer.from_pretrained(TINY)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=1, initializer_range=0.5, **sizes)
    model = LlamaForCausalLM(config)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    chat = Chat(ModelSource(name=str(tmp_path), weights="path"), max_new_tokens=12)
    ids = torch.tensor([tokenizer("<|user|>\nHi\n<|assistant|>\n")["input_ids"]])
    whole = model.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=2)[0, ids.shape[1] :]
    assert "".join(chat.stream("Hi")) == tokenizer.decode(whole, skip_special_tokens=True)
    assert chat.answer("Hi") == chat.answer("Hi")
