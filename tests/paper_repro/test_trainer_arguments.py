"""What the trainer is told of the machine."""

from __future__ import annotations

from functools import cached_property

import pytest
import torch
from transformers import TrainingArguments

from artifacts.settings import load_settings
from paper_repro.train import TrainSettings
from paper_repro.train.trainer import trainer_arguments


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
