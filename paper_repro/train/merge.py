"""From trained weights to files: the adapter, and a plain model merged into 16-bit (never 4-bit) weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifacts.errors import StageError
from artifacts.files import read_json, write_json
from data_curation.markers import chat_template
from paper_repro.models import ModelSource, load_base, load_tokenizer
from paper_repro.sequences import TokenSequence, adds_bos

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

CHECKED_ROWS = 4
CHECKED_TOKENS = 64
NOISE = 0.05  # largest difference of a logit that 32-bit arithmetic in another order may make


@dataclass(frozen=True)
class MergeCheck:
    """Largest differences of a logit over a few training rows.

    Attributes:
        change: Between the base and what was trained: what tuning did.
        difference: Between what was trained and the saved weights: what merging and rounding did.
    """

    change: float
    difference: float


def save_adapter(model: PreTrainedModel, source: ModelSource, out: Path) -> None:
    """Save a PEFT adapter without traces of this machine: the base by its name, layer names in a fixed order."""
    model.save_pretrained(out)
    (out / "README.md").unlink(missing_ok=True)  # a template that names a local folder
    path = out / "adapter_config.json"
    config = read_json(path)
    config["base_model_name_or_path"] = source.label
    if isinstance(config["target_modules"], list):
        config["target_modules"] = sorted(config["target_modules"])
    write_json(path, config)


def save_model(
    source: ModelSource, trained: Path | PreTrainedModel, dtype: str, sample: Sequence[TokenSequence], out: Path
) -> MergeCheck:
    """Save the tuned model as plain weights, with the base's own config and a tokenizer that has our chat template.

    The base's stored 16-bit weights are exact in 32 bits, so only the sum with the adapter is rounded, once, when it
    is saved. No more than two copies of the weights are held at a time.

    Args:
        source: The base.
        trained: Folder of the adapter, or the model itself where all of its weights were tuned.
        dtype: Precision of the saved weights.
        sample: Sequences to compare on.
        out: Folder.

    Raises:
        StageError: the saved weights lose more than half of what tuning did.
    """
    import torch

    base = load_base(source, "float32")
    before = _logits(base, sample)
    if isinstance(trained, Path):
        from peft import PeftModel

        tuned = PeftModel.from_pretrained(base, trained).eval()
        after = _logits(tuned, sample)
        merged = tuned.merge_and_unload(safe_merge=True)
        del tuned
    else:
        after = _logits(trained.to("cpu").eval(), sample)
        base.load_state_dict(trained.state_dict())
        merged = base
    merged.to(getattr(torch, dtype)).save_pretrained(out)
    del base, merged
    tokenizer = load_tokenizer(source)
    tokenizer.chat_template = chat_template(adds_bos(tokenizer))
    tokenizer.save_pretrained(out)
    saved = _logits(load_base(ModelSource(name=str(out), weights="path"), "float32"), sample)
    check = MergeCheck(change=_largest(before, after), difference=_largest(after, saved))
    if not check.difference <= max(NOISE, check.change / 2):
        raise StageError(
            f"the saved weights are not those trained: logits differ by up to {check.difference:.3f}, tuning changed "
            f"them by up to {check.change:.3f}",
            where=str(out),
            fix="the update is lost in rounding; use merged_dtype: float32" if dtype != "float32" else None,
        )
    return check


def _logits(model: PreTrainedModel, sample: Sequence[TokenSequence]) -> list[torch.Tensor]:
    import torch

    with torch.no_grad():
        return [model(torch.tensor([row.input_ids[:CHECKED_TOKENS]])).logits.float() for row in sample[:CHECKED_ROWS]]


def _largest(some: list[torch.Tensor], others: list[torch.Tensor]) -> float:
    return round(max((a - b).abs().max().item() for a, b in zip(some, others, strict=True)), 6)
