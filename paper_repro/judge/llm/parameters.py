"""Parameters that every language-model judge has: its prompt, its model, its decoding."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, model_validator

from artifacts.errors import SettingsError, UserError
from artifacts.files import read_yaml
from artifacts.settings import Settings, validate_settings
from data_curation.llm_client.settings import Decoding, ModelSettings
from data_curation.prompt_text import fill

Messages = tuple[tuple[str, str], ...]
OWN = "prompt.yaml"


class JudgeDecoding(Decoding):
    """How a judge decodes: greedy, and at most 2,048 tokens, as the paper's refusal judge."""

    max_tokens: int | None = Field(default=2048, ge=1)


class JudgeModel(ModelSettings):
    """The model behind a judge."""

    decoding: JudgeDecoding = JudgeDecoding()


class JudgePrompt(Settings):
    """What the model is told, as data; the whole of it stands in the verdicts' settings.

    Attributes:
        name: Name of the prompt.
        version: Raised whenever the text changes.
        system: System message, or None.
        user: User message; the places that the judge fills stand in it in braces (`{instruction}`, `{response}`).
    """

    name: str
    version: int = Field(ge=1)
    system: str | None = None
    user: str

    def messages(self, values: Mapping[str, str]) -> Messages:
        """The messages, the places filled; what stands in the values is put in as it is, braces too."""
        user = ("user", fill(self.user, values).strip())
        return (user,) if self.system is None else (("system", self.system), user)


class LlmParameters(Settings):
    """Base of the parameters of language-model judges.

    Attributes:
        prompt: The prompt: its text as data, the path of a YAML file, `own` (the judge's), or another name that the
            judge knows. Resolved when settings are made.
        model: The model, by its name on the server, and its decoding.
    """

    places: ClassVar[tuple[str, ...]] = ("instruction", "response")
    official: ClassVar[Mapping[str, Callable[[], dict[str, Any]]]] = {}  # further prompts, by name: downloads
    guideline: ClassVar[Callable[[], str] | None] = None  # text for `{guideline}`, put into a prompt when it is read

    prompt: JudgePrompt
    model: JudgeModel

    @model_validator(mode="before")
    @classmethod
    def _load_prompt(cls, data: Any) -> Any:
        given = data.get("prompt", "own") if isinstance(data, dict) else None
        return data | {"prompt": cls._prompt(given)} if isinstance(given, str) else data

    @classmethod
    def _prompt(cls, given: str) -> dict[str, Any]:
        if given in cls.official:
            return cls.official[given]()
        if given == "own":
            path = Path(sys.modules[cls.__module__].__file__).with_name(OWN)
        elif "/" in given or Path(given).suffix in (".yaml", ".yml"):
            path = Path(given)
        else:
            known = ", ".join(["own", *cls.official])
            raise ValueError(f"prompt: no prompt is called '{given}' (known: {known}; or the path of a YAML file)")
        try:
            prompt = validate_settings(JudgePrompt, read_yaml(path), where=str(path)).resolved()
        except (SettingsError, UserError) as error:
            raise ValueError(f"prompt: {error}") from None
        # so that the settings hold every word that the model is told
        return (
            prompt if cls.guideline is None else prompt | {"user": fill(prompt["user"], {"guideline": cls.guideline()})}
        )

    @model_validator(mode="after")
    def _has_all_places(self) -> LlmParameters:
        found = re.findall(r"\{(\w+)\}", self.prompt.user)
        missing = [place for place in self.places if place not in found]
        if missing:
            raise ValueError(f"prompt: '{{{missing[0]}}}' must stand in the user message of '{self.prompt.name}'")
        return self

    def messages(self, **values: str) -> Messages:
        """The prompt's messages for one call; every place of the judge must be given."""
        return self.prompt.messages({place: values[place] for place in self.places})


class PairParameters(LlmParameters):
    """Parameters of a judge that compares two replies.

    Attributes:
        seed: Decides, prompt by prompt, whose reply is shown first; which was is recorded with every verdict.
    """

    places: ClassVar[tuple[str, ...]] = ("instruction", "first", "second")

    seed: int = Field(default=0, ge=0)


def ask_reply(row: dict[str, Any], parameters: LlmParameters) -> list[Messages]:
    """The messages of judges that ask about an instruction and a reply to it: one call."""
    return [parameters.messages(instruction=row["prompt"], response=row["response"])]
