"""Read the body of a completion strictly: an answer, or the fault it has."""

from __future__ import annotations

import json
from typing import Any

from data_curation.llm_client.faults import Fault
from data_curation.llm_client.requests import Answer

ENDS = ("stop", "length")


def read_reply(body: bytes, *, chat: bool = True, may_be_blank: bool = False) -> Answer:
    """The answer in a reply's body: of a chat completion, or of a completion of a text.

    The openai package builds its objects without checking them; here a reply that lacks what an answer needs is a
    fault, so that nothing is taken for an answer that was none.

    Raises:
        Fault: `broken_reply`, `empty`, `filtered` or `wrong_finish`.
    """
    value = _json(body)
    choices = value.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise Fault("broken_reply", "not a chat completion: one choice is expected")
    message, finish = choices[0].get("message") if chat else choices[0], choices[0].get("finish_reason")
    if not isinstance(message, dict):
        raise Fault("broken_reply", "not a chat completion: the choice has no message")
    if finish == "content_filter":
        raise Fault("filtered", "the server's filter withheld the answer")
    if finish not in ENDS:
        raise Fault("wrong_finish", f"the answer ended with {finish!r:.60}")
    text = message.get("content" if chat else "text")
    if text is not None and not isinstance(text, str):
        raise Fault("broken_reply", f"not a chat completion: the content is {type(text).__name__}, not text")
    if text is None or not (may_be_blank or text.strip()):
        raise Fault("empty", f"no text in the answer (it ended with '{finish}')")
    if not _is_text(text):
        raise Fault("broken_reply", "the answer's text is not valid Unicode")
    usage, model = value.get("usage"), value.get("model")
    counts = usage if isinstance(usage, dict) else {}
    return Answer(
        text=text,
        finish_reason=finish,
        model=model if isinstance(model, str) and _is_text(model) else None,
        prompt_tokens=_count(counts.get("prompt_tokens")),
        completion_tokens=_count(counts.get("completion_tokens")),
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Fault("broken_reply", f"not JSON ({type(error).__name__}, {len(body)} bytes)") from None
    if not isinstance(value, dict):
        raise Fault("broken_reply", f"a JSON object is expected, found {type(value).__name__}")
    return value


def _is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: JSON can spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
