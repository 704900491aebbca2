"""The GPU benchmark's bookkeeping: a call goes on where the last one stopped, and nothing missing looks measured."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
MACHINE = {"device": "GPU One", "gpu": True, "matrix_product_flops": 1e12}
SIDE = {"loss_tokens_per_s": 10.0, "model_flops_per_s": 5e11, "losses": [1.0]}


def load(name: str, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """The script, with parts that write made numbers; `bench.ran` lists them, `bench.fails` says which do not work."""
    module = load("tuning_gpu", monkeypatch)
    module.ran, module.fails, module.clock = [], set(), [0.0]

    def run_part(part, work, small, seconds):
        module.ran.append(part)
        module.clock[0] += 100
        if part in module.fails:
            return "failed with status 1"
        numbers = {"tokens_per_s": 8.0 if part.endswith("gpu") else 2.0}
        if part.startswith("tuning/"):
            numbers = {"ours": dict(SIDE), "official": None if part.endswith("lima/it") else dict(SIDE)}
            numbers |= {} if part.endswith("lima/it") else {"times_official": 3.5}
        module.write_json(module.file_of(work, part), MACHINE if part == "machine" else numbers)
        return "done"

    monkeypatch.setattr(module, "run_part", run_part)
    monkeypatch.setattr(module.time, "monotonic", lambda: module.clock[0])

    def call(*arguments: str) -> int:
        monkeypatch.setattr(
            sys, "argv", ["x", "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out"), *arguments]
        )
        with pytest.raises(SystemExit) as ended:
            module.main()
        return ended.value.code

    module.call = call
    return module


def test_calls_under_a_limit_go_on_until_all_is_stored(bench, tmp_path, capsys):
    assert bench.call("--limit-s", "350") == 3
    first = list(bench.ran)
    assert 1 < len(first) < len(bench.PARTS) and not (tmp_path / "out").exists()
    while bench.call("--limit-s", "350") == 3:
        pass
    assert bench.ran == list(bench.PARTS), "every part once, in order"
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "tuning_gpu_gpu-one.json"
    result = json.loads(path.read_text())
    assert result["ratios"]["tuning/alpaca/rt"] == 3.5 and result["ratios"]["pretraining-5m: gpu over cpu"] == 4
    assert result["parts"]["tuning/alpaca/rt"]["ours"]["share_of_matrix_product"] == 0.5
    assert result["ratios"]["tuning/lima/it"] is None, "a side that did not fit gives no ratio"


def test_a_part_that_fails_is_missing_in_the_result_and_is_tried_again(bench, tmp_path):
    bench.fails = {"tuning/alpaca/it", "pretraining-5m/gpu"}
    assert bench.call("--limit-s", "100000") == 1
    result = json.loads((tmp_path / "out" / "tuning_gpu_gpu-one.json").read_text())
    assert result["parts"]["tuning/alpaca/it"] is None and "tuning/alpaca/it" not in result["ratios"]
    assert result["ratios"]["pretraining-5m: gpu over cpu"] is None
    bench.fails, bench.ran[:] = set(), []
    assert bench.call() == 0 and set(bench.ran) == {"tuning/alpaca/it", "pretraining-5m/gpu"}


def test_the_proof_of_the_script_says_what_it_is(bench, tmp_path):
    bench.call("--small", "--limit-s", "100000")
    (path,) = (tmp_path / "out").iterdir()
    result = json.loads(path.read_text())
    assert "small" in path.name and result["small"] and result["what"].startswith("PROOF OF THE SCRIPT ONLY")


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs bitsandbytes (the extra qlora)")
def test_the_base_made_in_4_bits_is_near_the_one_it_was_made_from(monkeypatch):
    parts = load("tuning_gpu_parts", monkeypatch)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=64, **sizes))
    ids, linear = torch.arange(4, 20)[None], model.config.num_hidden_layers * 7
    with torch.no_grad():
        before, parameters = model(ids).logits, model.num_parameters()
        after = parts.in_4_bits(model)(ids).logits
    assert sum(type(one).__name__ == "Linear4bit" for one in model.modules()) == linear
    assert model.num_parameters() == parameters and 0 < (after - before).norm() < 0.2 * before.norm()


def test_lengths_are_those_of_the_sets(monkeypatch):
    """52,002 and 1,000 rows; drawn lengths have the stored mean and are cut as in tuning."""
    lengths = load("lengths", monkeypatch)
    stored = json.loads(lengths.STORED.read_text())
    for name, rows in (("alpaca", 52_002), ("lima", 1000)):
        table = stored[name]["before_loss_count"]
        assert sum(count for *_, count in table) == rows == stored[name]["rows"]
        drawn = lengths.drawn(name, "rt", 4000, max_length=10**6)
        mean = sum(loss * count for _, loss, count in table) / rows
        assert sum(loss for _, loss in drawn) / len(drawn) == pytest.approx(mean, rel=0.06)
        assert {before for before, _ in drawn} == {stored[name]["rt_prefix"]}
        assert lengths.drawn(name, "rt", 50) == lengths.drawn(name, "rt", 50)
        assert max(sum(pair) for pair in lengths.drawn(name, "it", 4000)) <= 2048
    assert all(abs(lengths.on_grid(n) - n) <= 0.031 * n for n in range(1, 3000))
