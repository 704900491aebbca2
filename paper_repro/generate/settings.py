"""Settings of the generate stage."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from artifacts.errors import ResponseTuningError
from artifacts.settings import Settings
from data_curation.llm_client.server import ServerSettings
from paper_repro.in_context import Template, load_template
from paper_repro.models import ModelSource

Positive = Annotated[int, Field(ge=1)]


class ServedModel(Settings):
    """A model on an OpenAI-compatible server, and what the server is asked.

    Attributes:
        name: The model's name on the server.
        revision: Revision of the weights behind it, where you know it; a server does not tell.
        parameters: Of the model, for the results; needed where no model artifact tells. Exact, as comparisons pair
            conditions of one base, which is its name and its size.
        endpoint: `completions`: the server continues our rendered prompt as it stands and only adds its tokenizer's
            beginning-of-sequence token, as vLLM does. `chat`: the server gets the bare instruction and puts its own
            template around it, which for a model of ours is the one saved with its tokenizer.
        extra: Further keys of the request body, as the server names them.
    """

    name: Annotated[str, Field(min_length=1)]
    revision: str | None = None
    parameters: Positive | None = None
    endpoint: Literal["completions", "chat"] = "completions"
    extra: dict[str, Any] = Field(default_factory=dict)


class GenerateSettings(Settings):
    """Which prompts are answered, and how.

    Attributes:
        engine: `in-process` (transformers, batched), or `openai`: vLLM or another server with OpenAI's interface.
        served: The model on the server, under `engine: openai`.
        server: The server; no part of the identity. Its key comes from the environment alone.
        base: Weights to answer with untuned; None where a model artifact answers.
        style: How a prompt is put to the model: `chat` (the paper's template, for tuned and untuned weights), or in
            context, for untuned weights alone: `urial`, `urial-r` or `zero-shot` (see `paper_repro.in_context`).
        template: Texts and separators of the in-context styles, given by name or YAML file (default `fences`; the
            authors' own: `official`, a download) and held here whole. An answer ends at the template's stop texts and
            is trimmed.
        limit: Prompts of each benchmark and subset; None takes all. The paper takes all.
        seed: Chooses the slice: prompts in the order of a digest of seed and prompt id, the first `limit`. So a
            smaller slice is part of a larger one, every condition answers the same prompts, and neither the order
            of a file nor other benchmarks matter.
        method: How tokens are chosen. `greedy` as in the paper.
        max_new_tokens: Most tokens of a reply (paper: 2,048).
        stop: Texts that end a reply; the reply is cut before them. None by default, as in the paper: an untuned model
            that goes on with a turn of its own is shown and judged as it is. Cutting at `<|user|>` would help it.
        batch_size: Prompts decoded together.
        dtype: Of weights and computation. bfloat16 was more than twice as fast on a CPU that has it;
            replies to one prompt may then differ between batch sizes, which float32 makes rare.
        device: `auto` takes a GPU where there is one.
    """

    engine: Literal["in-process", "openai"] = "in-process"
    served: ServedModel | None = None
    server: ServerSettings = Field(default=ServerSettings(), exclude=True)
    base: ModelSource | None = None
    style: Literal["chat", "urial", "urial-r", "zero-shot"] = "chat"
    template: Template | None = None
    limit: Positive | None = 40
    seed: Annotated[int, Field(ge=0)] = 0
    method: Literal["greedy"] = "greedy"
    max_new_tokens: Positive = 96
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    batch_size: Positive = 32
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _load(cls, data: Any) -> Any:
        """Put the template's content where its name is, so that settings are saved resolved."""
        if not isinstance(data, dict):
            return data
        given = data.get("template")
        if given is None and data.get("style", "chat") != "chat":
            given = "fences"
        if not isinstance(given, str):
            return data
        try:
            return data | {"template": load_template(given)}
        except ResponseTuningError as error:
            raise ValueError(f"template: {error}") from None

    @model_validator(mode="after")
    def _style_fits(self) -> GenerateSettings:
        if self.style == "chat" and self.template is not None:
            raise ValueError("template is without effect under style: chat; name an in-context style")
        return self

    @model_validator(mode="after")
    def _engine_fits(self) -> GenerateSettings:
        if (self.engine == "openai") != (self.served is not None):
            raise ValueError("engine: openai needs served.name, the model's name on the server, and goes with it alone")
        if self.served is not None and self.base is not None:
            raise ValueError("base is without effect under engine: openai; the server has the weights")
        if self.served is not None and self.served.endpoint == "chat" and self.style != "chat":
            raise ValueError(f"style: {self.style} is a prompt of our own; use served.endpoint: completions")
        return self

    def resolved(self) -> dict[str, Any]:
        """As ever; what only a server needs stands in it only where one answers, so other digests stay as they were."""
        values = super().resolved()
        if self.engine == "in-process":
            del values["engine"], values["served"]
        else:
            for name in ("base", "batch_size", "dtype", "device"):
                del values[name]
        return values

    @property
    def stops(self) -> tuple[str, ...]:
        """All texts that end a reply: the setting's own and the template's."""
        return self.stop + (self.template.stops if self.template else ())

    def before_stop(self, text: str) -> str | None:
        """What stands in a reply before the first stop text; None if it holds none."""
        places = [text.find(mark) for mark in self.stops if mark in text]
        return text[: min(places)] if places else None
