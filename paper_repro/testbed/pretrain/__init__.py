"""Pre-training of the testbed's base models: small Llama models on a generated corpus, on a CPU or a GPU."""

from __future__ import annotations

from paper_repro.testbed.pretrain.settings import SIZES, PretrainSettings, Size
from paper_repro.testbed.pretrain.stage import PRETRAIN, pretrain

__all__ = ["PRETRAIN", "SIZES", "PretrainSettings", "Size", "pretrain"]
