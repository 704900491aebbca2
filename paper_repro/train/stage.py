"""The train stage: a training set in, a tuned model out; resumes from its newest whole checkpoint."""

from __future__ import annotations

import gc
import logging
import math
import shutil
import time
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from artifacts.errors import StageError
from artifacts.files import read_json, write_json
from artifacts.machine import peak_memory_mb
from artifacts.manifest import Artifact, is_artifact
from artifacts.stage import Stage, Workspace, thread_count
from paper_repro.conditions import Condition
from paper_repro.hardware import hardware
from paper_repro.models import ModelSource, load_tokenizer
from paper_repro.sequences import fitting_chat_template
from paper_repro.train.attention import attention_of
from paper_repro.train.data import TrainingData, check_trainset, condition_facts, load_data
from paper_repro.train.loading import check_machine, load_for_training, load_with_adapter
from paper_repro.train.memory import find_sizes, naming_the_setting
from paper_repro.train.merge import MergeCheck, adapter_check, save_adapter, save_model
from paper_repro.train.processes import check_processes, follow, lead, process_count
from paper_repro.train.settings import TrainSettings
from paper_repro.train.trainer import COMPLETE, build_trainer, gathered_weights
from paper_repro.train.trajectory import Trajectory

if TYPE_CHECKING:
    from trl import SFTTrainer

PACKAGES = ("accelerate", "gguf", "peft", "tokenizers", "torch", "transformers", "trl")
log = logging.getLogger("rt")


def train(settings: TrainSettings, trainset: Path, out: Path, *, overwrite: bool = False) -> Artifact:
    """Tune a base model.

    Args:
        settings: How.
        trainset: A `trainset` or `curated` artifact, or a file of rows.
        out: Folder for `adapter/` (unless `preset: full`), `merged/` (unless `merge: false`) and `trajectory.json`.
        overwrite: Replace a finished model made otherwise.

    Raises:
        InputError: rows that cannot be used, or an IT request on a set without instructions.
        MissingDataError: the base weights cannot be had.
    """
    settings, inputs = stage_call(settings, trainset)
    return TRAIN.run(settings, out, inputs, overwrite=overwrite)[0]


def stage_call(settings: TrainSettings, trainset: Path) -> tuple[TrainSettings, dict[str, Path]]:
    """Settings without machine paths, and all inputs, as the stage takes them.

    A plain folder gives the response set its name, which its digest does not hold: here it becomes a setting.

    Raises:
        InputError: column names for a folder, or a file out of an artifact.
    """
    check_trainset(settings, trainset)
    inputs = {"trainset": trainset, **settings.base.inputs()}
    plain = trainset.is_dir() and not is_artifact(trainset)
    name = settings.response_set or (trainset.resolve().name if plain else None)
    return settings.model_copy(update={"base": settings.base.neutral(), "response_set": name}), inputs


def follow_leader(settings: TrainSettings, trainset: Path) -> None:
    """The part of a process that only trains with others: waits for the leader's stage, trains, and saves nothing."""
    _quieten()
    log.setLevel(logging.WARNING)  # the leader reports progress
    settings, inputs = stage_call(settings, trainset)
    task = follow()
    if not task["train"]:
        return
    source = settings.base.at(inputs.get("base"))
    settings = settings.model_copy(update=task["sizes"])
    data = load_data(load_tokenizer(source), trainset, settings)
    with TemporaryDirectory() as scratch:
        trajectory = Trajectory(Path(scratch) / "trajectory.jsonl", 0)
        checkpoint = Path(task["checkpoint"]) if task["checkpoint"] else None
        trainer = _train(settings, source, data, Path(task["folder"]), trajectory, checkpoint)
    gathered_weights(trainer)


def _quieten() -> None:
    import torch

    # libraries announce renamed options of each other
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    torch.set_num_threads(thread_count())


def _work(settings: TrainSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    _quieten()
    check_machine(settings)
    source = settings.base.at(inputs.get("base"))
    tokenizer = load_tokenizer(source)
    fitting_chat_template(tokenizer)  # refuse before hours of training what could not be served after it
    data = load_data(tokenizer, inputs["trainset"], settings)
    settings = _with_batch(settings, source, data, workspace.scratch)
    started = time.monotonic()
    trainer, trajectory, resumed_at = _tune(settings, source, data, workspace.scratch)
    seconds = time.monotonic() - started
    parameters, attention = _parameters(settings, trainer), attention_of(trainer.model)
    check = _save(settings, source, trainer, data, workspace.path)
    write_json(workspace.path / "trajectory.json", trajectory.rows)
    facts = condition_facts(inputs["trainset"], settings.response_set)
    workspace.summary |= {
        "condition": _condition(settings, parameters["parameters"], facts),
        **data.counts,
        **parameters,
        "attention": attention,
        "processes": process_count(),
        "per_device_batch": settings.per_device_batch,
        "pack_tokens": settings.pack_tokens,
        "accumulation": settings.accumulation // process_count(),
        "optimiser_steps": len(trajectory.rows),
        "loss_first": trajectory.rows[0]["loss"],
        "loss_last": trajectory.rows[-1]["loss"],
        "tuning_max_logit_change": check.change,
        "merge_max_logit_difference": check.difference,
        **_quantiser(settings),
    }
    done = trajectory.rows[resumed_at:]
    workspace.provenance |= {
        "resumed_after_step": resumed_at,
        "training_s": round(seconds, 3),
        "loss_tokens_per_s": round(sum(row["loss_tokens"] for row in done) / seconds, 1),
        "peak_memory_mb": peak_memory_mb(),
        "hardware": hardware(),
    }


def _quantiser(settings: TrainSettings) -> dict[str, str]:
    """Version of bitsandbytes where it was used; elsewhere it decides nothing."""
    used = settings.quantisation is not None or settings.optimiser != "adamw"
    return {"bitsandbytes": version("bitsandbytes")} if used else {}


def _with_batch(settings: TrainSettings, source: ModelSource, data: TrainingData, scratch: Path) -> TrainSettings:
    """The settings with all sizes as numbers: a resumed run keeps the one that was found first."""
    if "auto" in (settings.per_device_batch, settings.pack_tokens):
        found = scratch / "sizes.json"
        if not found.is_file():
            write_json(found, find_sizes(settings, source, data.sequences, load_with_adapter))
        settings = settings.model_copy(update=read_json(found))
    check_processes(settings.global_batch, settings.per_device_batch)
    passes = settings.accumulation // process_count()
    if settings.pack_tokens is not None:
        log.info("train: global batch %s, packed into passes of %s tokens", settings.global_batch, settings.pack_tokens)
        return settings
    log.info(
        "train: global batch %s = per_device_batch %s x %s process(es) x %s accumulated passes",
        settings.global_batch, settings.per_device_batch, process_count(), passes,
    )  # fmt: skip
    return settings


def _tune(
    settings: TrainSettings, source: ModelSource, data: TrainingData, scratch: Path
) -> tuple[SFTTrainer, Trajectory, int]:
    """Train to the end, from the newest whole checkpoint if there is one; also the step resumed after."""
    folder = scratch / "checkpoints"
    checkpoint, step = _newest_checkpoint(folder)
    trajectory = Trajectory(scratch / "trajectory.jsonl", step)
    if not trajectory.is_whole(step):
        checkpoint, step = None, 0
        trajectory = Trajectory(scratch / "trajectory.jsonl", 0)
    lead(
        {
            "train": True,
            "sizes": {"per_device_batch": settings.per_device_batch, "pack_tokens": settings.pack_tokens},
            "folder": str(folder.resolve()),
            "checkpoint": str(checkpoint.resolve()) if checkpoint else None,
        }
    )
    trainer = _train(settings, source, data, folder, trajectory, checkpoint)
    steps = math.ceil(len(data.sequences) / settings.global_batch) * settings.epochs
    if not trajectory.is_whole(steps):
        raise StageError(f"training stopped after {len(trajectory.rows)} of {steps} steps")
    return trainer, trajectory, step


def _train(
    settings: TrainSettings, source: ModelSource, data: TrainingData, folder: Path, trajectory: Trajectory,
    checkpoint: Path | None,
) -> SFTTrainer:  # fmt: skip
    with naming_the_setting(settings):
        model = load_for_training(settings, source)
        trainer = build_trainer(settings, model, load_tokenizer(source), data.sequences, folder, trajectory)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    return trainer


def _newest_checkpoint(folder: Path) -> tuple[Path | None, int]:
    """The newest checkpoint that was written to its end, and its step; others are removed."""
    found: list[tuple[int, Path]] = []
    for path in folder.glob("checkpoint-*"):
        if (path / COMPLETE).is_file():
            found.append((read_json(path / COMPLETE)["step"], path))
        else:
            shutil.rmtree(path)
    step, newest = max(found, default=(0, None))
    return newest, step


def _save(
    settings: TrainSettings, source: ModelSource, trainer: SFTTrainer, data: TrainingData, out: Path
) -> MergeCheck:
    """Save adapter and merged model, and compare the files with what was trained."""
    weights = gathered_weights(trainer)
    if settings.preset == "full":
        return save_model(source, trainer.model, settings.merged_dtype, data.sequences, out / "merged", weights)
    adapter = out / "adapter"
    save_adapter(trainer.model, source, adapter, weights)
    _free(trainer)
    if not settings.merge:
        return adapter_check(source, adapter, data.sequences)
    return save_model(source, adapter, settings.merged_dtype, data.sequences, out / "merged")


def _free(trainer: SFTTrainer) -> None:
    """Let go of the trained copy and its optimiser before the base is loaded again."""
    trainer.accelerator.free_memory()
    for holder in (trainer, trainer.callback_handler):
        holder.model = holder.optimizer = holder.lr_scheduler = None
    trainer.model_wrapped = trainer.unwrapped = None
    gc.collect()


def _parameters(settings: TrainSettings, trainer: SFTTrainer) -> dict[str, int]:
    added = 0 if settings.preset == "full" else trainer.trainable_parameters
    return {"parameters": trainer.parameters - added, "trainable_parameters": trainer.trainable_parameters}


def _condition(settings: TrainSettings, model_size: int, facts: dict[str, Any]) -> dict[str, Any]:
    method = {"rt": "RT", "it": "IT"}[settings.method]
    return Condition(
        base_model=settings.base.label,
        model_size=model_size,
        method=method,
        seed=settings.seed,
        learning_rate=settings.learning_rate,
        **facts,
    ).resolved()


TRAIN = Stage(
    name="train", kind="model", version=4, settings=TrainSettings, work=_work, packages=PACKAGES, threaded=True
)
