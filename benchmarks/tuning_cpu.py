"""Tuning on a CPU: seconds a step of the train stage's trainer, beside a bare PyTorch loop of the same steps.

The model is a random Llama of the testbed's 2M shape, the data 1,000 random rows of about 35 tokens, the adapter LoRA
on all linear layers. Both sides see the same batches in the same order and make the same updates, which is checked by
their losses. The two take turns, so that a busy machine slows both; processor time is stored beside wall-clock time.

Run: python benchmarks/tuning_cpu.py [--rows 1000] [--out benchmarks/results/tuning_cpu.json]
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import SEED, hardware, random_llama, random_tokenizer, versions, write_result

from artifacts.machine import peak_memory_mb
from paper_repro.models import ModelSource
from paper_repro.sequences import IGNORED, TokenSequence
from paper_repro.train import LoraSettings, TrainSettings
from paper_repro.train.order import epoch_order
from paper_repro.train.trainer import build_trainer, lora_config
from paper_repro.train.trajectory import Trajectory

MEAN, SPREAD, UNTRAINED = 35, 10, 5  # tokens of a row, and those at its head that bear no loss
GOAL = 1.3  # times the bare loop
Seconds = dict[str, float]  # by clock


def clocks() -> Seconds:
    """What the clocks show: of the wall, and of this process's time on processors."""
    return {"wall": time.perf_counter(), "processor": time.process_time()}


def since(started: Seconds, steps: int) -> Seconds:
    """Seconds a step since then."""
    return {name: (now - started[name]) / steps for name, now in clocks().items()}


def settings() -> TrainSettings:
    """The testbed's tuning."""
    return TrainSettings(
        base=ModelSource(name="random", weights="path"),
        lora=LoraSettings(r=32, alpha=64, dropout=0.0),
        epochs=1,
        global_batch=16,
        per_device_batch=16,
        learning_rate=3e-3,
        schedule="linear",
        warmup_steps=10,
        max_grad_norm=1.0,
        dtype="float32",
        recompute_above=None,
        checkpoint_every=100_000,
    )


def rows(count: int, vocabulary: int) -> list[TokenSequence]:
    """Random sequences of about `MEAN` tokens."""
    draw = random.Random(SEED)  # noqa: S311
    made = []
    for _ in range(count):
        ids = [draw.randrange(4, vocabulary) for _ in range(draw.randint(MEAN - SPREAD, MEAN + SPREAD))]
        made.append(TokenSequence(ids, [IGNORED] * UNTRAINED + ids[UNTRAINED:]))
    return made


def ours(sequences: list[TokenSequence]) -> tuple[Seconds, list[float]]:
    """Seconds a step, and losses, of the train stage's trainer."""
    with tempfile.TemporaryDirectory() as folder:
        trajectory = Trajectory(Path(folder) / "trajectory.jsonl", 0)
        model = random_llama().eval()
        trainer = build_trainer(settings(), model, random_tokenizer(), sequences, Path(folder) / "c", trajectory)
        started = clocks()
        trainer.train()
        return since(started, len(trajectory.rows)), [row["loss"] for row in trajectory.rows]


def bare(sequences: list[TokenSequence]) -> tuple[Seconds, list[float]]:
    """The same steps without any trainer."""
    import torch
    from peft import get_peft_model
    from transformers import get_linear_schedule_with_warmup, set_seed

    given = settings()
    base = random_llama()
    set_seed(given.seed)
    model = get_peft_model(base, lora_config(given.lora)).train()
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=given.learning_rate, weight_decay=0.0)
    lengths = [len(row.input_ids) for row in sequences]
    order = epoch_order(lengths, given.seed, 0, given.global_batch, given.sort_within_batch)
    steps = [order[start : start + given.global_batch] for start in range(0, len(order), given.global_batch)]
    schedule = get_linear_schedule_with_warmup(optimiser, given.warmup_steps, len(steps))
    losses = []
    started = clocks()
    for step in steps:
        ids, mask, labels = _batch([sequences[index] for index in step])
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
        targets = labels[:, 1:]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, given.max_grad_norm)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    return since(started, len(steps)), losses


def _batch(part: list[TokenSequence]):
    import torch

    longest = max(len(row.input_ids) for row in part)

    def padded(values: list[list[int]], filling: int):
        return torch.tensor([value + [filling] * (longest - len(value)) for value in values])

    mask = padded([[1] * len(row.input_ids) for row in part], 0)
    return padded([row.input_ids for row in part], 0), mask, padded([row.labels for row in part], IGNORED)


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "tuning_cpu.json")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    sequences = rows(given.rows, random_llama().config.vocab_size)
    for side in (ours, bare):
        side(sequences[:64])  # imports and first allocations
    measured: dict[str, list[Seconds]] = {"ours": [], "bare": []}
    for _ in range(given.repeats):
        ours_s, ours_losses = ours(sequences)
        bare_s, bare_losses = bare(sequences)
        measured["ours"].append(ours_s)
        measured["bare"].append(bare_s)
    apart = max(abs(a - b) for a, b in zip(ours_losses, bare_losses, strict=True))
    if apart > 1e-3:
        raise SystemExit(f"the two sides do not train the same: losses differ by up to {apart:.2g}")
    middle = {
        clock: {name: statistics.median(one[clock] for one in each) for name, each in measured.items()}
        for clock in ("wall", "processor")
    }
    tokens = sum(len(row.input_ids) for row in sequences) / len(ours_losses)
    write_result(
        given.out,
        {
            "what": f"LoRA tuning of a random 2M Llama, {given.rows} rows of about {MEAN} tokens, batches of 16",
            "seconds_per_step": {
                clock: {name: round(value, 5) for name, value in sides.items()} for clock, sides in middle.items()
            },
            "tokens_per_s": {name: round(tokens / value) for name, value in middle["wall"].items()},
            "ratio": {clock: round(sides["ours"] / sides["bare"], 3) for clock, sides in middle.items()},
            "goal_at_most": GOAL,
            "largest_difference_of_a_loss": apart,
            "steps": len(ours_losses),
            "repeats": given.repeats,
            "threads": given.threads,
            "peak_memory_mb": peak_memory_mb(),
            "hardware": hardware(),
            "versions": versions("torch", "transformers", "trl", "peft", "accelerate"),
        },
    )


if __name__ == "__main__":
    main()
