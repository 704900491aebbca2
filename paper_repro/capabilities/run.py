"""One call of lm-eval: a loaded model, tasks from a folder, the chat template on, examples as turns."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.errors import InputError, StageError
from paper_repro.capabilities.benchmarks import Benchmark
from paper_repro.capabilities.settings import CapabilitiesSettings
from paper_repro.sequences import fitting_chat_template

if TYPE_CHECKING:
    from lm_eval.models.huggingface import HFLM
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# of lm-eval's results: what the work decides. The rest is time, machine, paths and the state of git
KEPT = ("results", "groups", "group_subtasks", "versions", "n-shot", "higher_is_better", "n-samples")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What lm-eval gave.

    Attributes:
        results: Its results, without what varies between equal runs; `rt score core` reads them.
        items: One row a task, row of it, and filter.
    """

    results: dict[str, Any]
    items: list[Row]


def evaluate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    benchmarks: Sequence[Benchmark],
    folder: Path,
    settings: CapabilitiesSettings,
    cache: Path,
) -> Evaluated:
    """Ask the model the benchmarks.

    Args:
        model: On its device, in evaluation mode.
        tokenizer: Gets our chat template, whatever it had, so that all models read the same prompts.
        benchmarks: Those whose tasks are in `folder`.
        folder: As written by `write_tasks`.
        settings: Limit, batch size and longest input.
        cache: File of lm-eval's cache of answers; a stopped run goes on with it.

    Raises:
        InputError: the tokenizer is one that lm-eval cannot score choices with.
        StageError: lm-eval asked with other shots than the paper, or not every row.
    """
    from datasets.utils.logging import disable_progress_bar
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    disable_progress_bar()  # two bars for each subject of MMLU
    tokenizer.chat_template = fitting_chat_template(tokenizer)
    # lm-eval prints to standard output where it looks for a batch size, and warns of every single description that
    # the template has no role for (MMLU's subject lines: the template of the paper's code leaves them out too)
    with redirect_stdout(sys.stderr), _level("lm_eval", logging.ERROR):
        lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=settings.batch_size, max_length=settings.max_length)
        if any("acc,none" in benchmark.metrics for benchmark in benchmarks):
            check_choices(lm)
        given = simple_evaluate(
            lm,
            tasks=[part.name for benchmark in benchmarks for part in benchmark.parts],
            limit=settings.limit,
            apply_chat_template=True,
            fewshot_as_multiturn=True,
            task_manager=TaskManager(include_path=str(folder), include_defaults=False),
            use_cache=str(cache),
        )
    results = _plain({key: given[key] for key in KEPT if key in given})
    results["lm_eval_version"] = given["lm_eval_version"]
    items = [row for task in sorted(given["samples"]) for row in _items(task, given["samples"][task], lm)]
    _check(results, items, benchmarks)
    return Evaluated(results, items)


def check_choices(lm: HFLM) -> None:
    """Check that lm-eval scores choices whole with this tokenizer.

    It takes as a choice's tokens those that come after as many tokens as the prompt has alone, without the newline at
    its end. Where a tokenizer merges that newline with the marker to fewer tokens, it would drop the choice's first.

    Raises:
        InputError: it would.
    """
    prompt, choice = lm.apply_chat_template([{"role": "user", "content": "Which?"}]), "A"
    alone, whole = lm.tok_encode(prompt.rstrip()), lm.tok_encode(prompt + choice)
    scored = lm.tokenizer.decode(whole[len(alone) :])
    if not scored.endswith(choice):
        raise InputError(
            f"lm-eval would not score the beginning of a choice: of {choice!r} after the marker it takes {scored!r}",
            where=f"tokenizer ({type(lm.tokenizer).__name__})",
            fix="this tokenizer merges the newline after the marker with it; only gsm8k_cot_llama can be asked",
        )


def _check(results: Mapping[str, Any], items: Sequence[Row], benchmarks: Sequence[Benchmark]) -> None:
    for benchmark in benchmarks:
        for part in benchmark.parts:
            if (shots := results["n-shot"].get(part.name)) not in (benchmark.shots, None):
                raise StageError(f"{part.name} was asked with {shots} examples, not {benchmark.shots}", where="lm-eval")
    asked = {(row["task"], row["item"]) for row in items}
    expected = sum(counts["effective"] for counts in results["n-samples"].values())
    if len(asked) != expected:
        raise StageError(f"{expected} rows were asked, {len(asked)} have an outcome", where="lm-eval")


def _items(task: str, samples: Sequence[Mapping[str, Any]], lm: HFLM) -> Iterator[Row]:
    """Outcomes of one task's rows, in their order; the reply of a generation, or log-likelihoods of the choices."""
    for sample in sorted(samples, key=lambda one: (one["doc_id"], one["filter"])):
        asked, answers = sample["arguments"], [answer for answer, *_ in sample["resps"]]
        generated = isinstance(asked[0][1], Mapping)
        yield {
            "task": task,
            "item": int(sample["doc_id"]),
            "filter": sample["filter"],
            "right": float(sample[sample["metrics"][0]]),
            "right_normalised": float(sample["acc_norm"]) if "acc_norm" in sample else None,
            "target": str(sample["target"]),
            "answer": str(sample["filtered_resps"][0]) if generated else None,
            "reply": answers[0] if generated else None,
            "log_likelihoods": None if generated else [float(answer[0]) for answer in answers],
            "prompt_digest": sample["prompt_hash"],
            "cut": any(_is_cut(lm, *one) for one in asked),
        }


def _is_cut(lm: HFLM, prompt: str, then: str | Mapping[str, Any]) -> bool:
    """Whether lm-eval cut the beginning of a prompt off; only a long text is tokenised to find out."""
    if isinstance(then, Mapping):
        room, text = lm.max_length - then.get("max_gen_toks", lm.max_gen_toks), prompt
    else:
        room, text = lm.max_length + 1, prompt + then  # the last token is only predicted
    return len(text.encode()) >= room and len(lm.tok_encode(text)) > room


def _plain(value: Any) -> Any:
    """Numpy's numbers as Python's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value


@contextmanager
def _level(name: str, level: int) -> Iterator[None]:
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
