"""Packed sequences do not see each other, and an optimiser step on them is that of padded batches."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoTokenizer,
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from artifacts.settings import load_settings
from paper_repro.sequences import IGNORED
from paper_repro.train import TrainSettings, train
from paper_repro.train import loss as loss_module
from paper_repro.train.apart import apart, can_be_apart
from paper_repro.train.cross_entropy import chunked_cross_entropy
from paper_repro.train.loss import weighted_loss
from paper_repro.train.packing import StepCollator, laid, pack, token_weights

SMALL = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.4,
    "attn_implementation": "sdpa",
}
MODELS = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SMALL)),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**SMALL, sliding_window=5)),
    # bounds its logits, and its attention scores, which sdpa cannot
    "gemma2": lambda: Gemma2ForCausalLM(Gemma2Config(**SMALL | {"attn_implementation": "eager"}, sliding_window=5)),
}


def row(*ids: int, untrained: int = 1) -> dict:
    return {"input_ids": list(ids), "labels": [IGNORED] * min(untrained, len(ids)) + list(ids[untrained:])}


ROWS = [row(*range(3, 3 + size), untrained=1 + size % 3) for size in (9, 4, 12, 2, 7)]


def model_of(name: str) -> torch.nn.Module:
    torch.manual_seed(3)
    return MODELS[name]().train()


def gradients(model: torch.nn.Module, *losses: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    sum(losses).backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def alone(model: torch.nn.Module, rows=ROWS) -> torch.Tensor:
    """Summed loss of single sequences, by the model's own forward pass."""
    losses = []
    for one in rows:
        logits = model(torch.tensor([one["input_ids"]])).logits[0, :-1]
        labels = torch.tensor(one["labels"][1:])
        losses.append(torch.nn.functional.cross_entropy(logits, labels, reduction="sum"))
    return sum(losses)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("one_by_one", [False, True])
def test_packed_sequences_do_not_see_each_other(name, one_by_one):
    """Float32 in another order: 1e-5 of the loss. Without the positions' border the loss is off by over 1e-3."""
    model = model_of(name)
    packed = laid(ROWS, [1.0] * len(ROWS))
    one_by_one = one_by_one and can_be_apart(model)
    assert one_by_one == (one_by_one and name != "gemma2")
    with apart(model, packed["position_ids"]) if one_by_one else nullcontext():
        loss, total, tokens = weighted_loss(model, packed)
    expected = alone(model)
    assert tokens == sum(sum(label != IGNORED for label in one["labels"][1:]) for one in ROWS)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5) == total.item()
    found, wanted = gradients(model, loss), gradients(model, expected)
    for parameter, gradient in wanted.items():
        torch.testing.assert_close(found[parameter], gradient, atol=2e-4, rtol=1e-3)
    packed["position_ids"] = torch.arange(packed["input_ids"].shape[1])[None]
    with apart(model, packed["position_ids"]) if one_by_one else nullcontext():
        assert abs(weighted_loss(model, packed)[0].item() / expected.item() - 1) > 1e-3


def test_a_backward_pass_that_recomputes_keeps_sequences_apart():
    model = model_of("mistral")
    packed = laid(ROWS, [1.0] * len(ROWS))
    wanted = gradients(model, alone(model))
    model.activation_checkpointing_enable()
    model.zero_grad()
    with apart(model, packed["position_ids"]):
        weighted_loss(model, packed)[0].backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, wanted[name], atol=2e-4, rtol=1e-3)
    assert model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize(("name", "possible"), [("llama", True), ("mistral", True), ("gemma2", False)])
def test_what_can_be_computed_one_by_one(name, possible):
    assert can_be_apart(model_of(name)) is possible


def test_packing_holds_every_sequence_once_and_keeps_the_limit():
    lengths = [9, 9, 7, 6, 4, 3, 3, 2, 20, 1]
    groups = pack(lengths, 12)
    assert Counter(index for group in groups for index in group) == Counter(range(len(lengths)))
    assert all(sum(lengths[i] for i in group) <= 12 for group in groups if group != [8])
    assert [8] in groups, "a longer one is alone"
    assert len(groups) == 5, "44 tokens and one of 20: four groups of 12 and one"


def test_groups_are_of_like_size_where_that_needs_no_more_of_them():
    assert pack([35] * 16, 512) == [list(range(8)), list(range(8, 16))], "not 14 and 2"
    assert pack([9, 3, 3, 1], 10) == [[0], [1, 2, 3]], "not 10 and 6"


def test_the_first_token_of_a_sequence_is_not_predicted_from_the_one_before():
    packed = laid([row(5, 6, untrained=0), row(7, 8, untrained=0)], [1.0, 1.0])
    assert packed["labels"].tolist() == [[IGNORED, 6, IGNORED, 8]]
    assert packed["position_ids"].tolist() == [[0, 1, 0, 1]]


def test_weights_are_those_of_the_normalisation():
    rows = [row(1, 2, 3), row(1, 2), row(1, 2, 3, 4)]  # 2, 1 and 3 trained tokens
    assert token_weights(rows, None) == ([1.0, 1.0, 1.0], 6)
    assert token_weights(rows, 2) == ([1 / 3, 1 / 3, 1 / 3], 2)
    assert token_weights([*rows, row(9, untrained=1)], 3) == ([1 / 6, 1 / 6, 1 / 6, 0.0], 1)


def test_the_collator_keeps_every_token():
    made = StepCollator(16, None)(ROWS)
    ids = [token for one in made["passes"] for token in one["input_ids"][0].tolist()]
    assert Counter(ids) == Counter(token for one in ROWS for token in one["input_ids"])
    assert all(one["input_ids"].shape[1] <= 16 for one in made["passes"]) and len(made["passes"]) == 3
    assert made["share"] == sum((one["labels"][0, 1:] != IGNORED).sum() for one in made["passes"])


# --- head and loss in parts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bias", [True, False])
def test_head_and_loss_in_parts_are_those_at_once(bias):
    torch.manual_seed(0)
    hidden = torch.randn(11, 6, requires_grad=True)
    weight = torch.randn(17, 6, requires_grad=True)
    addend = torch.randn(17, requires_grad=True) if bias else None
    targets, weights = torch.randint(17, (11,)), torch.rand(11)
    given = [tensor for tensor in (hidden, weight, addend) if tensor is not None]
    losses = torch.nn.functional.cross_entropy(
        torch.nn.functional.linear(hidden, weight, addend), targets, reduction="none"
    )
    wanted = torch.autograd.grad((losses * weights).sum() * 3, given)
    for rows in (1, 4, 11, 50):
        weighted, total = chunked_cross_entropy(hidden, weight, addend, targets, weights, rows)
        torch.testing.assert_close(weighted, (losses * weights).sum())
        torch.testing.assert_close(total, losses.sum())
        for found, expected in zip(torch.autograd.grad(weighted * 3, given), wanted, strict=True):
            torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", MODELS)
def test_many_logits_are_never_there_at_once(name, monkeypatch):
    """Also where the model bounds its logits (Gemma-2): then they are not split, and the loss is right."""
    calls = []

    def counting(*arguments):
        calls.append(arguments[-1])
        return chunked_cross_entropy(*arguments)

    monkeypatch.setattr(loss_module, "chunked_cross_entropy", counting)
    model, packed = model_of(name), laid(ROWS, [0.5] * len(ROWS))
    whole = weighted_loss(model, packed)
    wanted = gradients(model, whole[0])
    split = weighted_loss(model, packed, logits_at_once=3 * SMALL["vocab_size"])
    assert calls == ([] if name == "gemma2" else [3])
    assert split[0].item() == pytest.approx(whole[0].item(), rel=1e-5)
    assert split[1].item() == pytest.approx(2 * split[0].item(), rel=1e-5)
    for parameter, gradient in gradients(model, split[0]).items():
        torch.testing.assert_close(gradient, wanted[parameter], atol=1e-4, rtol=1e-3)


# --- whole runs -------------------------------------------------------------------------------------------------

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@pytest.fixture(scope="module")
def rows_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "numbers.jsonl"
    pairs = [(f"Say {WORDS[i % 10]}.", " ".join(WORDS[: 1 + i * 7 % 10]) + ".") for i in range(20)]
    path.write_text("".join(json.dumps({"instruction": i, "response": r}) + "\n" for i, r in pairs))
    return path


def trajectory(base: Path, data: Path, out: Path, **given) -> list[dict]:
    chosen = {
        "base": {"name": str(base), "weights": "path"},
        "lora": {"r": 4, "alpha": 8, "dropout": 0.0},
        "learning_rate": 0.02,
        "epochs": 2,
        "global_batch": 8,
        "per_device_batch": 2,
        "dtype": "float32",
        **given,
    }
    settings = load_settings(TrainSettings, None, [f"pack_tokens={given.get('pack_tokens') or 'null'}"], **chosen)
    made = train(settings, data, out)
    return json.loads(made.file("trajectory.json").read_text())


@pytest.mark.parametrize("normalisation", ["token_mean", "microbatch_mean"])
def test_the_trajectory_of_packed_batches_is_that_of_padded_ones(tiny_base, rows_file, tmp_path, normalisation):
    """Stated tolerance, float32: 5e-5 of the loss and 1e-3 of the gradient's norm, over six steps of 8, 8 and 4."""
    given = {"loss_normalisation": normalisation, "method": "it"}
    padded = trajectory(tiny_base, rows_file, tmp_path / "padded", **given)
    for tokens in (48, 4096):
        packed = trajectory(tiny_base, rows_file, tmp_path / str(tokens), pack_tokens=tokens, **given)
        assert [one["loss_tokens"] for one in packed] == [one["loss_tokens"] for one in padded]
        assert [one["loss"] for one in packed] == pytest.approx([one["loss"] for one in padded], rel=5e-5)
        assert [one["grad_norm"] for one in packed] == pytest.approx([one["grad_norm"] for one in padded], rel=1e-3)
    assert padded[-1]["loss"] < padded[0]["loss"] - 0.05, "there is something to learn"


def test_the_two_normalisations_differ_when_packed(tiny_base, rows_file, tmp_path):
    norms = [
        trajectory(tiny_base, rows_file, tmp_path / name, pack_tokens=256, loss_normalisation=name)[0]["grad_norm"]
        for name in ("token_mean", "microbatch_mean")
    ]
    assert norms[0] != pytest.approx(norms[1], rel=1e-3)


def test_the_tokenizer_of_these_tests_begins_a_sequence(tiny_base):
    assert AutoTokenizer.from_pretrained(tiny_base)("a")["input_ids"][0] == 0


def test_in_16_bits_the_parts_are_those_at_once_too():
    """bfloat16 products of weights in 32 bits: 1e-2 of loss and gradients."""
    model, packed = model_of("llama"), laid(ROWS, [1.0] * len(ROWS))
    found = []
    for at_once in (10**9, 3 * SMALL["vocab_size"]):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, *_ = weighted_loss(model, packed, logits_at_once=at_once)
        found.append((loss.item(), gradients(model, loss)))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-2)
    norms = [sum(gradient.square().sum() for gradient in one.values()).sqrt() for _, one in found]
    apart = sum((found[0][1][name] - found[1][1][name]).square().sum() for name in found[0][1]).sqrt()
    assert apart < 0.02 * norms[0]
