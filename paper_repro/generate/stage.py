"""The generate stage: a slice of prompts in, one reply each out, in batches that a stopped run does not repeat."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.digests import digest_text
from artifacts.errors import InputError, StageError
from artifacts.files import read_json, write_json
from artifacts.manifest import Artifact, read_manifest
from artifacts.stage import Stage, Workspace
from paper_repro.answering import check_untuned, load_answering, neutral_settings, one_of
from paper_repro.columns import read_rows, write_rows
from paper_repro.conditions import Condition
from paper_repro.generate.decode import Decoded, decode_batch
from paper_repro.generate.schema import GENERATIONS, PROMPTS, SCHEMA, UNCOUNTED
from paper_repro.generate.settings import GenerateSettings
from paper_repro.in_context import METHOD_OF_STYLE, prompt_text, read_demonstrations, trimmed
from paper_repro.models import pad_id
from paper_repro.sequences import inference_ids, prompt_ids

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

log = logging.getLogger("rt")
Row = dict[str, Any]


def generate(
    settings: GenerateSettings,
    prompts: Sequence[Path],
    out: Path,
    *,
    model: Path | None = None,
    demonstrations: Path | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Answer prompts with a model artifact, or with the untuned `settings.base`; replies are in `out`."""
    inputs = generate_inputs(settings, prompts, model, demonstrations)
    return GENERATE.run(neutral_settings(settings), out, inputs, overwrite=overwrite)[0]


def generate_inputs(
    settings: GenerateSettings, prompts: Sequence[Path], model: Path | None, demonstrations: Path | None = None
) -> dict[str, Path]:
    """Inputs of the stage: `prompts-<benchmark>` for each prompts artifact, and `model`, or the base's own.

    Where a server answers, `model` may say what it serves, for the condition; its weights are not read.

    `demonstrations` (a file or `corpus` artifact) take the place of those of the template.

    Raises:
        InputError: no prompts, a benchmark given twice, not one of model and base, a tuned model as base, or a style
            that does not fit.
    """
    if settings.engine == "in-process":
        one_of(model, settings.base, "setting: base")
        check_untuned(settings.base)
    _check_style(settings, model, demonstrations)
    inputs = {} if demonstrations is None else {"demonstrations": demonstrations}
    for folder in prompts:
        benchmarks = {row["benchmark"] for row in read_prompts(folder)}
        name = "prompts-" + "+".join(sorted(benchmarks))
        if name in inputs:
            raise InputError(f"prompts of '{name.removeprefix('prompts-')}' are given twice", where=str(folder))
        inputs[name] = folder
    if not prompts:
        raise InputError("no prompts are given", fix="give prompts artifacts (made by rt collect)")
    if settings.base:
        return inputs | settings.base.inputs()
    return inputs if model is None else inputs | {"model": model}


def _check_style(settings: GenerateSettings, model: Path | None, demonstrations: Path | None) -> None:
    if settings.style != "chat" and model is not None:
        raise InputError(
            f"style '{settings.style}' is for untuned weights", fix="give the setting base, or style: chat"
        )
    if settings.style in ("chat", "zero-shot"):
        if demonstrations is not None:
            raise InputError(f"style '{settings.style}' shows no demonstrations", fix="leave them out")
    elif demonstrations is None and not settings.template.demonstrations:
        raise InputError(f"the template '{settings.template.name}' has no demonstrations", fix="give --demonstrations")


def read_prompts(folder: Path) -> list[Row]:
    """Rows of a prompts artifact."""
    read_manifest(folder, kind="prompts")
    return read_rows(folder / "prompts.parquet", PROMPTS)


def choose(rows: Sequence[Row], limit: int | None, seed: int) -> list[Row]:
    """`limit` rows of each benchmark and subset, in the given order; see `GenerateSettings.seed` for the rule."""
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault((row["benchmark"], row["subset"]), []).append(row)
    chosen = set()
    for group in groups.values():
        ranked = sorted(group, key=lambda row: (digest_text(f"{seed}:{row['prompt_id']}"), row["prompt_id"]))
        chosen.update(row["prompt_id"] for row in ranked[:limit])
    return [row for row in rows if row["prompt_id"] in chosen]


def batches(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Indices cut into batches of similar length, the longest first (what does not fit in memory fails at once)."""
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    return [order[first : first + size] for first in range(0, len(order), size)]


def _work(settings: GenerateSettings, inputs: Mapping[str, Path], workspace: Workspace) -> None:
    given = [row for name in sorted(inputs) if name.startswith("prompts") for row in read_prompts(inputs[name])]
    if len({row["prompt_id"] for row in given}) != len(given):
        raise InputError("a prompt_id occurs twice in the prompts given")
    rows = choose(given, settings.limit, settings.seed)
    condition, replies = (_ask if settings.engine == "openai" else _decode)(settings, inputs, rows, workspace)
    done = [row | reply for row, reply in zip(rows, replies, strict=True)]
    counted = all(row["num_tokens"] is not None for row in done)
    write_rows(workspace.path / GENERATIONS, done, SCHEMA if counted else UNCOUNTED)
    workspace.summary.update(
        condition=condition.resolved(),
        prompts=dict(sorted(Counter(_name(row) for row in done).items())),
        finish_reasons=dict(sorted(Counter(row["finish_reason"] for row in done).items())),
        tokens=sum(row["num_tokens"] for row in done) if counted else None,
    )


def _decode(
    settings: GenerateSettings, inputs: Mapping[str, Path], rows: Sequence[Row], workspace: Workspace
) -> tuple[Condition, list[Row]]:
    """Replies decoded here, and the condition."""
    loaded = load_answering(settings, inputs, METHOD_OF_STYLE[settings.style])
    prompts = _prompts(loaded.tokenizer, rows, settings, inputs)
    workspace.summary.update(longest_prompt_tokens=max(map(len, prompts)), device=loaded.model.device.type)
    return loaded.condition, _answer(loaded.model, loaded.tokenizer, rows, prompts, settings, workspace)


def _ask(
    settings: GenerateSettings, inputs: Mapping[str, Path], rows: Sequence[Row], workspace: Workspace
) -> tuple[Condition, list[Row]]:
    """Replies of the server, and the condition."""
    from paper_repro.generate.served import ask_server, served_condition, served_requests

    if "model" in inputs:
        condition = Condition(**read_manifest(inputs["model"], kind="model").summary["condition"])
    else:
        condition = served_condition(settings)
    requests = served_requests(settings, rows, _shown(settings, inputs))
    return condition, ask_server(settings, rows, requests, workspace)


def _name(row: Row) -> str:
    return row["benchmark"] if row["subset"] is None else f"{row['benchmark']}/{row['subset']}"


def _prompts(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], settings: GenerateSettings, inputs: Mapping[str, Path]
) -> list[list[int]]:
    """Token ids of every row's prompt in the style of the settings."""
    if settings.style == "chat":
        return [inference_ids(tokenizer, row["prompt"]) for row in rows]
    shown = _shown(settings, inputs)
    texts = [prompt_text(settings.template, settings.style, row["prompt"], shown) for row in rows]
    return [prompt_ids(tokenizer, text) for text in texts]


def _shown(settings: GenerateSettings, inputs: Mapping[str, Path]) -> Sequence[Any]:
    """Demonstrations of an in-context style."""
    if "demonstrations" in inputs:
        return read_demonstrations(inputs["demonstrations"])
    return settings.template.demonstrations if settings.template else ()


def _answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Row],
    prompts: Sequence[Sequence[int]],
    settings: GenerateSettings,
    workspace: Workspace,
) -> list[Row]:
    """One reply a prompt, in their order. Each finished batch is kept, by prompt id, in the scratch folder."""
    eos_ids = end_tokens(model, tokenizer)
    replies: dict[int, Row] = {}
    tokens, started = 0, time.monotonic()
    plan = batches([len(prompt) for prompt in prompts], settings.batch_size)
    for number, indices in enumerate(plan):
        shard = workspace.scratch / f"batch-{number:05}.json"
        if not shard.exists():
            decoded = decode_batch(
                model,
                [prompts[index] for index in indices],
                max_new_tokens=settings.max_new_tokens,
                eos_ids=eos_ids,
                pad_id=pad_id(tokenizer),
                stops=_stops(tokenizer, settings.stops),
            )
            made = [_reply(tokenizer, item, settings) for item in decoded]
            write_json(shard, {rows[index]["prompt_id"]: reply for index, reply in zip(indices, made, strict=True)})
            tokens += sum(len(item.ids) for item in decoded)
        kept = read_json(shard)
        replies.update({index: kept[rows[index]["prompt_id"]] for index in indices})
        seconds = time.monotonic() - started
        log.info("generate: %d of %d replies, %.0f tokens/s", len(replies), len(prompts), tokens / max(seconds, 1e-9))
    if sorted(replies) != list(range(len(prompts))):
        raise StageError(f"{len(prompts)} prompts, but replies to {len(replies)}", where=str(workspace.path))
    workspace.provenance.update(tokens_this_run=tokens, seconds=round(time.monotonic() - started, 2))
    return [replies[index] for index in range(len(prompts))]


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Tokens that end a reply: the tokenizer's end-of-sequence and those of the model's generation settings."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    more = configured if isinstance(configured, list) else [] if configured is None else [configured]
    return frozenset({tokenizer.eos_token_id, *more})


def _stops(tokenizer: PreTrainedTokenizerBase, stop: tuple[str, ...]):
    """Whether one of the stop texts stands at the end of the ids so far; a token may hold more than the text."""
    reach = max((len(text.encode()) for text in stop), default=0) + 4

    def at_end(ids: list[int]) -> bool:
        tail = tokenizer.decode(ids[-reach:], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return any(text in tail for text in stop)

    return at_end if stop else lambda ids: False


def _reply(tokenizer: PreTrainedTokenizerBase, decoded: Decoded, settings: GenerateSettings) -> Row:
    """Text of the generated ids alone, no special tokens, cut before the first stop text; trimmed if in context.

    A stop text seen at the end of the ids may be none in all of them: where a tokenizer falls back to bytes, one wrong
    byte makes a whole run of them unreadable. Nothing is cut then.
    """
    text = tokenizer.decode(decoded.ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if decoded.finish_reason == "stop":
        before = settings.before_stop(text)
        text = text if before is None else before
    text = text if settings.style == "chat" else trimmed(text, settings.template)
    return {"response": text, "finish_reason": decoded.finish_reason, "num_tokens": len(decoded.ids)}


GENERATE = Stage(
    name="generate",
    kind="generations",
    version=3,
    settings=GenerateSettings,
    work=_work,
    packages=("pyarrow", "tokenizers", "torch", "transformers"),
    threaded=True,
)
