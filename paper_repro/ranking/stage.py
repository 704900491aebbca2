"""The rank stage: a model and a paired set in, how often the right response is the likelier one out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from artifacts.errors import InputError
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.stage import Stage, Workspace, thread_count
from data_curation.devices import choose_device
from paper_repro.answering import neutral_settings, one_of
from paper_repro.columns import write_rows
from paper_repro.conditions import Condition
from paper_repro.hardware import hardware
from paper_repro.models import ModelSource, load_base, load_tokenizer, parameter_count
from paper_repro.ranking.likelihood import log_probabilities, response_sequences
from paper_repro.ranking.pairs import Pair, chosen_pairs, mismatched, usable_pairs
from paper_repro.ranking.settings import RankSettings
from paper_repro.rows import read_rows
from paper_repro.score.statistics import bootstrap_mean, mean, wilson
from paper_repro.train.data import condition_facts, training_file
from paper_repro.tuned import tuned_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

RESAMPLES = 10_000
DIGITS = 6  # of numbers in the summary
SCHEMA = pa.schema(
    [
        pa.field("place", pa.int64(), nullable=False),
        pa.field("mismatched_place", pa.int64(), nullable=False),
        pa.field("log_probability", pa.float64(), nullable=False),
        pa.field("tokens", pa.int64(), nullable=False),
        pa.field("mismatched_log_probability", pa.float64(), nullable=False),
        pa.field("mismatched_tokens", pa.int64(), nullable=False),
    ]
)


def rank(
    settings: RankSettings, pairs: Path, out: Path, *, model: Path | None = None, overwrite: bool = False
) -> Artifact:
    """Rank the responses of a paired set with a tuned `model`, or with the untuned `settings.base`.

    Args:
        settings: How.
        pairs: A `trainset`, `curated` or `corpus` artifact with instructions, or a file of rows.
        out: Folder for `ranking.parquet`.
        model: Folder of `rt train`.
        overwrite: Replace a finished ranking made otherwise.
    """
    settings, inputs = rank_inputs(settings, pairs, model)
    return RANK.run(settings, out, inputs, overwrite=overwrite)[0]


def rank_inputs(settings: RankSettings, pairs: Path, model: Path | None) -> tuple[RankSettings, dict[str, Path]]:
    """Settings without machine paths, and all inputs; raises InputError unless exactly one model is given.

    A tuned model is the input `model` whichever way it is given, and whole, also where its `merged/` is: its manifest
    has the condition.
    """
    one_of(model, settings.base)
    base = settings.base
    folder = model if base is None else Path(base.name) if base.weights == "path" else None
    tuned = None if folder is None else tuned_folder(folder)
    if tuned is not None or model is not None:
        return settings.model_copy(update={"base": None}), {"pairs": pairs, "model": tuned or model}
    return neutral_settings(settings), {"pairs": pairs, **base.inputs()}


def _work(settings: RankSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    import torch

    torch.set_num_threads(thread_count())
    source = _source(settings, inputs)
    file = training_file(inputs["pairs"], "it")
    usable, counts = usable_pairs(read_rows(file, needs_instruction=True))
    tokenizer = load_tokenizer(source)
    fitting = _short_enough(tokenizer, usable, settings.max_length)
    counts["rows_too_long"] = len(usable) - len(fitting)
    pairs = chosen_pairs(fitting, settings.limit, settings.seed)
    if len(pairs) < 2:
        raise InputError(f"{len(pairs)} usable pairs; two are the least", where=str(file))
    others = mismatched(pairs, settings.mismatches)
    model = load_base(source, settings.dtype).to(choose_device())
    started = time.monotonic()
    rows = _compared(settings, model, tokenizer, pairs, others)
    seconds = time.monotonic() - started
    write_rows(workspace.path / "ranking.parquet", rows, SCHEMA)
    workspace.summary |= {
        "condition": _condition(settings, inputs, parameter_count(model)),
        "pairs_name": _pairs_name(inputs["pairs"], file),
        **counts,
        "pairs": len(pairs),
        "comparisons": len(rows),
        **measures(rows, len(pairs)),
    }
    workspace.provenance |= {"ranking_s": round(seconds, 3), "hardware": hardware()}


def _pairs_name(pairs: Path, file: Path) -> str:
    """What an artifact says that it is, else the file's name: never a name that could change without the digest."""
    return condition_facts(pairs, None)["response_set"] if is_artifact(pairs) else file.stem


def _source(settings: RankSettings, inputs: Mapping[str, Path]) -> ModelSource:
    if "model" in inputs:
        return ModelSource(name=str(inputs["model"]), weights="path")
    return settings.base.at(inputs.get("base"))


def _condition(settings: RankSettings, inputs: Mapping[str, Path], size: int) -> dict[str, Any]:
    if "model" in inputs and tuned_folder(inputs["model"]):
        return read_manifest(inputs["model"], kind="model").summary["condition"]
    label = settings.base.label if settings.base else _source(settings, inputs).label
    return Condition(base_model=label, model_size=size, method="untuned").resolved()


def _short_enough(tokenizer: PreTrainedTokenizerBase, pairs: Sequence[Pair], max_length: int) -> list[Pair]:
    """Pairs whose prompt and response have at most half of `max_length` tokens each, and the response at least one."""
    long = 10**9  # nothing is cut here
    found = []
    for pair, row in zip(
        pairs, response_sequences(tokenizer, ((p.instruction, p.response) for p in pairs), long), strict=True
    ):
        response = row.predicted
        if 0 < response <= max_length // 2 and len(row.input_ids) - response <= max_length // 2:
            found.append(pair)
    return found


def _compared(
    settings: RankSettings,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pairs: Sequence[Pair],
    others: Sequence[Sequence[int]],
) -> list[dict[str, Any]]:
    """One row a comparison, in the order of the pairs."""
    asked = [(index, [index, *each]) for index, each in enumerate(others)]
    texts = [(pairs[index].instruction, pairs[answer].response) for index, answers in asked for answer in answers]
    sequences = response_sequences(tokenizer, texts, 2 * settings.max_length)
    sums, tokens = log_probabilities(model, sequences, settings.batch_tokens)
    width, rows = 1 + settings.mismatches, []
    for index, answers in asked:
        right = index * width
        for place, answer in enumerate(answers[1:], 1):
            row = {"place": pairs[index].place, "mismatched_place": pairs[answer].place}
            row |= {"log_probability": float(sums[right]), "tokens": int(tokens[right])}
            wrong = right + place
            row |= {"mismatched_log_probability": float(sums[wrong]), "mismatched_tokens": int(tokens[wrong])}
            rows.append(row)
    return rows


def measures(rows: Sequence[Mapping[str, Any]], pairs: int) -> dict[str, Any]:
    """The share of comparisons won, by the whole response (`total`) and by its mean token (`per_token`).

    Each has `rate` (ties count half), `low` and `high` (95 % Wilson interval over the pairs, each of which is one trial
    however many wrong responses it met), `ties`, and `margin` with `margin_low` and `margin_high`: the mean
    difference (nats) and its bootstrap interval over pairs.
    """
    columns = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in SCHEMA.names}
    right, wrong = columns["log_probability"], columns["mismatched_log_probability"]
    differences = {
        "total": right - wrong,
        "per_token": right / columns["tokens"] - wrong / columns["mismatched_tokens"],
    }
    found = {}
    for name, difference in differences.items():
        won = ((difference > 0) + 0.5 * (difference == 0)).reshape(pairs, -1).mean(axis=1)
        low, high = wilson(won.sum(), pairs)
        by_pair = difference.reshape(pairs, -1).mean(axis=1)
        margin_low, margin_high = bootstrap_mean(by_pair, 0, RESAMPLES) or (None, None)
        numbers = {"rate": mean(won), "low": low, "high": high, "margin": mean(by_pair)}
        numbers |= {"margin_low": margin_low, "margin_high": margin_high}
        found[name] = {key: None if value is None else round(float(value), DIGITS) for key, value in numbers.items()}
        found[name]["ties"] = int((difference == 0).sum())
    return found


RANK = Stage(
    name="rank",
    kind="ranking",
    version=2,
    settings=RankSettings,
    work=_work,
    packages=("tokenizers", "torch", "transformers"),
    threaded=True,
)
