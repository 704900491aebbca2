"""Attention as a setting: what is chosen where, and packed sequences that do not see each other with each of them."""

from __future__ import annotations

import functools
import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    OlmoConfig,
    OlmoForCausalLM,
    modeling_flash_attention_utils,
)

from artifacts.errors import SettingsError, UserError
from artifacts.settings import load_settings
from paper_repro.train import TrainSettings, train
from paper_repro.train import attention as attention_module
from paper_repro.train.attention import FLASH, attention_of, choose_attention
from paper_repro.train.loading import check_machine
from paper_repro.train.loss import weighted_loss
from paper_repro.train.packing import laid

SMALL = {
    "vocab_size": 64, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "initializer_range": 0.4,
}  # fmt: skip
MODELS = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SMALL)),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SMALL, sliding_window=5)),
    "olmo": lambda: OlmoForCausalLM(OlmoConfig(**SMALL)),
    # the first layer sees a window only, scores are bounded at a tenth of the usual, so that one notices
    "gemma2": lambda: Gemma2ForCausalLM(
        Gemma2Config(**SMALL, head_dim=8, sliding_window=5, query_pre_attn_scalar=8, attn_logit_softcapping=5.0)
    ),
}
ROWS = [{"input_ids": ids, "labels": ids} for ids in (list(range(3, 3 + size)) for size in (9, 4, 12, 2, 7))]


def model_of(name: str) -> torch.nn.Module:
    torch.manual_seed(3)
    return MODELS[name]().train()


def settings(**given) -> TrainSettings:
    return load_settings(TrainSettings, **given)


def varlen(
    q, k, v, *, cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, softmax_scale=None, causal=False,
    window_size=(-1, -1), softcap=0.0, dropout_p=0.0, deterministic=False,
):  # fmt: skip
    """FlashAttention's function for sequences of several lengths, written out: (tokens, heads, width) each."""
    assert causal and torch.equal(cu_seqlens_q, cu_seqlens_k) and not dropout_p
    scale = softmax_scale or q.shape[-1] ** -0.5
    parts = []
    for start, end in itertools.pairwise(cu_seqlens_q.tolist()):
        one, keys, values = (
            states[start:end].transpose(0, 1).repeat_interleave(q.shape[1] // states.shape[1], dim=0)
            for states in (q, k, v)
        )
        scores = one @ keys.transpose(1, 2) * scale
        scores = softcap * torch.tanh(scores / softcap) if softcap else scores
        back = torch.arange(end - start)[:, None] - torch.arange(end - start)
        seen = (back >= 0) & ((back <= window_size[0]) if window_size[0] >= 0 else True)
        parts.append((scores.masked_fill(~seen, float("-inf")).softmax(-1) @ values).transpose(0, 1))
    return torch.cat(parts)


@pytest.fixture
def flash(monkeypatch):
    """As if the package flash-attn were here; gives a list of the borders that its function is called with."""
    calls = []

    @functools.wraps(varlen)  # transformers asks for the names of its parameters
    def counting(*states, cu_seqlens_q, **options):
        calls.append(cu_seqlens_q.tolist())
        return varlen(*states, cu_seqlens_q=cu_seqlens_q, **options)

    options = modeling_flash_attention_utils._lazy_define_process_function(counting)
    found = (counting, counting, None, None, None), (options, dict)
    monkeypatch.setattr(modeling_flash_attention_utils, "lazy_import_flash_attention", lambda *_, **__: found)
    monkeypatch.setattr(attention_module, "flash_lacks", lambda _: [])
    for one in (LlamaForCausalLM, MistralForCausalLM, OlmoForCausalLM, Gemma2ForCausalLM):
        monkeypatch.setattr(one, "_check_and_adjust_attn_implementation", lambda self, name, **_: name)
    return calls


def gradients(model: torch.nn.Module, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def compare_packed_with_alone(name: str, attention: str) -> None:
    """Loss and gradients of a packed pass, and those of single sequences by the eager code (float32: 1e-5, 1e-3)."""
    model = model_of(name)
    choose_attention(model, settings(attention="eager"))
    alone = sum(
        torch.nn.functional.cross_entropy(
            model(torch.tensor([row["input_ids"]])).logits[0, :-1], torch.tensor(row["labels"][1:]), reduction="sum"
        )
        for row in ROWS
    )
    wanted = gradients(model, alone)
    choose_attention(model, settings(attention=attention))
    assert attention_of(model) == attention
    packed = laid(ROWS, [1.0] * len(ROWS))
    loss, *_ = weighted_loss(model, packed)
    assert loss.item() == pytest.approx(alone.item(), rel=1e-5)
    for parameter, gradient in gradients(model, loss).items():
        torch.testing.assert_close(gradient, wanted[parameter], atol=5e-4, rtol=1e-3)
    packed["position_ids"] = torch.arange(packed["input_ids"].shape[1])[None]
    if attention != FLASH:
        assert abs(weighted_loss(model, packed)[0].item() / alone.item() - 1) > 1e-3, "without borders one notices"


@pytest.mark.parametrize(
    ("name", "attention"), [(n, a) for n in MODELS for a in ("sdpa", "eager") if (n, a) != ("gemma2", "sdpa")]
)
def test_packed_sequences_do_not_see_each_other(name, attention):
    compare_packed_with_alone(name, attention)


@pytest.mark.parametrize("name", MODELS)
def test_flash_attention_is_given_the_borders_of_the_sequences(name, flash):
    """Its kernel needs a GPU; what transformers hands it from a packed pass is put into attention written out."""
    compare_packed_with_alone(name, FLASH)
    assert flash and all(borders == [0, 9, 13, 25, 27, 34] for borders in flash)


def test_auto_is_the_best_that_machine_and_architecture_have(flash, monkeypatch):
    def chosen(name: str) -> str:
        model = model_of(name)
        choose_attention(model, settings())
        return attention_of(model)

    assert {name: chosen(name) for name in MODELS} == dict.fromkeys(MODELS, FLASH)
    monkeypatch.setattr(attention_module, "flash_lacks", lambda _: ["a CUDA device"])
    assert {name: chosen(name) for name in MODELS} == dict.fromkeys(MODELS, "sdpa") | {"gemma2": "eager"}


def test_what_flash_attention_lacks(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(attention_module.importlib.util, "find_spec", lambda name: SimpleNamespace())
    assert attention_module.flash_lacks(settings()) == []
    assert attention_module.flash_lacks(settings(dtype="float32")) == ["dtype: bfloat16"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_flash_attention_where_it_cannot_be_is_refused():
    with pytest.raises(UserError, match="flash_attention_2 needs a CUDA device and the package flash-attn") as error:
        check_machine(settings(attention=FLASH))
    assert "attention: auto" in error.value.fix


def test_an_attention_that_the_architecture_has_not_is_refused():
    with pytest.raises(UserError, match="sdpa, but Gemma2ForCausalLM has none of that kind"):
        choose_attention(model_of("gemma2"), settings(attention="sdpa"))
    with pytest.raises(SettingsError, match="attention"):
        settings(attention="flash")


def test_the_stage_trains_with_the_attention_of_its_settings(tiny_base, tmp_path):
    """Packed and eager as padded with SDPA: within 5e-5 of the loss, over three steps."""
    rows: Path = tmp_path / "rows.jsonl"
    texts = [" ".join(["one", "two", "three", "four"][: 1 + i % 4]) for i in range(12)]
    rows.write_text("".join(json.dumps({"response": text}) + "\n" for text in texts))
    losses = {}
    for attention, tokens in (("eager", "64"), ("sdpa", "null")):
        chosen = load_settings(
            TrainSettings, None, [f"pack_tokens={tokens}"], base={"name": str(tiny_base), "weights": "path"},
            attention=attention, lora={"r": 4, "alpha": 8, "dropout": 0.0}, dtype="float32", learning_rate=0.02,
            global_batch=4, per_device_batch=2, merge=False,
        )  # fmt: skip
        made = train(chosen, rows, tmp_path / attention)
        assert made.summary["attention"] == attention == made.identity.settings["attention"]
        losses[attention] = [row["loss"] for row in json.loads(made.file("trajectory.json").read_text())]
    assert losses["eager"] == pytest.approx(losses["sdpa"], rel=5e-5) and len(losses["eager"]) == 3
