"""From trained weights to files: the adapter, and a plain model merged into 16-bit (never 4-bit) weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from artifacts.errors import StageError
from artifacts.files import read_json, write_json
from paper_repro.models import ModelSource, load_base, load_tokenizer
from paper_repro.sequences import TokenSequence, fitting_chat_template

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

CHECKED_ROWS = 4
CHECKED_TOKENS = 64
NOISE = 2e-4  # largest difference of a logit that 32-bit arithmetic in another order may make; observed: 3e-5


@dataclass(frozen=True)
class MergeCheck:
    """Largest differences of a logit over a few training rows.

    Attributes:
        change: Between the base and what was trained: what tuning did.
        difference: Between what was trained and the saved weights: what merging and rounding did. None where nothing
            was merged.
    """

    change: float
    difference: float | None


def save_adapter(
    model: PreTrainedModel, source: ModelSource, out: Path, weights: dict[str, torch.Tensor] | None = None
) -> None:
    """Save a PEFT adapter without traces of this machine: the base by its name, layer names in a fixed order.

    It holds no embeddings and no head, as nothing is resized, so it loads on the original base. The tokenizer goes with
    it: servers that load adapters take the chat template from there.

    Args:
        model: With the adapter.
        source: Its base.
        out: Folder.
        weights: All weights, gathered, where processes hold a part each.
    """
    model.save_pretrained(out, state_dict=weights, save_embedding_layers=False)
    (out / "README.md").unlink(missing_ok=True)  # a template that names a local folder
    path = out / "adapter_config.json"
    config = read_json(path)
    config["base_model_name_or_path"] = source.label
    if isinstance(config["target_modules"], list):
        config["target_modules"] = sorted(config["target_modules"])
    write_json(path, config)
    save_tokenizer(source, out)


def save_tokenizer(source: ModelSource, out: Path) -> None:
    """Save the base's tokenizer as it is, with our chat template."""
    tokenizer = load_tokenizer(source)
    tokenizer.chat_template = fitting_chat_template(tokenizer)
    tokenizer.save_pretrained(out)


def adapter_check(source: ModelSource, adapter: Path, sample: Sequence[TokenSequence]) -> MergeCheck:
    """What a saved adapter does to the logits of its base; raises StageError if it does nothing."""
    from peft import PeftModel

    base = load_base(source, "float32")
    before = _logits(base, sample)
    change = _largest(before, _logits(PeftModel.from_pretrained(base, adapter).eval(), sample))
    if not change > 0:
        raise StageError(f"the saved adapter changes no logit of its base ({change})", where=str(adapter))
    return MergeCheck(change=change, difference=None)


def save_model(
    source: ModelSource, trained: Path | PreTrainedModel, dtype: str, sample: Sequence[TokenSequence], out: Path,
    weights: dict[str, torch.Tensor] | None = None,
) -> MergeCheck:  # fmt: skip
    """Save the tuned model as plain weights, with the base's own config and a tokenizer that has our chat template.

    The base's stored 16-bit weights are exact in 32 bits, so only the sum with the adapter is rounded, once, when it
    is saved. No more than two copies of the weights are held at a time.

    Args:
        source: The base.
        trained: Folder of the adapter, or the model itself where all of its weights were tuned.
        dtype: Precision of the saved weights.
        sample: Sequences to compare on.
        out: Folder.
        weights: Those of `trained`, gathered, where processes hold a part each.

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
        # of a model that processes share out, each holds a part, and this one alone cannot compute with it
        after = _logits(trained.to("cpu").eval(), sample) if weights is None else None
        base.load_state_dict(trained.state_dict() if weights is None else weights)
        after, merged = after or _logits(base, sample), base
    merged.to(getattr(torch, dtype)).save_pretrained(out)
    del base, merged
    save_tokenizer(source, out)
    saved = _logits(load_base(ModelSource(name=str(out), weights="path"), "float32"), sample)
    check = MergeCheck(change=_largest(before, after), difference=_largest(after, saved))
    _check_kept(_gap(before, after), _gap(after, saved), dtype, out)
    return check


def _logits(model: PreTrainedModel, sample: Sequence[TokenSequence]) -> list[torch.Tensor]:
    import torch

    with torch.no_grad():
        return [model(torch.tensor([row.input_ids[:CHECKED_TOKENS]])).logits.float() for row in sample[:CHECKED_ROWS]]


def _check_kept(change: float, difference: float, dtype: str, out: Path) -> None:
    """Refuse saved weights that are further from what was trained than half of what tuning did.

    Weights saved in 32 bits lose nothing to rounding, so there a tiny update may be smaller than the noise of another
    order of sums. In 16 bits an update of that size is what rounding takes away.
    """
    noise = NOISE if dtype == "float32" else 0.0
    if not difference <= max(noise, change / 2):
        raise StageError(
            f"the saved weights are not those trained: logits differ by up to {difference:.2g}, tuning changed them by "
            f"up to {change:.2g}",
            where=str(out),
            fix="the update is lost in rounding; use merged_dtype: float32" if dtype != "float32" else None,
        )


def _largest(some: list[torch.Tensor], others: list[torch.Tensor]) -> float:
    return round(_gap(some, others), 6)


def _gap(some: list[torch.Tensor], others: list[torch.Tensor]) -> float:
    return max((a - b).abs().max().item() for a, b in zip(some, others, strict=True))
