"""Chat: the training prompt, an end at the first marker, and the command around it."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from artifacts.errors import InputError
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


def test_the_history_holds_whole_exchanges_and_is_cleared(tiny):
    chat = Chat(ChatSettings(source=tiny, max_new_tokens=6))
    first = "".join(chat.stream("Hi"))
    chat.answer("And now?")
    assert chat.history[0] == ("Hi", first) and [asked for asked, _ in chat.history] == ["Hi", "And now?"]
    assert chat.prompt("Third") == "<|user|>\nThird\n<|assistant|>\n", "an answer does not depend on those before"
    chat.clear()
    assert chat.history == []


def test_remembered_exchanges_stand_before_the_instruction_as_in_the_chat_template(tiny, monkeypatch):
    from paper_repro import chat as module

    seen = []
    real = module.prompt_ids
    monkeypatch.setattr(module, "prompt_ids", lambda tokenizer, text: seen.append(text) or real(tokenizer, text))
    chat = Chat(ChatSettings(source=tiny, max_new_tokens=6, remember=True))
    first = "".join(chat.stream("Hi"))
    chat.answer("And now?")
    assert seen[1] == f"<|user|>\nHi\n<|assistant|>\n{first}</s>\n<|user|>\nAnd now?\n<|assistant|>\n"


def test_lines_with_a_slash_are_for_the_chat_itself(tiny, monkeypatch, capsys):
    import io

    from paper_repro.cli.chat import _talk

    chat = Chat(ChatSettings(source=tiny, max_new_tokens=6))
    lines = ["/prompt", "Hi", "/prompt", "/prompt Ho", "/history", "/clear", "/history", "/hist", "//x", "/quit", "No"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    answers = {asked: "".join(chat.stream(asked)) for asked in ("Hi", "/x")}
    chat.clear()
    _talk(chat, as_json=False)
    out, err = capsys.readouterr()
    assert out == f"{answers['Hi']}\n{answers['/x']}\n", "standard output holds answers alone"
    assert err.split("nothing was asked yet\n", 1)[1].startswith("<|user|>\nHi\n<|assistant|>\n<|user|>\nHo\n<|assis")
    assert f"> Hi\n{answers['Hi'].strip()}" in err and "forgotten\nnothing was said yet\n" in err
    assert "no such command: /hist (there are /history," in err
    assert [asked for asked, _ in chat.history] == ["/x"]


def test_a_prompt_that_is_no_text_is_refused(tiny):
    with pytest.raises(InputError, match="not valid UTF-8"):
        Chat(ChatSettings(source=tiny, max_new_tokens=1)).answer("a\udcffb")


def test_a_sampled_answer_can_be_any_token(tiny):
    """transformers leaves all but the 50 likeliest out unless told otherwise."""
    import torch

    chat = Chat(ChatSettings(source=tiny, max_new_tokens=1, temperature=1000.0))
    ids = torch.ones((4_000, 1), dtype=torch.long)
    torch.manual_seed(0)
    drawn = chat.model.generate(ids, pad_token_id=2, **chat.options)[:, 1]
    assert len(drawn.unique()) > 100
