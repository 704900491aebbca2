"""The device of a model: what is there, or what was asked for."""

from __future__ import annotations

import pytest
import torch

from artifacts.errors import UserError
from data_curation.devices import choose_device


def test_a_gpu_is_taken_where_there_is_one_and_missed_only_when_asked_for(monkeypatch):
    for there, chosen in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert (choose_device(), choose_device("auto"), choose_device("cpu")) == (chosen, chosen, "cpu")
    assert choose_device("cuda") == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="no CUDA device"):
        choose_device("cuda")
