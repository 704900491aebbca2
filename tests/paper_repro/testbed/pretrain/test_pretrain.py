"""Pre-training learns, goes on after a kill to the same bytes, and leaves a folder that transformers reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from artifacts.errors import InputError, SettingsError, StageError, UserError
from artifacts.files import read_json
from artifacts.settings import load_settings
from paper_repro.models import ModelSource, load_base, load_tokenizer
from paper_repro.testbed.corpus import CorpusSettings, build_corpus, tokenizer
from paper_repro.testbed.pretrain import PRETRAIN, SIZES, PretrainSettings, loop, pretrain
from paper_repro.testbed.pretrain.loop import held_out_loss, row_loss, train_rows
from paper_repro.testbed.pretrain.model import llama_config, new_model, use_float32_attention
from paper_repro.testbed.pretrain.optimisers import Optimisers, rate
from paper_repro.testbed.pretrain.rows import Rows, load_rows
from paper_repro.testbed.version import DEVELOPMENT_SEED

TINY = PretrainSettings(size="tiny", context=16, batch=4, warmup_steps=5, checkpoint_every=20, held_out_share=0.03)


class Killed(BaseException):
    """Stands for the end of the process: nothing in the stage catches it."""


def _file_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".json", ".safetensors")}


def test_it_learns_and_reports_its_loss(straight, corpus):
    summary = straight.summary
    curve = json.loads(straight.file("curve.json").read_text())
    assert [point["step"] for point in curve] == [50, 90]
    assert curve[-1]["tokens"] == summary["tokens"] == 90 * 4 * 16
    assert summary["held_out_loss"] < 1.0 < 2.0 < curve[0]["loss"]  # chance is 3.2, the language's own 0.33
    assert curve[1]["loss"] == pytest.approx(summary["held_out_loss"], abs=0.2)  # of its own steps alone
    model = load_base(ModelSource(name=str(straight.path), weights="path"))
    assert held_out_loss(model, load_rows(corpus, TINY)) == pytest.approx(summary["held_out_loss"], abs=1e-4)


def test_the_folder_is_what_transformers_reads(straight):
    config = json.loads((straight.path / "config.json").read_text())
    assert (config["architectures"], config["dtype"]) == (["LlamaForCausalLM"], "bfloat16")
    assert (config["bos_token_id"], config["eos_token_id"], config["pad_token_id"]) == (1, 2, 0)
    assert "testbed" not in json.dumps(config)  # the attention of training is no part of the model
    generation = json.loads((straight.path / "generation_config.json").read_text())
    assert generation["eos_token_id"] == 2
    tokenizer = load_tokenizer(straight.path)
    assert tokenizer("w0 w1").input_ids == [3, 4]
    source = ModelSource(name=str(straight.path), weights="path")
    ids = load_base(source).generate(torch.tensor([[5]]), max_new_tokens=3, do_sample=False)[0].tolist()
    assert ids == [5, 6, 7, 8]  # it counts on


@pytest.mark.parametrize("stop", [19, 40, 75])
def test_killed_and_resumed_it_ends_with_the_same_bytes(stop, straight, corpus, tmp_path, monkeypatch):
    out = tmp_path / "base"

    def kill(step, original=train_rows):
        def after(done):
            if done == step:
                raise Killed

        return lambda *arguments: original(*arguments, after_step=after)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(loop, "train_rows", kill(stop))
        pretrain(TINY, corpus, out)
    assert not (out / "model.safetensors").exists()
    artifact = pretrain(TINY, corpus, out)
    assert artifact.provenance["resumed_after_step"] == stop // 20 * 20
    assert artifact.digest == straight.digest
    ours, theirs = _file_bytes(out), _file_bytes(straight.path)
    ours.pop("manifest.json"), theirs.pop("manifest.json")
    assert ours == theirs


def test_another_seed_gives_another_model(straight, corpus, tmp_path):
    other = pretrain(TINY.model_copy(update={"seed": 1}), corpus, tmp_path / "base")
    assert _file_bytes(other.path)["model.safetensors"] != _file_bytes(straight.path)["model.safetensors"]


def test_first_weights_come_from_the_seed_at_their_scales(corpus):
    tokenizer = load_tokenizer(corpus / "tokenizer")
    states = [
        new_model(TINY.model_copy(update={"size": "2m", "seed": seed}), tokenizer).state_dict() for seed in (0, 0, 1)
    ]
    name = "model.layers.0.mlp.down_proj.weight"
    assert torch.equal(states[0][name], states[1][name]) and not torch.equal(states[0][name], states[2][name])
    stds = {key: states[0][f"model.{key}.weight"].std().item() for key in ("embed_tokens", "layers.0.self_attn.q_proj")}
    assert stds["embed_tokens"] == pytest.approx(0.02, rel=0.05)
    assert stds["layers.0.self_attn.q_proj"] == pytest.approx(0.8 / 192**0.5, rel=0.05)
    assert states[0][name].std().item() == pytest.approx(0.7 / (4 * 512) ** 0.5, rel=0.05)  # it writes to the stream
    assert states[0]["model.norm.weight"].unique().tolist() == [1.0]


def test_a_loss_that_is_not_a_number_stops_it(corpus, tmp_path):
    with pytest.raises(StageError, match="by step 50"):
        pretrain(TINY.model_copy(update={"other_lr": 1e30}), corpus, tmp_path / "base")


def test_rows_cover_the_stream_once_with_the_easy_part_first():
    tokens = np.arange(1, 1 + 1_000, dtype=np.uint16)
    settings = TINY.model_copy(update={"context": 9, "batch": 5, "held_out_share": 0.1})
    rows = Rows(tokens, settings, easy_tokens=185)
    assert rows.held_out.tolist() == list(range(100, 111))
    assert (rows.steps, len(rows.order)) == (20, 100)
    assert sorted(rows.order[:20]) == list(range(20))
    assert sorted(rows.order[20:]) == list(range(20, 100))
    assert rows.order[:20].tolist() != list(range(20))
    assert rows.take(np.array([0, 1])).tolist() == [list(range(1, 11)), list(range(10, 20))]
    assert rows.step(0).shape == (5, 10)
    assert not set(rows.order) & set(rows.held_out)


def test_the_easy_part_is_what_the_corpus_says(tmp_path, monkeypatch):
    small = tokenizer.train_tokenizer(DEVELOPMENT_SEED, 200)
    monkeypatch.setattr(tokenizer, "train_tokenizer", lambda seed: small)
    made = build_corpus(CorpusSettings(tokens=4_000, simple_share=0.3), tmp_path / "corpus")
    easy = made.summary["simple_tokens"] // TINY.context
    order = load_rows(tmp_path / "corpus", TINY).order
    assert easy > 70
    assert sorted(order[:easy]) == list(range(easy))


def test_a_fused_step_is_the_same_step(corpus, tmp_path):
    settings = TINY.model_copy(update={"dtype": "float32"})
    curves = []
    for fused in (False, True):
        made = pretrain(settings.model_copy(update={"compile": fused}), corpus, tmp_path / f"base-{fused}")
        curves.append([point["loss"] for point in read_json(made.file("curve.json"))])
    assert curves[0] == pytest.approx(curves[1], abs=1e-3)


def test_a_missing_compiler_is_told(monkeypatch, corpus, tmp_path):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match="no C\\+\\+ compiler"):
        pretrain(TINY.model_copy(update={"compile": True}), corpus, tmp_path / "base")


def test_corpora_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_rows(tmp_path, TINY)
    np.save(tmp_path / "tokens.npy", np.zeros(50, dtype=np.uint16))
    with pytest.raises(InputError, match="too few"):
        load_rows(tmp_path, TINY)
    np.save(tmp_path / "tokens.npy", np.zeros(5000))
    with pytest.raises(InputError, match="whole numbers"):
        load_rows(tmp_path, TINY)


def test_the_learning_rate_rises_stays_and_falls():
    settings = PretrainSettings(warmup_steps=10, flat_share=0.3, final_rate=0.02)
    rates = [rate(step, 100, settings) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9:30] == [1.0] * 21
    assert rates[64] == pytest.approx(0.51)  # half-way down at 65 of 100 steps
    assert rates[99] == pytest.approx(0.02)
    assert rates[29:] == sorted(rates[29:], reverse=True)


def test_muon_takes_the_matrices_inside_blocks_alone(corpus):
    model = new_model(TINY, load_tokenizer(corpus / "tokenizer"))
    optimisers = Optimisers(model, TINY)
    muon = {id(p) for p in optimisers.named["muon"].param_groups[0]["params"]}
    names = {name for name, p in model.named_parameters() if id(p) in muon}
    kinds = {name.split(".")[-2] for name in names}
    assert kinds == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert len(optimisers.named["adamw"].param_groups[0]["params"]) == 4  # embeddings (tied) and three norms


def test_attention_in_training_is_that_of_the_model(corpus):
    model = new_model(TINY, load_tokenizer(corpus / "tokenizer"))
    rows = load_rows(corpus, TINY).step(0)
    plain = row_loss(model, rows, "float32")
    use_float32_attention(model)
    assert row_loss(model, rows, "float32").item() == pytest.approx(plain.item(), abs=1e-5)


@pytest.mark.parametrize(("size", "millions"), [("0.5m", 0.48), ("2m", 2.07), ("5m", 5.1)])
def test_sizes_have_the_parameters_they_are_named_after(size, millions, corpus):
    from transformers import LlamaForCausalLM

    config = llama_config(size, load_tokenizer(corpus / "tokenizer"))
    config.vocab_size = 1_536
    with torch.device("meta"):
        parameters = sum(p.numel() for p in LlamaForCausalLM(config).parameters())
    assert parameters / 1e6 == pytest.approx(millions, rel=0.03)
    assert SIZES[size].hidden % SIZES[size].heads == 0


def test_settings_that_do_not_exist_are_refused():
    with pytest.raises(SettingsError, match="size"):
        load_settings(PretrainSettings, size="3m")
    assert PRETRAIN.threaded


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_same_run_gives_the_same_bytes(corpus, straight, tmp_path):
    settings = TINY.model_copy(update={"device": "cuda"})
    runs = [pretrain(settings, corpus, tmp_path / name) for name in ("one", "two")]
    assert runs[0].digest == runs[1].digest
    assert runs[0].summary["held_out_loss"] == pytest.approx(straight.summary["held_out_loss"], abs=0.1)
