"""Replies of an OpenAI-compatible server: every prompt is asked once, nothing is lost and nothing invented."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifacts.errors import InputError, StageError
from artifacts.files import write_jsonl
from artifacts.stage import Workspace
from data_curation.llm_client import Answer, AnswerStore, Batch, Decoding, ModelSettings, Request, complete
from paper_repro.conditions import Condition
from paper_repro.generate.settings import GenerateSettings
from paper_repro.in_context import METHOD_OF_STYLE, prompt_text, trimmed
from paper_repro.sequences import inference_prompt

SENT = "sent.jsonl"
KEPT = "answers.sqlite"  # below the stage's scratch folder: a stopped run asks nothing twice, another run asks anew
Row = dict[str, Any]
log = logging.getLogger("rt")


def served_condition(settings: GenerateSettings) -> Condition:
    """The condition of a served model that no artifact describes.

    Raises:
        InputError: the number of its parameters is not given.
    """
    served = settings.served
    if served.parameters is None:
        raise InputError(
            "how large the served model is has to be said, for the results",
            fix="give served.parameters, or --model with the folder of the tuned model that is served",
        )
    return Condition(base_model=served.name, model_size=served.parameters, method=METHOD_OF_STYLE[settings.style])


def served_requests(settings: GenerateSettings, rows: Sequence[Row], shown: Sequence[Any]) -> list[Request]:
    """What is sent for each row, exactly; `shown` are the demonstrations of the in-context styles."""
    if settings.served.endpoint == "chat":
        return [Request((("user", row["prompt"]),), may_be_blank=True) for row in rows]
    if settings.style == "chat":
        texts = [inference_prompt(row["prompt"]) for row in rows]
    else:
        texts = [prompt_text(settings.template, settings.style, row["prompt"], shown) for row in rows]
    return [Request.of_prompt(text, may_be_blank=True) for text in texts]


def ask_server(
    settings: GenerateSettings, rows: Sequence[Row], requests: Sequence[Request], workspace: Workspace
) -> list[Row]:
    """One reply a row, in their order; what was sent is written to `sent.jsonl`.

    Raises:
        StageError: a prompt is without an answer at the end, or the server gives none any more. What was answered is
            kept, and a further run asks only for the rest.
    """
    served = settings.served
    decoding = Decoding(temperature=0.0, max_tokens=settings.max_new_tokens, stop=settings.stops, extra=served.extra)
    model = ModelSettings(name=served.name, revision=served.revision, decoding=decoding)
    with AnswerStore(workspace.scratch / KEPT) as store:
        batch = complete(requests, model, settings.server, store, label="generate")
    _whole(batch, rows, workspace.path)
    sent = [{"prompt_id": row["prompt_id"]} | _sent(request) for row, request in zip(rows, requests, strict=True)]
    write_jsonl(workspace.path / SENT, sent)
    counts = batch.counts
    workspace.provenance.update(
        calls=counts.calls,
        faults=dict(sorted(counts.faults.items())),
        kept_from_a_stopped_run=counts.kept,
        models_reported=sorted({outcome.answer.model for outcome in batch.outcomes if outcome.answer.model}),
    )
    return [_reply(outcome.answer, settings) for outcome in batch.outcomes]


def _whole(batch: Batch, rows: Sequence[Row], out: Path) -> None:
    """Refuse to make an artifact with prompts left out."""
    failed = [row["prompt_id"] for row, outcome in zip(rows, batch.outcomes, strict=True) if outcome.failure]
    if not failed:
        return
    reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(batch.failures.items()))
    detail = next(outcome.failure.detail for outcome in batch.outcomes if outcome.failure)
    raise StageError(
        f"{len(failed)} of {len(rows)} prompts have no answer ({reasons}); the first is {failed[0]}: {detail}",
        where=str(out),
        fix="run again: only these are asked. What a server's filter withholds it will withhold again",
    )


def _sent(request: Request) -> Row:
    """What a line of `sent.jsonl` says: `prompt`, or `messages`."""
    if request.prompt is not None:
        return {"prompt": request.prompt}
    return {"messages": [{"role": role, "content": content} for role, content in request.messages]}


def _reply(answer: Answer, settings: GenerateSettings) -> Row:
    """As the in-process engine gives it; a server says `stop` of an end-of-sequence and of a stop text alike.

    The tokens are those that the server made, also after a stop text that it went past.
    """
    text, before = answer.text, settings.before_stop(answer.text)
    if before is not None:  # some servers leave the stop text in, some know no stop texts and go on to the limit
        text, reason = before, "stop"
    elif answer.finish_reason == "stop":
        reason = "stop" if settings.stops else "eos"
    else:
        reason = "length"
    text = text if settings.style == "chat" else trimmed(text, settings.template)
    return {"response": text, "finish_reason": reason, "num_tokens": answer.completion_tokens}
