"""Ask the model about every reply, and read what it says: one opinion a reply, none lost, none invented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from artifacts.errors import StageError
from data_curation.llm_client import AnswerStore, Batch, Outcome, Plan, Request, ServerSettings, complete, plan
from paper_repro.judge.llm.parameters import LlmParameters
from paper_repro.judge.schema import Opinion

Row = dict[str, Any]


def judge_rows(
    judge: Any,
    rows: Sequence[Row],
    parameters: LlmParameters,
    server: ServerSettings,
    store: Path,
    most_failed: float,
    label: str,
) -> tuple[list[Opinion], Batch]:
    """One opinion a row of generations, in their order, and what asking took.

    A row whose call failed after all retries is `failed`, with the reason; one whose answer was cut at the limit of
    tokens, or holds no verdict, is `unclassified`. `raw` holds what the model said.

    Args:
        judge: The judge's module: `ask` and `read`.
        rows: Rows of generations; for a judge of pairs each has the other reply in `against`.
        parameters: Prompt, model and decoding.
        server: Where the model is.
        store: File of the kept answers: what was answered before is not asked again.
        most_failed: Largest share of calls that may fail.
        label: Name of the judge, for progress and errors.

    Raises:
        StageError: more calls failed; what was answered is kept, and a further run asks only the rest.
    """
    asked = _asked(judge, rows, parameters)
    if server.url is not None:  # faults of the settings now, not after the first calls
        server.base_url(), server.key()
    with AnswerStore(store) as opened:
        batch = complete([one for requests in asked for one in requests], parameters.model, server, opened, label)
    failed = sum(batch.failures.values())
    if failed > most_failed * len(batch.outcomes):
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in sorted(batch.failures.items()))
        raise StageError(
            f"{failed:,} of {len(batch.outcomes):,} calls failed ({reasons}); allowed are {most_failed:.1%}",
            where=label,
            fix="run again: what was answered is kept, only the rest is asked; or allow more (most_failed)",
        )
    outcomes = iter(batch.outcomes)
    parts = [[next(outcomes) for _ in requests] for requests in asked]
    return [_opinion(judge, row, part, parameters) for row, part in zip(rows, parts, strict=True)], batch


def plan_rows(judge: Any, rows: Sequence[Row], parameters: LlmParameters, store: Path) -> Plan:
    """Calls and tokens that judging would take; nothing is sent."""
    requests = [request for own in _asked(judge, rows, parameters) for request in own]
    return plan(requests, parameters.model, store)


def _asked(judge: Any, rows: Sequence[Row], parameters: LlmParameters) -> list[list[Request]]:
    return [[Request(messages) for messages in judge.ask(row, parameters)] for row in rows]


def _opinion(judge: Any, row: Row, outcomes: Sequence[Outcome], parameters: LlmParameters) -> Opinion:
    failure = next((outcome.failure for outcome in outcomes if outcome.failure is not None), None)
    if failure is not None:
        return Opinion("failed", raw=f"{failure.reason}: {failure.detail}")
    answers = [outcome.answer for outcome in outcomes if outcome.answer is not None]
    if any(answer.finish_reason == "length" for answer in answers) and len(answers) == 1:
        # an argument without its conclusion: a label named on the way is none
        return Opinion("unclassified", raw=answers[0].text)
    return judge.read(
        row, [None if answer.finish_reason == "length" else answer.text for answer in answers], parameters
    )
