"""What a machine must have for which settings of tuning, and what is asked of the trainer on a GPU."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace

import pytest
import torch
from transformers import TrainingArguments

from artifacts.errors import UserError
from artifacts.settings import load_settings
from paper_repro.train import TrainSettings
from paper_repro.train.loading import check_machine
from paper_repro.train.trainer import trainer_arguments


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_4_bit_base_needs_its_package_and_the_paged_optimiser_a_gpu(monkeypatch):
    found = {"bitsandbytes"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in found or None)
    check_machine(load_settings(TrainSettings, preset="qlora", optimiser="adamw"))
    with pytest.raises(UserError, match="needs a CUDA device") as error:
        check_machine(load_settings(TrainSettings, preset="qlora"))
    assert "quantisation: null and optimiser: adamw" in error.value.fix
    assert "the package" not in str(error.value)
    found.clear()
    with pytest.raises(UserError, match="needs the package bitsandbytes"):
        check_machine(load_settings(TrainSettings, preset="qlora", optimiser="adamw"))
    check_machine(load_settings(TrainSettings))


@pytest.mark.parametrize("key", ["per_device_batch", "pack_tokens"])
def test_auto_is_refused_where_no_device_holds_the_whole_model(monkeypatch, key):
    check_machine(load_settings(TrainSettings, **{key: "auto"}))
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="whole model on one device"):
        check_machine(load_settings(TrainSettings, **{key: "auto"}))


@pytest.mark.parametrize("gpu", [True, False])
def test_on_a_gpu_only_deterministic_operations_are_used(monkeypatch, tmp_path, gpu):
    """Full determinism is torch's deterministic algorithms, cuBLAS's workspace and FlashAttention's backward pass."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr("trl.SFTConfig", lambda **options: SimpleNamespace(**options, n_gpu=int(gpu)))
    asked = trainer_arguments(load_settings(TrainSettings, preset="qlora", seed=7), tmp_path)
    assert (asked.full_determinism, asked.use_cpu, asked.dataloader_pin_memory) == (gpu, not gpu, gpu)
    assert (asked.seed, asked.data_seed, asked.bf16, asked.fp16) == (7, 7, True, False)
    assert asked.optim == "paged_adamw_32bit" and asked.activation_checkpointing


@pytest.mark.parametrize("gpus", [1, 2, 8])
def test_one_process_trains_on_one_of_the_gpus_in_sight(monkeypatch, tmp_path, gpus):
    def found(self):
        self._n_gpu = gpus
        return torch.device("cpu")

    devices = cached_property(found)  # as transformers has it: looked for once
    devices.__set_name__(TrainingArguments, "_setup_devices")
    monkeypatch.setattr(TrainingArguments, "_setup_devices", devices)
    base = ["base.name=testbed-0.5m-many-0", "base.weights=shipped"]
    settings = load_settings(TrainSettings, None, [*base, "global_batch=8", "per_device_batch=4"])
    arguments = trainer_arguments(settings, tmp_path)
    assert arguments.n_gpu == 1, "of more, the trainer would make one model on each"
    assert arguments.train_batch_size == arguments.per_device_train_batch_size, "and take their number times the rows"
