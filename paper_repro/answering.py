"""The model that a stage answers with: a tuned one, or untuned weights; loaded, on its device, with its condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from artifacts.errors import InputError
from artifacts.manifest import read_manifest
from artifacts.settings import Settings
from artifacts.stage import thread_count
from data_curation.devices import choose_device
from paper_repro.conditions import Condition, Method
from paper_repro.models import ModelSource, load_base, load_tokenizer, parameter_count
from paper_repro.tuned import tuned_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


Given = TypeVar("Given", bound=Settings)  # settings with `base`


class AnsweringSettings(Protocol):
    """What the settings of such a stage say of its model.

    Attributes:
        base: Weights to answer with untuned; None where a model artifact answers.
        dtype: Of weights and computation.
        device: `auto` takes a GPU where there is one.
    """

    base: ModelSource | None
    dtype: Literal["float32", "bfloat16"]
    device: Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class Answering:
    """A loaded model.

    Attributes:
        model: In evaluation mode, on its device.
        tokenizer: Its tokenizer.
        condition: That of the tuned model; of untuned weights, theirs.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    condition: Condition


def one_of(model: Path | None, base: ModelSource | None, base_by: str = "--base NAME") -> None:
    """Check that a tuned model or untuned weights are given, and not both.

    Args:
        model: Folder of a tuned model.
        base: Untuned weights.
        base_by: How these are given, for the message.

    Raises:
        InputError: none or both.
    """
    if (model is None) == (base is None):
        raise InputError(
            "no model is given" if model is None else "both a model and a base are given",
            fix=f"give either a tuned model (--model DIR) or untuned weights ({base_by})",
        )


def check_untuned(base: ModelSource | None) -> None:
    """Refuse a tuned model as untuned weights, which it would be in the results; raises InputError."""
    tuned = tuned_folder(Path(base.name)) if base is not None and base.weights == "path" else None
    if tuned is not None:
        raise InputError(
            "a tuned model is given as untuned weights", where=base.name, fix=f"give it by --model {tuned}"
        )


def neutral_settings(settings: Given) -> Given:
    """The settings without this machine's paths: a base folder's content is an input."""
    return settings if settings.base is None else settings.model_copy(update={"base": settings.base.neutral()})


def load_answering(settings: AnsweringSettings, inputs: Mapping[str, Path], method: Method = "untuned") -> Answering:
    """Load the input `model` (an artifact), or else the weights of `settings.base` (a folder: the input `base`).

    Args:
        settings: Of the stage.
        inputs: Of the stage.
        method: How untuned weights are asked, for their condition.

    Raises:
        InputError: neither is there.
        UserError: a GPU is asked for, and there is none.
    """
    import torch

    torch.set_num_threads(thread_count())
    device = choose_device(settings.device)  # first: a model takes long to load
    if "model" in inputs:
        artifact = read_manifest(inputs["model"], kind="model")
        source = ModelSource(name=str(inputs["model"]), weights="path")
        condition = Condition(**artifact.summary["condition"])
    elif settings.base is None:
        raise InputError("nothing to answer with", fix="give the input 'model' or the setting 'base'")
    else:
        source, condition = settings.base.at(inputs.get("base")), None
    model = load_base(source, settings.dtype)
    if condition is None:
        condition = Condition(base_model=settings.base.label, model_size=parameter_count(model), method=method)
    return Answering(model.to(device), load_tokenizer(source), condition)
