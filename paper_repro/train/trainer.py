"""TRL's SFTTrainer on sequences that are tokenised and labelled already; data order and loss are ours."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.errors import StageError
from artifacts.files import write_json
from paper_repro.compiling import compile_layers
from paper_repro.models import pad_id, parameter_count
from paper_repro.sequences import IGNORED, TokenSequence
from paper_repro.train.loading import lora_config
from paper_repro.train.loss import set_recomputing, summed_loss
from paper_repro.train.order import EpochSampler, epoch_order
from paper_repro.train.packing import StepCollator
from paper_repro.train.processes import is_leader, process_count, summed, whole_deal
from paper_repro.train.settings import TrainSettings
from paper_repro.train.steps import packed_step, spare_walks
from paper_repro.train.trajectory import Trajectory

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl import SFTConfig, SFTTrainer

COMPLETE = "complete.json"  # written last into a checkpoint: one without it was cut off while being written
REPORT_EVERY = 5.0  # seconds between lines of progress
log = logging.getLogger("rt")


def trainer_arguments(settings: TrainSettings, folder: Path) -> SFTConfig:
    """Every option of the trainer that could change a number, spelled out rather than left to its defaults."""
    import torch
    from trl import SFTConfig

    cuda = torch.cuda.is_available()
    arguments = SFTConfig(
        output_dir=str(folder),
        # packed, the trainer is handed a whole step at a time
        per_device_train_batch_size=_rows_at_once(settings),
        gradient_accumulation_steps=settings.global_batch // (_rows_at_once(settings) * process_count()),
        average_tokens_across_devices=True,
        ddp_find_unused_parameters=False,
        num_train_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=settings.warmup_steps,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        optim="adamw_torch_fused" if settings.optimiser == "adamw" else settings.optimiser,
        seed=settings.seed,
        data_seed=settings.seed,
        full_determinism=cuda,
        use_cpu=not cuda,
        bf16=settings.dtype == "bfloat16",
        fp16=False,
        activation_checkpointing=settings.recompute_above is not None,
        max_length=None,  # sequences are cut already
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_num_workers=0,
        dataloader_pin_memory=cuda,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=settings.checkpoint_every,
        save_total_limit=2,  # while one is written, the one before it is whole
        report_to="none",
        disable_tqdm=True,
    )
    # one process trains on one device: with several in sight the trainer would split each pass over all of them, and
    # take that many times the rows a step; more devices are taken by more processes
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _rows_at_once(settings: TrainSettings) -> int:
    """Sequences that a process is handed at a time: those of a padded forward pass, or its share of a step."""
    if settings.pack_tokens is None:
        return settings.per_device_batch
    return settings.global_batch // process_count()


def _collator(settings: TrainSettings) -> StepCollator | None:
    """None: the trainer's own, which pads."""
    if settings.pack_tokens is None:
        return None
    by_pass = settings.loss_normalisation == "microbatch_mean"
    return StepCollator(settings.pack_tokens, settings.per_device_batch if by_pass else None)


def build_trainer(
    settings: TrainSettings,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    sequences: list[TokenSequence],
    folder: Path,
    trajectory: Trajectory,
) -> SFTTrainer:
    """A trainer ready to run; `folder` takes the checkpoints, `trajectory` a row per optimiser step.

    The adapter is made here, after the seed is set (SFTTrainer sets it first thing). The tokenizer is only padded
    with: no token is added and nothing resized.
    """
    from datasets import Dataset
    from transformers import PrinterCallback

    tokenizer.pad_token_id = pad_id(tokenizer)
    blank = TokenSequence([tokenizer.pad_token_id] * 2, [IGNORED] * 2)
    filled = sequences + [blank] * (process_count() > 1)
    rows = {"input_ids": [s.input_ids for s in filled], "labels": [s.labels for s in filled]}
    trainer = _trainer_class()(
        model=model,
        args=trainer_arguments(settings, folder),
        train_dataset=Dataset.from_dict(rows),
        processing_class=tokenizer,
        peft_config=None if settings.preset == "full" else lora_config(settings.lora),
        data_collator=_collator(settings),
    )
    trainer.settings = settings
    trainer.lengths = [len(sequence.input_ids) for sequence in sequences]
    trainer.parameters = parameter_count(trainer.model)
    trainer.trained = [parameter for parameter in trainer.model.parameters() if parameter.requires_grad]
    trainer.trainable_parameters = sum(parameter.numel() for parameter in trainer.trained)
    if settings.compile:
        compile_layers(trainer.model, model)
    spare_walks(trainer)
    trainer.loss_is_scaled_for_ga = settings.loss_normalisation == "token_mean"
    trainer.model_accepts_loss_kwargs = True  # makes the trainer count a step's trained tokens
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_callback(trainer, trajectory))
    return trainer


def gathered_weights(trainer: SFTTrainer) -> dict[str, Any] | None:
    """The trained model's weights, collected from all processes, which all have to call; None with one process."""
    return None if process_count() == 1 else trainer.accelerator.get_state_dict(trainer.model_wrapped)


def _trainer_class() -> type[SFTTrainer]:
    from trl import SFTTrainer

    class ResponseTrainer(SFTTrainer):
        """SFTTrainer with our order and our loss, and without what costs a small model's step much of its time.

        Its own fused head also scores entropy and accuracy on every pass, which costs a third more time on a CPU.
        """

        settings: TrainSettings
        parameters: int  # of the whole model, adapter included, before processes share it out
        trainable_parameters: int
        trained: list[Any]
        lengths: list[int]
        unwrapped: tuple[Any, Any] | None = None  # the model, and what is inside its wrappers
        loss_sum = 0.0
        loss_tokens = 0

        def _get_train_sampler(self, train_dataset: Any = None) -> EpochSampler:
            return _sampler(self)

        def training_step(self, model, inputs, num_items_in_batch=None):
            if "passes" not in inputs:
                return super().training_step(model, inputs, num_items_in_batch)
            model.train()
            return packed_step(self, model, inputs)

        def create_model_card(self, *arguments: Any, **options: Any) -> None:
            pass  # nobody reads one in a checkpoint

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            return _padded_loss(self, model, inputs, num_items_in_batch)

        def floating_point_ops(self, inputs: Any) -> int:
            return 0  # an estimate that nobody reads; it walks all modules of the model at every pass

        def _clip_grad_norm(self, model: Any) -> Any:
            if process_count() > 1:
                return super()._clip_grad_norm(model)
            # the same norm: only these have gradients
            return self.accelerator.clip_grad_norm_(self.trained, self.args.max_grad_norm)

    return ResponseTrainer


def _padded_loss(trainer: Any, model: Any, inputs: dict[str, Any], trained_tokens: Any) -> Any:
    """The loss of one padded forward pass as it is normalised; `trained_tokens` is the number of the whole step."""
    if (limit := trainer.settings.recompute_above) is not None:
        set_recomputing(model, inputs["input_ids"].numel() > limit)
    loss, tokens = summed_loss(model, inputs)
    trainer.loss_sum = trainer.loss_sum + loss.detach().double()  # stays on the device until the step is logged
    trainer.loss_tokens += tokens
    if trainer.settings.loss_normalisation == "token_mean":
        return loss / trained_tokens * process_count()  # gradients are averaged over processes
    # the trainer divides by the number of forward passes, blank ones included
    return loss / max(tokens, 1) * _blank_share(trainer)


def _sampler(trainer: Any) -> EpochSampler:
    s, lengths = trainer.settings, trainer.lengths
    steps_per_epoch = math.ceil(len(lengths) / s.global_batch)

    def order() -> list[int]:
        epoch = trainer.state.global_step // steps_per_epoch
        chosen = epoch_order(lengths, s.seed, epoch, s.global_batch, s.sort_within_batch)
        return whole_deal(chosen, _rows_at_once(s), blank=len(lengths))

    return EpochSampler(len(order()), order)


def _blank_share(trainer: Any) -> float:
    """Forward passes of this step, on all processes, over those that hold a sequence."""
    if process_count() == 1:
        return 1.0
    s, n = trainer.settings, len(trainer.lengths)
    left = n - trainer.state.global_step % math.ceil(n / s.global_batch) * s.global_batch
    real = math.ceil(min(left, s.global_batch) / s.per_device_batch)
    return trainer.current_gradient_accumulation_steps * process_count() / real


def _callback(trainer: SFTTrainer, trajectory: Trajectory) -> Any:
    from transformers import TrainerCallback

    progress = _Progress()

    class Record(TrainerCallback):
        """Writes the trajectory, marks checkpoints that are whole, reports progress."""

        def on_train_begin(self, args, state, control, **kwargs):
            progress.begin(state.global_step, state.max_steps)

        def on_log(self, args, state, control, logs=None, **kwargs):
            if not logs or "grad_norm" not in logs:
                return
            loss_sum, loss_tokens = summed([float(trainer.loss_sum), trainer.loss_tokens])
            row = {
                "step": state.global_step,
                "loss": loss_sum / loss_tokens,
                "loss_tokens": int(loss_tokens),
                "learning_rate": float(logs["learning_rate"]),
                "grad_norm": float(logs["grad_norm"]),
            }
            trainer.loss_sum, trainer.loss_tokens = 0.0, 0
            if not (math.isfinite(row["loss"]) and math.isfinite(row["grad_norm"])):
                raise StageError(
                    f"the loss or gradient of step {row['step']} is not a number", fix="lower learning_rate"
                )
            trajectory.append(row)
            progress.report(row)

        def on_save(self, args, state, control, **kwargs):
            trainer.accelerator.wait_for_everyone()  # every process writes the state of its random numbers
            if not is_leader():
                return
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            write_json(checkpoint / COMPLETE, {"step": state.global_step})

    return Record()


class _Progress:
    """Lines of progress on standard error, at most one every few seconds."""

    def begin(self, step: int, steps: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.first, self.steps, self.tokens = clock, step, steps, 0
        self.started = self.reported = clock()
        log.info("train: %s steps%s", steps, f", resumed after step {step}" if step else "")

    def report(self, row: dict[str, Any]) -> None:
        self.tokens += row["loss_tokens"]
        now = self.clock()
        if now - self.reported < REPORT_EVERY and row["step"] != self.steps:
            return
        self.reported, elapsed = now, max(now - self.started, 1e-9)
        left = elapsed / (row["step"] - self.first) * (self.steps - row["step"])
        log.info(
            "train: step %s/%s, loss %.3f, %.0f trained tokens/s, %.0f s left",
            row["step"], self.steps, row["loss"], self.tokens / elapsed, left,
        )  # fmt: skip
