"""The pretrain stage: a corpus in, a base model that transformers reads out; resumes from its checkpoint."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.digests import digest_file
from artifacts.files import write_json
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.stage import Stage, Workspace, thread_count
from data_curation.devices import choose_device
from paper_repro.models import ModelSource, load_base, load_tokenizer, parameter_count
from paper_repro.testbed.pretrain.allocator import keep_freed_memory
from paper_repro.testbed.pretrain.rows import TOKENS, Rows, load_rows
from paper_repro.testbed.pretrain.settings import PretrainSettings

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

CURVE = "curve.json"
COUNTS = ("documents", "exchanges", "declines", "simple_tokens")
PACKAGES = ("safetensors", "tokenizers", "torch", "transformers")


def pretrain(settings: PretrainSettings, corpus: Path, out: Path, *, overwrite: bool = False) -> Artifact:
    """Pre-train a base model.

    Args:
        settings: How.
        corpus: Folder with `tokens.npy` (whole numbers) and `tokenizer/`.
        out: Folder for the model, its tokenizer and `curve.json`.
        overwrite: Replace a finished model made otherwise.

    Raises:
        InputError: no corpus there, or one of too few tokens.
        StageError: the loss is not a number.
    """
    return PRETRAIN.run(settings, out, {"corpus": corpus}, overwrite=overwrite)[0]


def _work(settings: PretrainSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    import torch

    from paper_repro.compiling import check_compiler
    from paper_repro.testbed.pretrain.loop import deterministic, train_rows
    from paper_repro.testbed.pretrain.model import new_model

    keep_freed_memory()
    torch.set_num_threads(thread_count())
    device = choose_device(settings.device)
    if settings.compile:
        check_compiler(device)
    rows = load_rows(inputs["corpus"], settings)
    tokenizer = load_tokenizer(inputs["corpus"] / "tokenizer")
    model = new_model(settings, tokenizer).to(device)
    with deterministic(device):
        progress = train_rows(model, rows, settings, workspace.scratch)
    save_base(model, inputs["corpus"] / "tokenizer", workspace.path)
    write_json(workspace.path / CURVE, progress.curve)
    tokens = progress.step * settings.batch * settings.context
    workspace.summary |= {
        "corpus": _corpus_facts(settings.corpus, inputs["corpus"]),
        "device": device,
        "parameters": parameter_count(model),
        "optimiser_steps": progress.step,
        "tokens": tokens,
        "train_loss_last": progress.curve[-1]["loss"],
        "held_out_loss": round(saved_loss(workspace.path, rows), 5),
    }
    workspace.provenance |= {
        "hardware": hardware(device),
        "resumed_after_step": progress.resumed_after,
        "pretraining_s": round(progress.seconds, 1),
        "tokens_per_s": round(tokens / progress.seconds),
    }


def _corpus_facts(name: str, folder: Path) -> dict[str, Any]:
    """What identifies a corpus: settings and counts (None unless the testbed made it), and the bytes that are read."""
    made = read_manifest(folder, kind="pretraining-corpus").identity if is_artifact(folder) else None
    return {
        "name": name,
        "settings": made and made.settings,
        "counts": {count: made.summary[count] for count in COUNTS} if made else None,
        "tokens_sha256": digest_file(folder / TOKENS),
        "tokenizer_sha256": digest_file(folder / "tokenizer" / "tokenizer.json"),
    }


def save_base(model: LlamaForCausalLM, tokenizer: Path, out: Path) -> None:
    """Save `model` in 16 bits (bfloat16) with the tokenizer of another folder, as transformers reads it."""
    import torch
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    model.to("cpu", torch.bfloat16).eval().save_pretrained(out)
    for path in sorted(tokenizer.iterdir()):
        if path.is_file() and path.suffix in (".json", ".jinja", ".txt") and path.name != "manifest.json":
            shutil.copyfile(path, out / path.name)


def saved_loss(folder: Path, rows: Rows) -> float:
    """Held-out loss (nats a token) of the model as it was saved, computed in 32 bits on the CPU."""
    from paper_repro.testbed.pretrain.loop import held_out_loss

    return held_out_loss(load_base(ModelSource(name=str(folder), weights="path")), rows)


def hardware(device: str) -> str:
    """Name of the processor that `device` stands for."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


PRETRAIN = Stage(
    name="pretrain",
    kind="base-model",
    version=1,
    settings=PretrainSettings,
    work=_work,
    packages=PACKAGES,
    threaded=True,
)
