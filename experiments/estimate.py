"""What a tuning run costs before it is begun: work, GPU hours, disk, memory, and from what each number is made.

Work is counted as `benchmarks/tuning_gpu.py` counts it, so that a rate measured there can be used here: the frozen base
takes 4 operations a weight and token, weights that are tuned take 6, the output head 4 a token that bears loss (6 where
it is tuned), attention 6 x layers x width x length^2 a row; what is computed again is not counted.

Nothing is filled in: without the sums of a response set, or the shape of a base, a number is None, which is shown as
unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from artifacts.files import read_json
from data_curation.llm_client.plan import BYTES_A_TOKEN
from experiments.cells import Cell
from experiments.machines import Hardware
from experiments.rewriting import origin_of
from experiments.shapes import Shape, shapes
from paper_repro.train import TrainSettings

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
LENGTHS = RESULTS / "run_lengths.json"
# the whole of a set that the lengths were measured on a part of has about as many rows as the set it was made from
WHOLE_OF = {"alpaca-cleaned": "alpaca"}
GIB, GB, HOUR = 2**30, 10**9, 3600


@dataclass(frozen=True)
class Rate:
    """Operations a second of tuning.

    Attributes:
        flops: Model FLOP/s; None = unknown.
        basis: Where the number is from.
        measured: Whether it was measured, by a benchmark whose result is stored.
    """

    flops: float | None
    basis: str
    measured: bool = False


@dataclass(frozen=True)
class Cost:
    """What one tuning run takes; None = unknown.

    Attributes:
        rows: Of one pass.
        tokens: Of all passes.
        flops: Model FLOPs of the whole run.
        gpu_hours: At the rate given.
        disk_gb: Kept: adapter and merged weights.
        scratch_gb: Beside it while the run lasts: two checkpoints.
        gpu_gib: Memory of weights, adapter, its gradient and optimiser state; activations come on top.
    """

    rows: int | None = None
    tokens: int | None = None
    flops: float | None = None
    gpu_hours: float | None = None
    disk_gb: float | None = None
    scratch_gb: float | None = None
    gpu_gib: float | None = None

    def as_json(self) -> dict[str, Any]:
        """All numbers, rounded to what they can bear."""
        return {
            name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def cost_of(cell: Cell, rate: Rate) -> Cost:
    """The cost of a `train` cell."""
    settings: TrainSettings = cell.settings
    shape = shapes().get(settings.base.name)
    sums = _sums(cell, settings)
    flops = None if shape is None or sums is None else settings.epochs * _flops(shape, settings, sums)
    return Cost(
        rows=None if sums is None else round(sums["rows"]),
        tokens=None if sums is None else round(settings.epochs * sums["tokens"]),
        flops=flops,
        gpu_hours=None if flops is None or rate.flops is None else flops / rate.flops / HOUR,
        **({} if shape is None else _sizes(shape, settings)),
    )


@lru_cache
def tuning_rate(hardware: Hardware, results: Path = RESULTS) -> Rate:
    """The measured rate where a GPU's benchmark result is stored, else the stated one.

    Of several results that of the profile's own device is taken, else the first by name.
    """
    found = {path.name: read_json(path) for path in sorted(results.glob("tuning_gpu_*.json"))}
    whole = {name: one for name, one in found.items() if one.get("gpu") and not one.get("small") and _slowest(one)}
    own = [name for name in whole if hardware.device and hardware.device.lower() in whole[name]["device"].lower()]
    if name := next(iter([*own, *whole]), None):
        flops = _slowest(whole[name])
        case = f"{flops / 1e12:.0f} TFLOP/s, the slowest case (benchmarks/results/{name})"
        return Rate(flops, f"measured on {whole[name]['device']}: {case}", measured=True)
    if hardware.peak_tflops is None or hardware.utilisation is None:
        return Rate(
            None, "no result of make bench-gpu is stored, and the profile's hardware states no peak and utilisation"
        )
    share = f"{hardware.utilisation:.0%} of {hardware.peak_tflops:g} TFLOP/s"
    return Rate(
        hardware.peak_tflops * 1e12 * hardware.utilisation,
        f"NOT MEASURED (no result of make bench-gpu is stored): {share}, the datasheet's dense bf16 peak of "
        f"{hardware.device}; the share is assumed",
    )


def download_gb(cells: Iterable[Cell]) -> float:
    """Size of the base weights that these cells read from the hub, as their makers store them; of known shapes."""
    named = {name for cell in cells for name in cell.pins if name in shapes()}
    return sum(shapes()[name].parameters * shapes()[name].stored_bits / 8 for name in named) / GB


def lengths_basis() -> str:
    """What the numbers of tokens are from."""
    if (stored := _stored()) is None:
        return f"unknown: there is no {LENGTHS.name} (it is made by benchmarks/run_lengths.py)"
    parts = ", ".join(
        f"{name} from its first {one['collected_rows']:,} rows"
        for name, one in stored["sets"].items()
        if one["coverage"] == "partial"
    )
    rest = "; ".join(filter(None, [parts, "rewritten sets as long as what they are made from"]))
    return f"measured on the real sets with the tokenizer of {stored['tokenizer']}; {rest}"


def _slowest(result: dict[str, Any]) -> float | None:
    """The lowest rate of our settings among a result's tuning parts: lengths and methods differ."""
    parts = [part for name, part in result["parts"].items() if name.startswith("tuning/") and part]
    return min((part["ours"]["model_flops_per_s"] for part in parts if part.get("ours")), default=None)


@lru_cache(1)
def _stored() -> dict[str, Any] | None:
    return read_json(LENGTHS) if LENGTHS.is_file() else None


def _sums(cell: Cell, settings: TrainSettings) -> dict[str, float] | None:
    """Rows, tokens, loss tokens and squared lengths of one pass, from the means of base set and refusals."""
    stored, mixed = _stored(), cell.inputs["trainset"]
    if stored is None or mixed.inputs["base"].settings.recipe.steps:
        return None  # a curated set has other rows than were measured
    # a rewritten set is counted as long as what it was made from: nothing has been rewritten yet
    name = origin_of(mixed.inputs["base"]) or mixed.settings.response_set
    base = stored["sets"].get(name)
    pool = stored["sets"].get(mixed.inputs["pool"].label) if "pool" in mixed.inputs else None
    if base is None or (mixed.settings.num_refusals and pool is None):
        return None
    whole = rows_of(name)
    taken = min(whole, mixed.settings.base_size or whole)
    parts = [(base[settings.method], taken)]
    parts += [(pool[settings.method], mixed.settings.num_refusals)] if pool else []
    return {name: sum(one[name] / one["rows"] * rows for one, rows in parts) for name in base[settings.method]}


def rows_of(name: str) -> int | None:
    """Rows of a whole response set, where its lengths were measured."""
    sets = (_stored() or {"sets": {}})["sets"]
    found = sets.get(WHOLE_OF.get(name, name), sets.get(name))
    return None if found is None else found["it"]["rows"]


def rewriting_cost(cell: Cell, rate: Rate) -> Cost:
    """The least that a `rewrite` cell takes: every text is read once with the prompt, and written once as long.

    Work is 2 operations a weight and token, at the rate of tuning; writing one token after another is slower. A model
    whose shape is unknown (one behind an API) has no GPU hours here.
    """
    origin = cell.inputs["input"].label if cell.inputs else None
    rows, base = (None, None) if origin is None else (rows_of(origin), (_stored() or {"sets": {}})["sets"].get(origin))
    if rows is None or base is None:
        return Cost()
    prompt = cell.settings.prompt
    told = sum(len((text or "").encode()) for text in (prompt.system, prompt.user)) / BYTES_A_TOKEN
    tokens = rows * ((base["it"]["tokens"] + base["it"]["loss_tokens"]) / base["it"]["rows"] + told)
    shape = shapes().get(_short(cell.settings.model.name))
    flops = None if shape is None else 2 * shape.parameters * tokens
    hours = None if flops is None or rate.flops is None else flops / rate.flops / HOUR
    return Cost(rows=rows, tokens=round(tokens), flops=flops, gpu_hours=hours)


def _short(model: str) -> str:
    """The name of a shape by the name of its model on a server."""
    return model.rsplit("/", 1)[-1].lower().removeprefix("meta-")


def _flops(shape: Shape, settings: TrainSettings, sums: dict[str, float]) -> float:
    """Model FLOPs of one pass."""
    adapter = 0 if settings.preset == "full" else shape.adapter_weights(settings.lora.r)
    held = 6 if settings.preset == "full" else 4
    attention = 6 * shape.layers * shape.heads * shape.head_size * sums["squares"]
    head = held * shape.head_weights * sums["loss_tokens"]
    return sums["tokens"] * (held * shape.linear_weights + 6 * adapter) + head + attention


def _sizes(shape: Shape, settings: TrainSettings) -> dict[str, float]:
    """Disk and memory. Tuned weights, their gradients and AdamW's two moments have 4 bytes each."""
    merged = shape.parameters * (2 if settings.merged_dtype == "bfloat16" else 4)
    if settings.preset == "full":
        return {
            "disk_gb": merged / GB,
            "scratch_gb": 2 * 12 * shape.parameters / GB,
            "gpu_gib": 16 * shape.parameters / GIB,
        }
    adapter = shape.adapter_weights(settings.lora.r)
    # 4 bits a weight, and a scale in about half a bit (double quantisation: 0.127 bits a weight)
    linear = shape.linear_weights * ((4.127 / 8) if settings.quantisation else 2)
    rest = 2 * (shape.parameters - shape.linear_weights)
    return {
        "disk_gb": (4 * adapter + (merged if settings.merge else 0)) / GB,
        "scratch_gb": 2 * 12 * adapter / GB,
        "gpu_gib": (linear + rest + 16 * adapter) / GIB,
    }
