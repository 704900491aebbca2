"""What the benchmarks share: a random model of the testbed's shape, facts about the machine, and where results go."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.files import write_json
from artifacts.machine import cores, processor

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

SEED = 0
VOCABULARY = 2048
SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


def random_llama(size: str = "2m", standard_deviation: float = 0.02) -> LlamaForCausalLM:
    """A Llama of that size with random weights, the same every time."""
    import torch
    from transformers import LlamaForCausalLM

    from paper_repro.testbed.pretrain.model import llama_config

    config = llama_config(size, random_tokenizer())
    config.initializer_range = standard_deviation
    torch.manual_seed(SEED)
    return LlamaForCausalLM(config)


def random_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of made-up words, as large as the testbed's."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = [*SPECIAL.values(), *(f"w{number}" for number in range(VOCABULARY - len(SPECIAL)))]
    words = {name: index for index, name in enumerate(names)}
    plain = Tokenizer(models.WordLevel(words, unk_token=SPECIAL["unk_token"]))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=plain, **SPECIAL)


def hardware() -> dict[str, Any]:
    """Processor, cores that this process may use, and system."""
    return {"processor": processor(), "cores": cores(), "system": platform.system()}


def timed(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Seconds of the wall clock and of the processor, and what the work gives."""
    wall, spent = time.perf_counter(), time.process_time()
    found = work()
    seconds = {"wall": time.perf_counter() - wall, "processor": time.process_time() - spent}
    return {name: round(value, 2) for name, value in seconds.items()}, found


def versions(*distributions: str) -> dict[str, str]:
    """Versions of installed distributions, and of Python."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in distributions}


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Store a result as JSON and print its numbers."""
    write_json(path, result)
    for name, value in result.items():
        print(f"{name}: {value}")
