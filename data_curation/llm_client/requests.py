"""What is asked and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from artifacts.digests import digest_json
from data_curation.llm_client.settings import ModelSettings

PROMPT_ROLE = "prompt"  # the role of a text to be continued as it stands: no server has one of that name


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to ask.

    Attributes:
        messages: `(role, content)` pairs, in order: exactly what is sent.
        sample: Number of the draw, where the same thing is asked several times on purpose.
        may_be_blank: Whether a text of nothing, or of white space, is an answer too; else it counts as a fault.
    """

    messages: tuple[tuple[str, str], ...]
    sample: int = 0
    may_be_blank: bool = False

    @classmethod
    def of_prompt(cls, prompt: str, may_be_blank: bool = False) -> Request:
        """A text to be continued (`/completions`), which no template of the server touches."""
        return cls(((PROMPT_ROLE, prompt),), may_be_blank=may_be_blank)

    @property
    def prompt(self) -> str | None:
        """The text to be continued, or None where messages are to be answered (`/chat/completions`)."""
        return self.messages[0][1] if [role for role, _ in self.messages] == [PROMPT_ROLE] else None

    @property
    def bytes(self) -> int:
        """Length of the contents in UTF-8."""
        return sum(len(content.encode()) for _, content in self.messages)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said.

    Attributes:
        text: Its text, not blank unless the request allows that.
        finish_reason: `stop`, or `length` where it was cut at the limit of tokens.
        model: Name that the server gave, or None.
        prompt_tokens: As the server counted, or None.
        completion_tokens: As the server counted, or None.
    """

    text: str
    finish_reason: str
    model: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer.

    Attributes:
        reason: One of `faults.REASONS`, countable.
        detail: What the server or the connection said, short, without the key.
    """

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer or a failure.

    Attributes:
        key: Digest of the request, the model and its decoding (`request_key`).
        answer: The answer, or None.
        failure: The failure, or None; exactly one of the two is there.
    """

    key: str
    answer: Answer | None = None
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if (self.answer is None) == (self.failure is None):
            raise ValueError("an outcome is an answer or a failure")


def request_key(model: ModelSettings, request: Request) -> str:
    """SHA-256 of all that decides an answer: model, revision, decoding, messages, number of the draw."""
    return digest_json([model.resolved(), [list(message) for message in request.messages], request.sample])
