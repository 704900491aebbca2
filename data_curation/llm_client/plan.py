"""What a batch would cost: calls and tokens, without sending anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_curation.llm_client.requests import Request, request_key
from data_curation.llm_client.settings import ModelSettings
from data_curation.llm_client.store import AnswerStore

BYTES_A_TOKEN = 4  # common for English text; a kept answer of the same model tells better


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch in numbers.

    Attributes:
        requests: What is asked for.
        distinct: Without repetitions of the same request.
        kept: Of these, answered before: nothing is sent for them.
        calls: What would be sent, if nothing fails.
        prompt_tokens: Estimate of the prompts' tokens, all calls together.
        completion_tokens: Estimate of the answers' tokens, where the caller knows how long they may be, else None.
        completion_tokens_at_most: What the limit of tokens allows, or None if there is none.
        basis: What the estimate rests on.
    """

    requests: int
    distinct: int
    kept: int
    calls: int
    prompt_tokens: int
    completion_tokens: int | None
    completion_tokens_at_most: int | None
    basis: str


def plan(
    requests: Sequence[Request], model: ModelSettings, store: Path, expected_bytes: Sequence[int] | None = None
) -> Plan:
    """Count calls and estimate tokens.

    Args:
        requests: The requests.
        model: The model and its decoding.
        store: File of the kept answers; it is not made if it is not there.
        expected_bytes: For each request, the length in bytes that its answer will have about.
    """
    first: dict[str, int] = {}
    for position, request in enumerate(requests):
        first.setdefault(request_key(model, request), position)
    kept, rate = {}, None
    if store.is_file():
        with AnswerStore(store) as opened:
            kept, rate = opened.find(first), opened.token_rate(model.name)
    open_positions = [position for key, position in first.items() if key not in kept]
    tokens_a_byte, basis = 1 / BYTES_A_TOKEN, f"{BYTES_A_TOKEN} bytes of text a token"
    if rate is not None:
        tokens_a_byte, basis = rate[0], f"tokens of {rate[1]} kept answers of this model"
    expected = None
    if expected_bytes is not None:
        expected = round(tokens_a_byte * sum(expected_bytes[position] for position in open_positions))
    limit = model.decoding.max_tokens
    return Plan(
        requests=len(requests),
        distinct=len(first),
        kept=len(kept),
        calls=len(open_positions),
        prompt_tokens=round(tokens_a_byte * sum(requests[position].bytes for position in open_positions)),
        completion_tokens=expected,
        completion_tokens_at_most=None if limit is None else limit * len(open_positions),
        basis=basis,
    )
