"""GGUF weights as safetensors, converted once, with what the conversion loses put back."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from artifacts.digests import digest_json
from artifacts.store import pins_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CONVERSION = 1  # raised whenever the same GGUF file would be converted to other bytes


def converted(gguf: Path, sha256: str) -> Path:
    """Safetensors copy (bf16) of a GGUF model with its tokenizer, made once: dequantising costs seconds each time."""
    versions = {name: metadata.version(name) for name in ("transformers", "gguf")}
    key = digest_json({"file": sha256, "conversion": CONVERSION, "versions": versions})
    folder = pins_folder() / "converted" / f"{gguf.stem}-{key[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            _convert(gguf, part)
            part.rename(folder)
    return folder


def _convert(gguf: Path, out: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    mend_gguf_tokenizer(tokenizer, _pre_tokenizer_name(gguf))
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def _pre_tokenizer_name(gguf: Path) -> str | None:
    from gguf import GGUFReader

    field = GGUFReader(gguf).get_field("tokenizer.ggml.pre")
    return field.contents() if field else None


def mend_gguf_tokenizer(tokenizer: PreTrainedTokenizerBase, pre: str | None) -> None:
    """Give a tokenizer read from GGUF back what the conversion loses, in place.

    GGUF names the pre-tokenizer (`tokenizer.ggml.pre`), transformers ignores the name: SmolLM's splits every digit
    off before anything else. Without that, white space before a digit is cut into other tokens than in pre-training
    (two newlines before "1." become two tokens instead of one).
    """
    if pre != "smollm":
        return
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True),
        ]
    )
