"""A tiny corpus: a counting language that a tiny model learns in a few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from artifacts.manifest import Artifact
from paper_repro.testbed.pretrain import PretrainSettings, pretrain

WORDS = 24


def write_corpus(folder: Path, tokens: int = 6_000) -> Path:
    """Folder with `tokens.npy`, in which every word but a few is followed by the next one, and `tokenizer/`."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<pad>": 0, "<bos>": 1, "<eos>": 2} | {f"w{i}": 3 + i for i in range(WORDS)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>"}
    PreTrainedTokenizerFast(tokenizer_object=backend, **special).save_pretrained(folder / "tokenizer")
    jumps = np.random.default_rng(0).random(tokens) < 0.1
    np.save(folder / "tokens.npy", (3 + np.cumsum(1 + 5 * jumps) % WORDS).astype(np.uint16))
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RT_THREADS", "1")


@pytest.fixture(scope="session")
def straight(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A tiny base trained in one go."""
    settings = PretrainSettings(
        size="tiny", context=16, batch=4, warmup_steps=5, checkpoint_every=20, held_out_share=0.03
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RT_THREADS", "1")
        return pretrain(settings, corpus, tmp_path_factory.mktemp("straight") / "base")
