"""torch.compile as a setting of tuning: losses of the eager run, the same bytes after a stop, clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from artifacts.errors import UserError
from artifacts.settings import load_settings
from paper_repro import compiling
from paper_repro.compiling import check_compiler, compile_layers
from paper_repro.train import TrainSettings, train
from paper_repro.train.loading import check_machine
from paper_repro.train.trajectory import Trajectory

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    texts = [" ".join(WORDS[: 1 + i * 7 % 10]) for i in range(16)]
    path.write_text("".join(json.dumps({"response": text}) + "\n" for text in texts))
    return path


@pytest.fixture(scope="module")
def base(tiny_base, tmp_path_factory) -> Path:
    """As the tiny base, with one layer: each further form of a layer costs seconds of compiling."""
    folder = tmp_path_factory.mktemp("one") / "layer"
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), bos_token_id=0, eos_token_id=1, **sizes)).save_pretrained(
        folder
    )
    tokenizer.save_pretrained(folder)
    return folder


def settings(base: Path, **given) -> TrainSettings:
    return load_settings(
        TrainSettings, base={"name": str(base), "weights": "path"}, lora={"r": 4, "alpha": 8, "dropout": 0.0},
        dtype="float32", learning_rate=0.02, epochs=2, global_batch=8, pack_tokens=64, checkpoint_every=2, merge=False,
        **given,
    )  # fmt: skip


def losses(made) -> list[float]:
    return [row["loss"] for row in json.loads(made.file("trajectory.json").read_text())]


@pytest.mark.slow
def test_compiled_losses_are_the_eager_ones_and_a_resumed_run_has_the_same_bytes(base, rows, tmp_path, monkeypatch):
    """Stated tolerance, float32: 1e-5 of the loss, over four steps of passes of several lengths."""
    compiled = []
    count = compiling.compile_layers
    monkeypatch.setattr(
        "paper_repro.train.trainer.compile_layers", lambda *given: compiled.append(count(*given)) or compiled[-1]
    )
    eager = train(settings(base), rows, tmp_path / "eager")
    assert compiled == []
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()  # other tests of this process compile too
    straight = train(settings(base, compile=True), rows, tmp_path / "straight")
    stats = torch._dynamo.utils.counters["stats"]
    assert compiled == [1] and stats["unique_graphs"] == 1, "one layer, and no pass compiled anew for its length"
    assert losses(straight) == pytest.approx(losses(eager), rel=1e-5) and len(losses(eager)) == 4
    assert losses(eager)[-1] < losses(eager)[0] - 0.05
    names = "adapter/adapter_model.safetensors", "adapter/adapter_config.json"
    assert straight.identity.outputs.keys() == eager.identity.outputs.keys() >= set(names)

    append = Trajectory.append

    def stopped(self, row):
        append(self, row)
        if row["step"] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trajectory, "append", stopped)
        with pytest.raises(KeyboardInterrupt):
            train(settings(base, compile=True), rows, tmp_path / "resumed")
    resumed = train(settings(base, compile=True), rows, tmp_path / "resumed")
    assert resumed.provenance["resumed_after_step"] == 2
    assert resumed.identity.outputs == straight.identity.outputs


@pytest.mark.parametrize(
    ("device", "missing", "message"),
    [("cpu", "g++", "no C\\+\\+ compiler"), ("cuda", "cc", "no C compiler"), ("cuda", "triton", "no package triton")],
)
def test_what_torch_compile_needs_and_is_not_there_is_told(monkeypatch, device, missing, message):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("CC", raising=False)
    absent = {"cc", "gcc", "clang"} if missing == "cc" else {missing}
    monkeypatch.setattr(compiling.shutil, "which", lambda name: None if name in absent else f"/bin/{name}")
    monkeypatch.setattr(compiling.importlib.util, "find_spec", lambda name: None if name in absent else object())
    with pytest.raises(UserError, match=message) as error:
        check_compiler(device)
    assert "compile: false" in error.value.fix
    absent.clear()
    check_compiler(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_tuning_refuses_before_it_loads_anything(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match="no C\\+\\+ compiler"):
        check_machine(load_settings(TrainSettings, compile=True))
    check_machine(load_settings(TrainSettings))
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="compile: true does not go with FSDP"):
        check_machine(load_settings(TrainSettings, compile=True))


def test_a_model_that_does_not_tell_its_layers_is_refused():
    model = torch.nn.Linear(2, 2)
    model._no_split_modules = None
    with pytest.raises(UserError, match="Linear does not tell its layers"):
        compile_layers(model, model)
