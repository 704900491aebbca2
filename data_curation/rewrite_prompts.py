"""Prompts of the rewriting: YAML files in `prompts/`, a file of the user's own, or the authors' text, downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from artifacts.errors import SettingsError, UserError
from artifacts.files import read_yaml
from artifacts.pins import fetch
from artifacts.settings import Settings, validate_settings
from data_curation.llm_client import Request
from data_curation.prompt_text import fill, python_constant
from data_curation.records import Record

Kind = Literal["refine", "news"]
PROMPTS = Path(__file__).resolve().parent / "prompts"
OFFICIAL = "official-refine"
OFFICIAL_PIN = "response-tuning-refine"
_OFFICIAL_NAME = "RESPONSE_REFINE_PROMPT_TEMPLATE"
_OFFICIAL_PLACES = {"{user_request}": "{instruction}"}


class Prompt(Settings):
    """What the model is told, as data; the whole of it stands in a rewritten set's settings.

    Attributes:
        name: Name of the prompt.
        version: Raised whenever the text changes.
        kind: `refine` (a response to an instruction, appendix G of the paper) or `news` (a passage, appendix F).
        marker: What the model writes before the new text; letter case does not matter.
        system: System message, or None.
        user: User message. `{response}` stands for the response, `{instruction}` for the instruction, `{request}` for
            the part below.
        request: Part of the user message for rows with an instruction; for rows without it is left out.
    """

    name: str
    version: int = Field(ge=1)
    kind: Kind
    marker: str = Field(min_length=3)
    system: str | None = None
    user: str
    request: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Prompt:
        if self.user.count("{response}") != 1:
            raise ValueError("user: '{response}' must stand in it once")
        if self.marker.lower() not in f"{self.system or ''} {self.user}".lower():
            raise ValueError(f"user: the model is not told to write the marker '{self.marker}'")
        if ("{request}" in self.user) != (self.request is not None):
            raise ValueError("user and request: '{request}' stands in the one if the other is given, and only then")
        if self.request is not None and "{instruction}" not in self.request:
            raise ValueError("request: '{instruction}' must stand in it")
        return self

    @property
    def needs_instruction(self) -> bool:
        """Whether a row without an instruction cannot be asked about."""
        return "{instruction}" in self.user

    def request_for(self, record: Record) -> Request:
        """The messages for one record. What stands in its texts is put in as it is, braces too."""
        values = {"instruction": record.instruction or "", "response": record.response, "request": ""}
        if self.request is not None and record.instruction is not None and record.instruction.strip():
            values["request"] = fill(self.request, values)
        messages = [] if self.system is None else [("system", self.system)]
        return Request((*messages, ("user", fill(self.user, values).strip())))


def prompt_names() -> list[str]:
    """Names of the prompts that come with the package."""
    return sorted(path.stem for path in PROMPTS.glob("*.yaml"))


def load_prompt(given: str) -> Prompt:
    """A prompt by name, by the path of a YAML file (with a slash or an ending `.yaml`), or `official-refine`.

    Raises:
        UserError: no prompt of that name, or one whose parts do not fit.
        MissingDataError: the official text cannot be downloaded.
    """
    if given == OFFICIAL:
        return _official()
    named = "/" not in given and Path(given).suffix not in (".yaml", ".yml")
    path = PROMPTS / f"{given}.yaml" if named else Path(given)
    if named and not path.is_file():
        raise UserError(
            f"no prompt is called '{given}'",
            fix=f"known prompts: {', '.join([*prompt_names(), OFFICIAL])}; or give the path of a YAML file",
        )
    value = read_yaml(path)
    if not isinstance(value, dict):
        raise SettingsError(["expected the keys name, version, kind, marker and user"], where=str(path))
    return validate_settings(Prompt, value, where=str(path))


def _official() -> Prompt:
    """The authors' prompt, taken out of their script, which is read and never run.

    Their script looks for `refined response:` in any letter case, and asks nothing but this one message.
    """
    (path,) = fetch(OFFICIAL_PIN).paths
    text = python_constant(path, _OFFICIAL_NAME)
    for theirs, ours in _OFFICIAL_PLACES.items():
        text = text.replace(theirs, ours)
    value = {"name": OFFICIAL, "version": 1, "kind": "refine", "marker": "refined response:", "user": text}
    return validate_settings(Prompt, value, where=str(path))


def _resolve(value: Any) -> Any:
    return load_prompt(value) if isinstance(value, str) else value


# a settings field: the name of a prompt, the path of one, or the prompt itself
PromptField = Annotated[Prompt, BeforeValidator(_resolve)]
