"""The capabilities stage: a model in, scores of the core benchmarks out (a `scores` artifact, as `rt score` makes)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from artifacts.digests import digest_file
from artifacts.files import write_json
from artifacts.manifest import Artifact
from artifacts.pins import availability
from artifacts.stage import Stage, Workspace
from paper_repro.answering import check_untuned, load_answering, neutral_settings, one_of
from paper_repro.capabilities.numbers import AVERAGE, Capability, capabilities, missing
from paper_repro.capabilities.settings import CapabilitiesSettings
from paper_repro.columns import write_rows
from paper_repro.score.schema import Result, write_results

ITEMS = "items.parquet"
RESULTS = "lm_eval.json"
NUMBERS = "capabilities.json"
JUDGE = "lm-eval"
SCHEMA = pa.schema(
    [
        pa.field("task", pa.string(), False),
        pa.field("item", pa.int64(), False),
        pa.field("filter", pa.string(), False),
        pa.field("right", pa.float64(), False),
        pa.field("right_normalised", pa.float64()),
        pa.field("target", pa.string(), False),
        pa.field("answer", pa.string()),
        pa.field("reply", pa.string()),
        pa.field("log_likelihoods", pa.list_(pa.float64())),
        pa.field("prompt_digest", pa.string(), False),
        pa.field("cut", pa.bool_(), False),
    ]
)


def measure(
    settings: CapabilitiesSettings, out: Path, *, model: Path | None = None, overwrite: bool = False
) -> Artifact:
    """Measure a model artifact, or the untuned `settings.base`; scores are in `out`."""
    inputs = capabilities_inputs(settings, model)
    return CAPABILITIES.run(neutral_settings(settings), out, inputs, overwrite=overwrite)[0]


def capabilities_inputs(settings: CapabilitiesSettings, model: Path | None) -> dict[str, Path]:
    """Inputs of the stage: `model`, or the base's own. The data are pinned by name; the summary says what was read.

    Raises:
        InputError: not one of model and base, or a tuned model as base.
    """
    one_of(model, settings.base)
    check_untuned(settings.base)
    return settings.base.inputs() if model is None else {"model": model}


def data_plan(settings: CapabilitiesSettings) -> dict[str, str]:
    """Pin to where its files would come from; nothing is fetched."""
    return {part.pin: availability(part.pin) for benchmark in settings.benchmarks for part in benchmark.parts}


def _work(settings: CapabilitiesSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    from paper_repro.capabilities.run import evaluate
    from paper_repro.capabilities.tasks import write_tasks

    folder = workspace.scratch / "tasks"
    shutil.rmtree(folder, ignore_errors=True)
    data = write_tasks(settings.benchmarks, folder)
    loaded = load_answering(settings, inputs)
    evaluated = evaluate(
        loaded.model, loaded.tokenizer, settings.benchmarks, folder, settings, workspace.scratch / "answers"
    )
    numbers = capabilities(evaluated.results, RESULTS)
    write_json(workspace.path / RESULTS, evaluated.results)
    write_json(workspace.path / NUMBERS, [number.resolved() for number in numbers])
    write_rows(workspace.path / ITEMS, evaluated.items, SCHEMA)
    digest = digest_file(workspace.path / ITEMS)
    common = {"study": settings.study, **loaded.condition.resolved(), "digest": digest}
    rows = write_results([_result(number, common) for number in numbers], workspace.path)
    workspace.summary.update(
        study=settings.study,
        condition=loaded.condition.resolved(),
        rows=len(rows),
        benchmarks={one.label: _fact(one) for one in numbers if one.reported or one.benchmark == AVERAGE},
        not_asked=[benchmark.name for benchmark in missing(numbers)],
        data={one.task: one.facts() for one in data},
        cut={task: count for task, count in _count(evaluated.items, "cut").items() if count},
        no_answer_found=_unparsed(evaluated.items),
        lm_eval=evaluated.results["lm_eval_version"],
        task_versions={name: evaluated.results["versions"].get(name) for name in sorted(one.task for one in data)},
        chat_template=loaded.tokenizer.chat_template,
        device=loaded.model.device.type,
    )


def _result(number: Capability, common: Mapping[str, Any]) -> Result:
    return Result(
        **common,
        benchmark=number.label,
        metric=number.name,
        value=number.value,
        n=number.n,
        low=number.low,
        high=number.high,
        unclassified=0,  # a reply without an answer in it is wrong by lm-eval's metric; `no_answer_found` counts them
        failed=0,
        judge=JUDGE,
    )


def _fact(number: Capability) -> dict[str, Any]:
    keys = ("task", "metric", "value", "stderr", "low", "high", "n", "rows")
    return {key: getattr(number, key) for key in keys} | {"coverage": number.coverage}


def _count(items: Sequence[Mapping[str, Any]], key: str) -> dict[str, int]:
    """Rows of each task for which `key` holds, whatever the filter."""
    found: dict[str, set[int]] = {}
    for item in items:
        found.setdefault(item["task"], set()).update({item["item"]} if item[key] else ())
    return {task: len(rows) for task, rows in sorted(found.items())}


def _unparsed(items: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Filter to replies in which it found no answer (they count as wrong)."""
    found: dict[str, int] = {}
    for item in items:
        if item["answer"] is not None:
            found[item["filter"]] = found.get(item["filter"], 0) + (item["answer"] == "[invalid]")
    return dict(sorted(found.items()))


CAPABILITIES = Stage(
    name="capabilities",
    kind="scores",
    version=2,
    settings=CapabilitiesSettings,
    work=_work,
    packages=("lm-eval", "pyarrow", "tokenizers", "torch", "transformers"),
    threaded=True,
)
