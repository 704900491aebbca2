"""One part of `tuning_gpu.py`: measured in this process, stored in a file.

Run: python benchmarks/tuning_gpu_parts.py PART FILE [--small]
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout need not be installed
sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import SEED, VOCABULARY, hardware, random_llama, random_tokenizer
from timed_tuning import GLOBAL_BATCH, OFFICIAL, PAPER, largest_difference, sequences, timed_run

from artifacts.errors import StageError
from artifacts.files import write_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel

STEPS = {"alpaca": (2, 8), "lima": (1, 4)}  # steps that are not timed, and those that are
# ours: tokens of a pass, and above which of them activations are computed again; the first that fits
# (with a mask, attention costs by the square of a pass: 4,096 tokens cost an eighth more, 16,384 half as much again)
TRIED = ((4_096, None), (2_048, None), (4_096, 0), (2_048, 0))
SMALL, SMALL_TRIED = {"dtype": "float32", "global_batch": 16}, ((512, None),)
APART = 0.02  # nats a token that 16-bit products may change in a step's loss
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}  # dense bf16, datasheets
LLAMA_8B = {
    "vocab_size": 128_256,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
}


def has_gpu() -> bool:
    """Whether torch sees one."""
    import torch

    return torch.cuda.is_available()


def machine(small: bool) -> dict[str, Any]:
    """Device, versions, and the rate of a large matrix product, which utilisation is measured against."""
    import torch

    cuda = has_gpu()
    size, kind = (8192, torch.bfloat16) if cuda else (1024, torch.float32)
    a, b = (torch.randn(size, size, device="cuda" if cuda else "cpu", dtype=kind) for _ in range(2))
    times = []
    for _ in range(13):
        started = time.perf_counter()
        a @ b
        if cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    names = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes")
    installed = {name: metadata.version(name) for name in names if util.find_spec(name)}
    return {
        "device": torch.cuda.get_device_name() if cuda else hardware()["processor"],
        "gpu": cuda,
        "matrix_product_flops": 2 * size**3 / sorted(times[3:])[5],
        "matrix_product": f"{size} x {size} x {size}, {str(kind).removeprefix('torch.')}",
        "hardware": hardware(),
        "versions": {"python": sys.version.split()[0], **installed},
    }


def base_model(small: bool) -> tuple[PreTrainedModel, str]:
    """The model with random weights, the same every time, and how its base is held."""
    if small:
        return random_llama("0.5m"), "float32"
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(SEED)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda" if has_gpu() else "cpu"):
            model = LlamaForCausalLM(LlamaConfig(**LLAMA_8B))
    finally:
        torch.set_default_dtype(before)
    if util.find_spec("bitsandbytes"):
        return in_4_bits(model), "nf4"
    return model, "bfloat16"


def in_4_bits(model: PreTrainedModel) -> PreTrainedModel:
    """Its linear layers but the head quantised in place, as loading with the paper's settings does."""
    import bitsandbytes
    import torch

    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is not torch.nn.Linear or name == "lm_head":
                continue
            quantised = bitsandbytes.nn.Linear4bit(
                layer.in_features, layer.out_features, bias=False, compute_dtype=torch.bfloat16, quant_type="nf4",
                device="meta",
            )  # fmt: skip
            weight = layer.weight.detach()
            quantised.weight = bitsandbytes.nn.Params4bit(weight.cpu(), requires_grad=False, quant_type="nf4").to(
                weight.device
            )
            setattr(parent, name, quantised)
    model.is_loaded_in_4bit = True
    return model


def tuning(name: str, method: str, small: bool) -> dict[str, Any]:
    """Both sides on the same rows; None where a side does not fit."""
    warm, timed = (1, 1) if small else STEPS[name]
    vocabulary = VOCABULARY if small else LLAMA_8B["vocab_size"]
    wanted = (warm + timed) * (SMALL["global_batch"] if small else GLOBAL_BATCH)
    rows = sequences(name, method, wanted + 8, vocabulary)[:wanted]
    found: dict[str, Any] = {"rows": len(rows), "steps_timed": timed, "method": method, "lengths": name}
    found["official"] = side(OFFICIAL, rows, warm, small, found)
    for tokens, recompute in SMALL_TRIED if small else TRIED:
        choice = {"pack_tokens": tokens, "recompute_above": recompute, "sort_within_batch": False}
        found["ours"] = side(choice, rows, warm, small, found)
        if found["ours"] is not None:
            found["ours"] |= {"pack_tokens": tokens, "recompute": recompute is not None}
            break
    if found["official"] and found["ours"]:
        speeds = [found[one]["loss_tokens_per_s"] for one in ("ours", "official")]
        found["times_official"] = round(speeds[0] / speeds[1], 2)
        found["largest_difference_of_a_loss"] = largest_difference(found["ours"], found["official"])
        found["same_trajectory"] = found["largest_difference_of_a_loss"] <= APART
    return found


def side(choice: dict[str, Any], rows: list[Any], warm: int, small: bool, found: dict[str, Any]) -> dict | None:
    """One side's numbers, or None if it does not fit in memory."""
    import torch

    from paper_repro.train import TrainSettings
    from paper_repro.train.memory import out_of_memory

    settings = TrainSettings(**PAPER | (SMALL if small else {"dtype": "bfloat16"}) | choice)
    try:
        model, found["base_held_in"] = base_model(small)
        work = training_flops(model, rows)
        numbers = timed_run(settings, model, rows, warm)
    except (StageError, RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        print(f"out of memory: {choice}", file=sys.stderr)
        return None
    finally:
        model = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    rate = work * numbers["tokens_per_s"]
    peak = next((value for key, value in PEAKS.items() if key in _device()), None)
    numbers |= {"model_flops_per_s": rate, "share_of_datasheet": None if peak is None else round(rate / peak, 4)}
    return numbers


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def training_flops(model: PreTrainedModel, rows: list[Any]) -> float:
    """Floating-point operations a token that the training needs, averaged over the rows; recomputation not counted.

    The base is frozen: a forward pass and the gradient of the inputs, 4 a weight; the head only where there is loss;
    the adapter 6 a weight; attention 2 x 2 x width x (positions before) a layer, three times.
    """
    config, r = model.config, PAPER["lora"].r
    width, layers = config.hidden_size, config.num_hidden_layers
    kv = width * config.num_key_value_heads // config.num_attention_heads
    shapes = [(width, width), (width, kv), (width, kv), (width, width)]
    shapes += [(width, config.intermediate_size)] * 2 + [(config.intermediate_size, width)]
    base = layers * sum(a * b for a, b in shapes)
    adapter = layers * sum(r * (a + b) for a, b in shapes)
    tokens = sum(len(row.input_ids) for row in rows)
    loss = sum(row.predicted for row in rows)
    attention = sum(6 * layers * width * len(row.input_ids) ** 2 for row in rows)
    return (tokens * (4 * base + 6 * adapter) + loss * 4 * width * config.vocab_size + attention) / tokens


def testbed_tuning(device: str, small: bool) -> dict[str, Any]:
    """The testbed's tuning of its 2M base (small: 0.5M) on Alpaca's lengths, cut to its 192 tokens."""
    from paper_repro.train import TrainSettings

    if (device == "gpu") != has_gpu():
        return {"missing": f"no {device} here", "tokens_per_s": None}
    choice = {"global_batch": 8, "loss_normalisation": "token_mean", "dtype": "float32", "recompute_above": None}
    rows = [row for row in sequences("alpaca", "rt", 400 if small else 2000, VOCABULARY) if len(row.input_ids) <= 192]
    rows = rows[: 8 * (5 if small else 125)]
    numbers = timed_run(TrainSettings(**PAPER | choice), random_llama("0.5m" if small else "2m"), rows, warm=2)
    return numbers | {"losses": numbers["losses"][-1:]}


def pretraining(device: str, small: bool) -> dict[str, Any]:
    """Tokens/s of the pretrain stage's loop on the 5M shape (small: tiny)."""
    import torch
    from pretraining_cpu import rows_for

    from paper_repro.testbed.pretrain import PretrainSettings
    from paper_repro.testbed.pretrain.loop import train_rows
    from paper_repro.testbed.pretrain.model import new_model

    if (device == "gpu") != has_gpu():
        return {"missing": f"no {device} here", "tokens_per_s": None}
    settings = PretrainSettings(size="tiny" if small else "5m", held_out_share=1e-6, checkpoint_every=10**6)
    steps, warm = (6, 2) if small else (60 if device == "gpu" else 20, 5)
    rows, times = rows_for(settings, steps), []

    def after(step: int) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter())

    model = new_model(settings, random_tokenizer()).to("cuda" if device == "gpu" else "cpu")
    with tempfile.TemporaryDirectory() as folder:
        train_rows(model, rows, settings, Path(folder), after)
    timed = settings.batch * settings.context * (rows.steps - warm)
    return {"tokens_per_s": timed / (times[-1] - times[warm - 1]), "steps_timed": rows.steps - warm}


def main() -> None:
    """Measure the part and store it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part")
    parser.add_argument("file", type=Path)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    kind, *rest = given.part.split("/")
    measures = {"machine": machine, "tuning": tuning, "testbed-tuning": testbed_tuning, "pretraining-5m": pretraining}
    write_json(given.file, measures[kind](*rest, given.small))


if __name__ == "__main__":
    main()
