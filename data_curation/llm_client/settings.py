"""What decides an answer: the model and how it decodes. Part of every digest."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from artifacts.settings import Settings

OWN_KEYS = {"messages", "model", "n", "stream", "temperature", "top_p", "seed", "stop"}
OWN_KEYS |= {"max_tokens", "max_completion_tokens"}


class Decoding(Settings):
    """How the model decodes; None = the server's own default, and then the key is not sent.

    Attributes:
        temperature: 0 = greedy.
        top_p: Share of probability that is sampled from.
        max_tokens: Most tokens of an answer.
        limit_key: Name under which `max_tokens` is sent; newer models of OpenAI take only the second.
        seed: Seed of sampling, where the server heeds it.
        stop: Strings that end an answer.
        extra: Further keys of the request body (`repetition_penalty`, `chat_template_kwargs`, ...), as the server
            names them.
    """

    temperature: float | None = Field(default=0.0, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    limit_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: int | None = None
    stop: tuple[str, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict)

    @field_validator("extra")
    @classmethod
    def _not_ours(cls, extra: dict[str, Any]) -> dict[str, Any]:
        ours = sorted(extra.keys() & OWN_KEYS)
        if ours:
            raise ValueError(f"{', '.join(ours)}: set by the other settings, not here")
        return extra

    def parameters(self) -> dict[str, Any]:
        """The keys of the request body that these settings fill, without `extra`."""
        values = {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed}
        values |= {self.limit_key: self.max_tokens, "stop": list(self.stop) or None}
        return {name: value for name, value in values.items() if value is not None}


class ModelSettings(Settings):
    """Which model answers, and how.

    Attributes:
        name: The model's name on the server.
        revision: Revision of the weights behind that name, where you know it. A server does not tell: with another
            revision given, kept answers of the old one are not taken for the new one's.
        decoding: How it decodes.
    """

    name: str = Field(min_length=1)
    revision: str | None = None
    decoding: Decoding = Decoding()
