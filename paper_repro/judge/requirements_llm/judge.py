"""One call a requirement; the last line `Answer: ...` decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from artifacts.errors import InputError
from paper_repro.judge.llm.parameters import LlmParameters, Messages
from paper_repro.judge.llm.replies import verdict_line
from paper_repro.judge.schema import Opinion


class Parameters(LlmParameters):
    """Prompt and model."""

    places: ClassVar[tuple[str, ...]] = ("instruction", "response", "question")


def ask(row: dict[str, Any], parameters: Parameters) -> list[Messages]:
    """The messages for each question about one reply.

    Raises:
        InputError: the row names no questions (it is not one of InFoBench).
    """
    return [
        parameters.messages(instruction=row["prompt"], response=row["response"], question=question)
        for question in _questions(row)
    ]


def _questions(row: dict[str, Any]) -> list[str]:
    try:
        questions = json.loads(row.get("reference") or "null")["questions"]
    except (ValueError, TypeError, KeyError):
        raise InputError(
            "names no questions to judge a reply by",
            where=f"prompt {row['prompt_id']}",
            fix="judge replies to infobench",
        ) from None
    return questions


def read(row: dict[str, Any], replies: Sequence[str | None], parameters: Parameters) -> Opinion:
    """How many of the readable answers are yes."""
    answers = [None if reply is None else verdict_line(reply, "answer", ("yes", "no")) for reply in replies]
    raw = json.dumps(list(replies), ensure_ascii=False)
    asked = len(answers) - answers.count(None)
    if not asked:
        return Opinion("unclassified", raw=raw)
    met = answers.count("yes")
    aspects = {"met": met, "asked": asked, "unreadable": answers.count(None)}
    return Opinion("ok", score=met / asked, raw=raw, aspects=aspects)
